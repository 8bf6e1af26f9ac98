package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

func newOrg(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:     "org",
		Aliases: []string{"organisation", "organization"},
		Short:   "Organisations: the tenants",
		Long: `Organisations are the tenants. Each issuer, profile and connector belongs to exactly
one; "default" exists from the start.`,
	}, c.orgList(), c.orgCreate())
}

func (c *command) orgList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the organisations"}
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, err := cl.Organisations(ctx)
		return result{data: found, table: c.orgRows(found.Organisations...)}, err
	})
}

func (c *command) orgCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Add an organisation",
		Long:    "Add an organisation. It has no issuer yet: \"everleaf ca import --org NAME\"\nbrings one.",
		Example: "  everleaf org create retail",
	}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		made, err := cl.CreateOrganisation(ctx, adminapi.NewOrganisation{Name: args[0]})
		return result{data: made, table: c.orgRows(made)}, err
	})
}

func (c *command) orgRows(list ...adminapi.Organisation) func(io.Writer) error {
	rows := render.Rows{Header: []string{"NAME", "ID", "CREATED"}}
	for _, o := range list {
		rows.Add(o.Name, o.ID, render.Day(o.Created, c.now()))
	}
	return rows.Write
}
