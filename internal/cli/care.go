package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

func newStatus(c *command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell whether the server runs and can do its work",
		Long: `Tell whether the server runs and can do its work, with every check of readiness and
what is wrong with those that fail. The exit code is 4 when one fails or no server
runs.`,
	}
	cmd = c.finder(cmd, func(cmd *cobra.Command, _ []string) (r result, bad bool, err error) {
		err = c.withClient(cmd, func(ctx context.Context, cl *client) error {
			found, err := cl.Readiness(ctx)
			r, bad = result{data: found, table: readinessTable(found)}, !found.Ready || !found.Serving || slices.ContainsFunc(found.Checks, failed)
			if !found.Serving {
				r.note = fmt.Sprintf("No server runs on %s.", cl.settings.Data)
			}
			return err
		})
		return r, bad, err
	})
	addSettings(cmd.Flags(), "data", "passphrase-file")
	return cmd
}

func failed(c adminapi.ReadinessCheck) bool { return !c.OK }

func readinessTable(r adminapi.Readiness) func(io.Writer) error {
	rows := render.Rows{Header: []string{"CHECK", "OK", "PROBLEM"}}
	rows.Add("serving", render.YesNo(r.Serving), "")
	for _, one := range r.Checks {
		rows.Add(one.Name, render.YesNo(one.OK), one.Problem)
	}
	return rows.Write
}

func newCheck(c *command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Verify the whole store",
		Long: `Verify the whole store: the database itself, that certificates, orders and the log
agree, that no issuance is stuck. Each finding is one line; with any the exit
code is 4. It reads everything once and changes nothing.`,
	}
	cmd = c.finder(cmd, func(cmd *cobra.Command, _ []string) (r result, bad bool, err error) {
		err = c.withClient(cmd, func(ctx context.Context, cl *client) error {
			found, err := cl.Check(ctx)
			r, bad = findingsResult(found, "The whole store is sound.")
			return err
		})
		return r, bad, err
	})
	addSettings(cmd.Flags(), "data", "passphrase-file")
	return cmd
}

func findingsResult(found adminapi.Findings, sound string) (r result, bad bool) {
	return result{data: found, table: sentences(found.Findings), note: ifNone(found.Findings, sound)}, len(found.Findings) > 0
}

func newReload(c *command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Let the server read its settings again",
		Long: `Let the server read its settings again, and wait until it has. It takes over what
can change while it runs ("everleaf config show" tells) and says which file was
read and what changed. When anything is wrong, or needs a restart, it says what,
and keeps all the old settings.`,
	}
	cmd = c.reader(cmd, func(cmd *cobra.Command, _ []string) (result, error) {
		done, err := c.reload(cmd)
		return result{data: done, note: render.Clean(tellReloaded(done)), table: func(io.Writer) error { return nil }}, err
	})
	addSettings(cmd.Flags(), "data")
	return cmd
}

func (c *command) reload(cmd *cobra.Command) (adminapi.Reloaded, error) {
	settings, err := c.loadSettings(cmd)
	if err != nil {
		return adminapi.Reloaded{}, err
	}
	if err := requireInstallation(settings.Data); err != nil {
		return adminapi.Reloaded{}, err
	}
	socket := app.SocketPath(settings.Data)
	if live, err := answers(cmd.Context(), socket); err != nil {
		return adminapi.Reloaded{}, err
	} else if !live {
		return adminapi.Reloaded{}, fmt.Errorf("no server runs on %s; it reads its settings when it starts", settings.Data)
	}
	done, err := adminapi.NewClient(adminapi.OverSocket(socket)).Reload(cmd.Context())
	return done, noAnswer(err, settings.Data)
}
