package cli

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
)

func newLimit(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "limit",
		Short: "Limits: what is taken, who pauses, who may have more",
		Long: `Limits say how much of something is allowed in which time. They are declared by
"connector set NAME --limit KIND=RATE"; the commands here show what is taken of
them, give it back, and let single accounts, credentials, names and networks have
another rate.`,
	}, c.limitList(), c.limitOverride(), c.limitReset(), c.limitResume())
}

func (c *command) limitList() *cobra.Command {
	var connector string
	var kind limit.Kind
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what is taken of the limits, and who pauses",
		Long: `List what is taken of the limits, and which accounts pause for which names after
failures in a row.`,
	}
	cmd.Flags().StringVar(&connector, "connector", "", "only those of the connector of this `name`")
	kindFlag(cmd, &kind, "only those of this `kind`: "+joined(limit.Kinds()))
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, err := cl.Limits(ctx, connector, kind)
		rows := render.Rows{Header: []string{"CONNECTOR", "LIMIT", "FOR", "TAKEN", "ALLOWED", "FREE", "IN A ROW", "PAUSES UNTIL"}}
		for _, l := range found.Limits {
			rows.Add(l.Connector, string(l.Kind), l.Subject, strconv.Itoa(l.Taken), l.Rate.String(), render.When(l.FreeAt, c.now()),
				orNothing(l.FailuresInRow), render.When(l.PausedUntil, c.now()))
		}
		return listed(found, &rows, ""), err
	})
}

func (c *command) limitOverride() *cobra.Command {
	var o adminapi.LimitOverride
	cmd := &cobra.Command{
		Use:   "override RATE",
		Short: "Give an account, a credential, a name or a network another rate",
		Long: `Give one account, credential, name or network another rate of one kind of limit
than its connector declares: a rate like 300/3h, a number alone for
failures-in-a-row, "none" for no limit, "usual" for what the connector declares.`,
		Example: "  everleaf limit override none --kind orders-per-domain --name example.com --until 30d\n" +
			"  everleaf limit override 20000/1h --kind accounts-per-address --address 10.0.0.0/8\n" +
			"  everleaf limit override usual --kind orders-per-account --account ID",
	}
	flags := cmd.Flags()
	kindFlag(cmd, &o.Kind, "`kind` of limit: "+joined(limit.Kinds()))
	flags.StringVar(&o.Account, "account", "", "`id` of the account that it is for")
	flags.StringVar(&o.Credential, "credential", "", "`kid` of the credential that it is for")
	flags.StringVar(&o.Name, "name", "", "`name` that it is for")
	flags.StringVar(&o.Address, "address", "", "`address` or network of clients that it is for")
	flags.StringVar(&o.Connector, "connector", "", "`name` of the connector, for a name or an address (default: default)")
	c.momentFlag(flags, &o.Until, "until", "`time` at which it ends, like 2027-01-31 or 30d")
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		if o.Kind == "" {
			return result{}, errors.New("name the kind of limit with --kind")
		}
		o.Rate = args[0]
		changed, err := cl.OverrideLimit(ctx, o)
		return c.connectorResult(changed), err
	})
}

func (c *command) limitReset() *cobra.Command {
	var r adminapi.LimitReset
	cmd := &cobra.Command{
		Use:     "reset KIND SUBJECT",
		Short:   "Give back what was taken of a limit",
		Long:    "Give back what was taken of a limit. \"everleaf limit list\" shows both words of it.",
		Example: "  everleaf limit reset orders-per-domain example.com",
	}
	cmd.Flags().StringVar(&r.Connector, "connector", "", "`name` of the connector (default: default)")
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		r.Kind, r.Subject = limit.Kind(args[0]), args[1]
		given, err := cl.ResetLimit(ctx, r)
		return c.limitResult(given, "It was given back."), err
	})
}

func (c *command) limitResume() *cobra.Command {
	var r adminapi.LimitResume
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Let an account try again to prove control of a name",
		Long: `Let an account try again to prove control of a name for which it pauses after
failures in a row. The failures are forgotten.`,
		Example: "  everleaf limit resume --account ID --name www.example.com",
	}
	cmd.Flags().StringVar(&r.Account, "account", "", "`id` of the account")
	cmd.Flags().StringVar(&r.Name, "name", "", "`name` for which it pauses")
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		if r.Account == "" || r.Name == "" {
			return result{}, errors.New("name the account and the name with --account and --name; \"everleaf limit list\" shows both")
		}
		ended, err := cl.ResumeLimit(ctx, r)
		return c.limitResult(ended, "It may try again."), err
	})
}

// limitResult shows a limit as it was.
func (c *command) limitResult(l adminapi.Limit, note string) result {
	return result{data: l, note: note, table: func(w io.Writer) error {
		var f render.Facts
		f.Add("Connector", l.Connector)
		f.Add("Limit", string(l.Kind))
		f.Add("For", l.Subject)
		f.Add("Allowed", l.Rate.String())
		f.Add("Was taken", strconv.Itoa(l.Taken))
		f.Add("Failures in a row", orNothing(l.FailuresInRow))
		f.Add("Paused until", render.When(l.PausedUntil, c.now()))
		return f.Write(w)
	}}
}

func kindFlag(cmd *cobra.Command, to *limit.Kind, usage string) {
	cmd.Flags().Func("kind", usage, func(text string) (err error) {
		*to, err = oneOf(limit.Kinds()...)(text)
		return err
	})
}

// orNothing writes a number, and nothing for 0.
func orNothing(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
