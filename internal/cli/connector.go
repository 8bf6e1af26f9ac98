package cli

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

func newConnector(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "connector",
		Short: "Connectors: the doors, and who may ask for what",
		Long: `Connectors are doors: each is an ACME server of its own, at
/acme/NAME/directory, with its own accounts and rules. A changed rule holds from
the next request on.`,
	}, c.connectorList(), c.connectorShow(), c.connectorCreate(), c.connectorSet(),
		c.connectorSwitch("suspend", "Let a connector issue nothing until it is resumed", (*adminapi.Client).SuspendConnector),
		c.connectorSwitch("resume", "Let a suspended connector issue again", (*adminapi.Client).ResumeConnector))
}

func (c *command) connectorList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the connectors"}
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, err := cl.Connectors(ctx)
		rows := render.Rows{Header: []string{"NAME", "KIND", "STATUS", "ORGANISATION", "PROFILES", "EAB", "NAMES"}}
		for _, one := range found.Connectors {
			rows.Add(one.Name, one.Kind, one.Status, one.Organisation, render.Words(one.Rules.Profiles),
				required(one.Rules.ExternalBinding), orAll(render.Few(one.Rules.Names)))
		}
		return listed(found, &rows, ""), err
	})
}

func (c *command) connectorShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "Show a connector with its rules"}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		found, err := cl.Connector(ctx, args[0])
		return c.connectorResult(found), err
	})
}

func (c *command) connectorCreate() *cobra.Command {
	n := adminapi.NewConnector{}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Add a connector",
		Long: `Add a connector. Its name stands in its URLs and never changes. Rules that no flag
names are those that every connector starts with.`,
		Example: "  everleaf connector create shops --require-eab --names .shops.example.com",
	}
	addRules(cmd.Flags(), &n.Rules)
	addOrg(cmd.Flags(), &n.Organisation)
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		n.Name = args[0]
		made, err := cl.CreateConnector(ctx, n)
		return c.connectorResult(made), err
	})
}

func (c *command) connectorSet() *cobra.Command {
	var change adminapi.RulesChange
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Change rules of a connector",
		Long:  "Change rules of a connector. What no flag names stays as it is; an empty list\n(--names \"\") empties a rule.",
		Example: "  everleaf connector set default --require-eab\n" +
			"  everleaf connector set default --profiles default,shortlived --methods dns-01",
	}
	addRules(cmd.Flags(), &change)
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		if change == (adminapi.RulesChange{}) {
			return result{}, errors.New("name the rules to change; \"everleaf connector set --help\" lists them")
		}
		changed, err := cl.ChangeRules(ctx, args[0], change)
		return c.connectorResult(changed), err
	})
}

// connectorSwitch returns a command that closes or opens a connector.
func (c *command) connectorSwitch(verb, short string, do func(*adminapi.Client, context.Context, string) (adminapi.Connector, error)) *cobra.Command {
	cmd := &cobra.Command{Use: verb + " NAME", Short: short}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		changed, err := do(cl.Client, ctx, args[0])
		return c.connectorResult(changed), err
	})
}

func (c *command) connectorResult(one adminapi.Connector) result {
	return result{data: one, table: func(w io.Writer) error {
		var f render.Facts
		f.Add("Name", one.Name)
		f.Add("Kind", one.Kind)
		f.Add("Status", one.Status)
		f.Add("Suspended", render.When(one.Suspended, c.now()))
		f.Add("Organisation", one.Organisation)
		f.Add("Directory", cmp.Or(one.Directory, "/acme/"+one.Name+"/directory"))
		addRuleFacts(&f, one.Rules)
		f.Add("Warning", one.Warnings...)
		f.Add("Created", render.When(one.Created, c.now()))
		f.Add("Id", one.ID)
		return f.Write(w)
	}}
}
