package cli

import (
	"cmp"
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

func newAccount(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "account",
		Short: "Accounts: who asks",
		Long:  "Accounts are the ACME accounts that clients made at the connectors.",
	}, c.accountList(),
		c.accountAct("show", "Show an account", "", (*adminapi.Client).Account),
		c.accountRecords(),
		c.accountAct("revoke", "End an account for good",
			"End an account for good: its key opens nothing any more. Its certificates stay valid;\n\"everleaf cert list --account ID\" finds them.",
			(*adminapi.Client).RevokeAccount))
}

func (c *command) accountList() *cobra.Command {
	var connector string
	cmd := &cobra.Command{Use: "list", Short: "List the accounts, the newest first"}
	cmd.Flags().StringVar(&connector, "connector", "", "only those of the connector of this `name`")
	pages := addPages(cmd.Flags(), 0)
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, next, err := collect(pages, func(p adminapi.Page) ([]adminapi.Account, string, error) {
			part, err := cl.Accounts(ctx, connector, p)
			return part.Accounts, part.Next, err
		})
		rows := render.Rows{Header: []string{"ID", "CONNECTOR", "STATUS", "KEY", "CREDENTIAL", "CREATED", "CONTACTS"}}
		for _, a := range found {
			rows.Add(a.ID, a.Connector, a.Status, a.Algorithm, a.Credential, render.Day(a.Created, c.now()), render.Few(a.Contacts))
		}
		data := adminapi.Accounts{Accounts: found, Next: next}
		return listed(data, &rows, next), err
	})
}

func (c *command) accountRecords() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "records ID NAME",
		Short: "Print the DNS records by which an account proves a name",
		Long: `Print the TXT records that name the account and prove control of NAME by the methods
that its connector offers: where the record of dns-account-01 stands, whose value
is another for each order, and the record of dns-persist-01, which stays. For a
wildcard write "*.example.com": its record is good for every name below too.`,
		Example: "  everleaf account records 3oc66hzkm2222222222m shop.example.com",
	}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		found, err := cl.Records(ctx, args[0], args[1])
		rows := render.Rows{Header: []string{"METHOD", "NAME", "TYPE", "VALUE"}}
		for _, r := range found.Records {
			rows.Add(r.Method, r.Name, "TXT", cmp.Or(r.Value, "(another for each order)"))
		}
		return listed(found, &rows, ""), err
	})
}

// accountAct returns a command that does one thing with one account.
func (c *command) accountAct(verb, short, long string, do func(*adminapi.Client, context.Context, string) (adminapi.Account, error)) *cobra.Command {
	cmd := &cobra.Command{Use: verb + " ID", Short: short, Long: long}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		a, err := do(cl.Client, ctx, args[0])
		return result{data: a, table: func(w io.Writer) error {
			var f render.Facts
			f.Add("Id", a.ID)
			f.Add("Connector", a.Connector)
			f.Add("Status", a.Status)
			f.Add("Contacts", a.Contacts...)
			f.Add("Key", a.Algorithm)
			f.Add("Thumbprint", a.Thumbprint)
			f.Add("Credential", a.Credential)
			f.Add("Created", render.When(a.Created, c.now()))
			f.Add("Agreed to terms", render.When(a.TermsAgreed, c.now()))
			f.Add("Deactivated", render.When(a.Deactivated, c.now()))
			f.Add("Revoked", render.When(a.Revoked, c.now()))
			return f.Write(w)
		}}, err
	})
}
