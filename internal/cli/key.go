package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/cli/hidden"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

// maxTyped is how long a line may be that is typed, in octets; what a passphrase may be is decided elsewhere.
const maxTyped = 4096

func newKey(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "key",
		Short: "Keys: their passphrase, and those that are never certified",
		Long: `Keys are files of the data folder: those of the issuers, that of the server itself,
and the one that seals the secrets in the database. With a passphrase they are
encrypted. Keys of others that are known to be compromised can be blocked.`,
	}, c.keyPassphrase(), c.keyBlock(), c.keyBlocked())
}

// passphraseChanged is what became of the keys, as JSON.
type passphraseChanged struct {
	Changed []string `json:"changed"` // encrypted with the new passphrase
	Kept    []string `json:"kept"`    // had it before
}

func (c *command) keyPassphrase() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "passphrase",
		Short: "Encrypt the keys that are plain, or change the passphrase of all",
		Long: `Encrypt every key of the data folder with a new passphrase, those that are plain and
those that have the present one. The server must not run; it starts with the new
passphrase afterwards.

The new passphrase is read from --new-passphrase-file, $EVERLEAF_NEW_PASSPHRASE or
the systemd credential everleaf-new-passphrase, or typed twice on a terminal.

At every moment each key opens with one of the two passphrases. A command that was
interrupted is finished by the same command with the same two. With a wrong
passphrase nothing is changed. Copies that were made before stay as they are:
backups, and a root's key that is kept elsewhere.`,
		Example: `  everleaf key passphrase
  everleaf key passphrase --passphrase-file old --new-passphrase-file new`,
	}
	cmd.Flags().StringVar(&file, "new-passphrase-file", "", "`file` with the new passphrase, outside the data folder")
	cmd = c.reader(cmd, func(cmd *cobra.Command, _ []string) (result, error) { return c.changePassphrase(cmd, file) })
	addSettings(cmd.Flags(), "data", "passphrase-file")
	return cmd
}

func (c *command) changePassphrase(cmd *cobra.Command, file string) (result, error) {
	settings, err := c.loadSettings(cmd)
	if err != nil {
		return result{}, err
	}
	if err := requireInstallation(settings.Data); err != nil {
		return result{}, err
	}
	if live, err := answers(cmd.Context(), app.SocketPath(settings.Data)); err != nil {
		return result{}, err
	} else if live {
		return result{}, fmt.Errorf("the server of %s runs with the present passphrase; stop it, run this command again, and start it with the new one", settings.Data)
	}
	next := app.NewPassphrase{File: file}
	if terminal, ok := c.In.(*os.File); ok && hidden.IsTerminal(terminal) {
		next.Ask = func() ([]byte, error) { return c.askTwice(cmd.Context(), terminal) }
	}
	change, err := app.ChangePassphrase(cmd.Context(), settings, c.env, next)
	if err != nil {
		return result{}, err
	}
	changed := passphraseChanged{append([]string{}, change.Changed...), append([]string{}, change.Kept...)}
	return result{data: changed, note: changed.note(), table: func(w io.Writer) error {
		var f render.Facts
		f.Add("Encrypted", strings.Join(changed.Changed, ", "))
		f.Add("As before", strings.Join(changed.Kept, ", "))
		return f.Write(w)
	}}, nil
}

func (p passphraseChanged) note() string {
	if len(p.Changed) == 0 {
		return "Every key had this passphrase already; nothing was changed."
	}
	return "Every key has the new passphrase: start the server with it. Backups that were made before open as they did."
}

// askTwice lets a person type the new passphrase, and type it again.
func (c *command) askTwice(ctx context.Context, terminal *os.File) ([]byte, error) {
	first, err := c.ask(ctx, terminal, "New passphrase: ")
	if err != nil {
		return nil, err
	}
	second, err := c.ask(ctx, terminal, "The same again: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, second) {
		return nil, errors.New("the two passphrases differ; nothing was changed, try again")
	}
	return first, nil
}

func (c *command) ask(ctx context.Context, terminal *os.File, prompt string) ([]byte, error) {
	if _, err := io.WriteString(c.Err, prompt); err != nil {
		return nil, err
	}
	line, err := hidden.Line(ctx, terminal, maxTyped)
	_, _ = io.WriteString(c.Err, "\n") // the one that was typed is hidden too
	switch {
	case errors.Is(err, context.Canceled):
		return nil, errors.New("no passphrase was typed, so nothing was changed")
	case err != nil:
		return nil, fmt.Errorf("the passphrase cannot be read from the terminal, so nothing was changed: %w", err)
	}
	return line, nil
}
