package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

func newCredential(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "credential",
		Short: "Credentials: keys for external account binding (EAB)",
		Long: `Credentials are keys for external account binding. They are live: suspending one
stops every account that came in by it, at once, and what its scope says holds
for the next request of each.`,
	}, c.credentialCreate(), c.credentialList(),
		c.credentialAct("show", "Show a credential, without its key", "", (*adminapi.Client).Credential),
		c.credentialSet(), c.credentialRotate(),
		c.credentialStop("suspend", "Stop a credential and its accounts until it is resumed",
			"Stop a credential and its accounts until it is resumed: nothing is ordered, proven\nor issued by them meanwhile.", (*adminapi.Client).SuspendCredential),
		c.credentialAct("resume", "Let a suspended credential and its accounts in again", "", (*adminapi.Client).ResumeCredential),
		c.credentialStop("delete", "Remove a credential and stop its accounts for good",
			"Remove a credential and stop its accounts for good.", (*adminapi.Client).DeleteCredential))
}

func (c *command) credentialCreate() *cobra.Command {
	var n adminapi.NewCredential
	var scope adminapi.ScopeChange
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a credential; its key is shown this once",
		Long: `Make a credential. Its key is shown this once: the server keeps it sealed, and
nothing shows it again.

Its scope narrows the rules of the connector and never widens them. What is
pre-approved is certified without a challenge: you vouch for who has the key.`,
		Example: "  everleaf credential create --name web-team --names .web.example.com\n" +
			"  everleaf credential create --name contractor --connector shops --expires 30d --max-accounts 1 -o json\n" +
			"  everleaf credential create --name printers --pre-approved .print.example.com,10.3.0.0/16",
	}
	flags := cmd.Flags()
	flags.StringVar(&n.Name, "name", "", "`name` for people")
	flags.StringVar(&n.Connector, "connector", "", "`name` of the connector that it opens (default: default)")
	intFlag(flags, &n.MaxAccounts, "max-accounts", "`number` of accounts that may come in by it; 0 is any number")
	c.momentFlag(flags, &n.Expires, "expires", "`time` at which it ends, like 2027-01-31 or 30d")
	addScope(flags, &scope)
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		if n.Name == "" {
			return result{}, errors.New("name the credential with --name, after whoever gets it")
		}
		if err := adminapi.Apply(scope, &n.Scope); err != nil {
			return result{}, err
		}
		made, err := cl.CreateCredential(ctx, n)
		return result{
			data: made, table: c.newCredentialFacts(made, cl.settings.Data), note: "Keep the key now: nothing shows it again.",
		}, err
	})
}

// newCredentialFacts shows a new credential with its key and a line that uses it.
func (c *command) newCredentialFacts(made adminapi.CreatedCredential, data string) func(io.Writer) error {
	return func(w io.Writer) error {
		var f render.Facts
		f.Add("Key id (kid)", made.KID)
		f.Add("Key (hmac)", made.HMAC)
		f.Add("Name", made.Name)
		f.Add("Connector", made.Connector)
		f.Add("Expires", render.When(made.Expires, c.now()))
		if err := f.Write(w); err != nil {
			return err
		}
		intro := "With certbot, on the host that has the name:"
		if made.Directory == "" {
			intro = "With certbot (no server runs that could tell its address: put it for HOST:PORT):"
		}
		_, err := fmt.Fprintf(w, "\n%s\n\n"+
			"  REQUESTS_CA_BUNDLE=%s certbot certonly --standalone%s \\\n"+
			"    --server %s \\\n"+
			"    --register-unsafely-without-email --agree-tos \\\n"+
			"    --eab-kid %s --eab-hmac-key %s -d NAME\n",
			intro, shellPath(filepath.Join(data, app.RootsFile)), certbotPort(cmp.Or(made.HTTP01Port, 80)),
			cmp.Or(made.Directory, "https://HOST:PORT/acme/"+made.Connector+"/directory"), made.KID, made.HMAC)
		return err
	}
}

func (c *command) credentialList() *cobra.Command {
	var connector string
	cmd := &cobra.Command{Use: "list", Short: "List the credentials, without their keys"}
	cmd.Flags().StringVar(&connector, "connector", "", "only those of the connector of this `name`")
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, err := cl.Credentials(ctx, connector)
		rows := render.Rows{Header: []string{"KID", "NAME", "CONNECTOR", "STATUS", "ACCOUNTS", "EXPIRES", "NAMES", "PRE-APPROVED"}}
		for _, one := range found.Credentials {
			rows.Add(one.ID, one.Name, one.Connector, one.Status, atMost(one.MaxAccounts), render.Day(one.Expires, c.now()),
				orAll(render.Few(one.Scope.Names)), render.Few(one.Scope.PreApproved))
		}
		return listed(found, &rows, ""), err
	})
}

// credentialAct returns a command that does one thing with one credential.
func (c *command) credentialAct(verb, short, long string, do func(*adminapi.Client, context.Context, string) (adminapi.Credential, error)) *cobra.Command {
	cmd := &cobra.Command{Use: verb + " KID", Short: short, Long: long}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		one, err := do(cl.Client, ctx, args[0])
		return c.credentialResult(one), err
	})
}

func (c *command) credentialResult(one adminapi.Credential) result {
	return result{data: one, table: func(w io.Writer) error {
		var f render.Facts
		f.Add("Key id (kid)", one.ID)
		f.Add("Name", one.Name)
		f.Add("Connector", one.Connector)
		f.Add("Status", one.Status)
		f.Add("Accounts", atMost(one.MaxAccounts))
		addScopeFacts(&f, one.Scope)
		f.Add("Created", render.When(one.Created, c.now()))
		f.Add("Expires", render.When(one.Expires, c.now()))
		f.Add("Suspended", render.When(one.Suspended, c.now()))
		f.Add("Key before the last", binds(render.When(one.FormerUntil, c.now())))
		if one.Revocation != nil {
			f.Add("Its certificates", c.howFar(*one.Revocation))
		}
		return f.Write(w)
	}}
}

// binds says until when a rotated key is good; "" when there is none.
func binds(until string) string {
	if until == "" {
		return ""
	}
	return "binds accounts until " + until
}

// atMost says how many accounts may come in.
func atMost(n int) string {
	if n == 0 {
		return "any number"
	}
	return "at most " + strconv.Itoa(n)
}
