package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

func newRenewal(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "renewal",
		Short: "Renewal: when clients renew certificates",
		Long: `Clients that know renewal information (RFC 9773) ask when to renew a certificate.
Each certificate has a window of its own, around two thirds of its life; one that
is revoked is to be renewed at once. An override gives a set of certificates
another window.`,
	}, c.renewalOverride(), c.renewalList(), c.renewalEnd())
}

func (c *command) renewalOverride() *cobra.Command {
	var n adminapi.NewRenewalOverride
	cmd := &cobra.Command{
		Use:   "override",
		Short: "Give certificates another window in which they are renewed",
		Long: `Give a set of certificates another window in which they are renewed, before they
are revoked or where many would come at a bad time. Clients ask every six hours,
those of short-lived certificates more often, and choose a time in the window at
random. An override covers what was issued before it was made, until it is ended,
and lets no certificate expire: one that has less than a tenth of its life left
when the window ends keeps its own.`,
		Example: "  everleaf renewal override --issuer default --until 2d --explain https://ca.example.com/why\n" +
			"  everleaf renewal override --name .shop.example.com --from 2027-01-10 --until 2027-01-12",
	}
	flags := cmd.Flags()
	c.setFlags(flags, &n)
	c.momentFlag(flags, &n.Start, "from", "begin of the window, a `time` like 2027-01-31 or 12h (default now)")
	c.momentFlag(flags, &n.End, "until", "end of the window, a `time` (default a day after its begin)")
	flags.StringVar(&n.Explanation, "explain", "", "`URL` of a page that says why; clients show it to people")
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		made, err := cl.OverrideRenewal(ctx, n)
		return result{data: made, table: c.overrideFacts(made.RenewalOverride).Write, note: coverageNote(made)}, err
	})
}

// setFlags adds the flags that select certificates.
func (c *command) setFlags(flags *pflag.FlagSet, n *adminapi.NewRenewalOverride) {
	flags.StringVar(&n.Name, "name", "", "those with this `name`: www.example.com, .example.com for all below it, an address")
	flags.StringVar(&n.Issuer, "issuer", "", "those of the issuer of this `name` or id")
	flags.StringVar(&n.Profile, "profile", "", "those of the profile of this `name`")
	flags.StringVar(&n.Connector, "connector", "", "those of the connector of this `name`")
	flags.StringVar(&n.Account, "account", "", "those of the account of this `id`")
	c.momentFlag(flags, &n.IssuedBefore, "issued-before", "those that were issued before this `time`")
	c.momentFlag(flags, &n.IssuedAfter, "issued-after", "those that were issued at this `time` or later")
	flags.BoolVar(&n.All, "all", false, "all certificates, where no other flag selects some")
}

func coverageNote(made adminapi.CreatedRenewalOverride) string {
	switch {
	case made.More:
		return fmt.Sprintf("It covers more than %d certificates that have not expired.", made.Covers)
	case made.Covers == 1:
		return "It covers 1 certificate that has not expired."
	default:
		return fmt.Sprintf("It covers %d certificates that have not expired.", made.Covers)
	}
}

func (c *command) renewalList() *cobra.Command {
	var ended bool
	cmd := &cobra.Command{Use: "list", Short: "List the overrides that are in force"}
	cmd.Flags().BoolVar(&ended, "ended", false, "those that have ended too")
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, err := cl.RenewalOverrides(ctx, ended)
		rows := render.Rows{Header: []string{"ID", "STATUS", "FROM", "UNTIL", "CERTIFICATES", "EXPLANATION"}}
		for _, one := range found.RenewalOverrides {
			rows.Add(one.ID, one.Status, render.Time(one.Start), render.Time(one.End), render.Few(selection(one)), one.Explanation)
		}
		return listed(found, &rows, ""), err
	})
}

func (c *command) renewalEnd() *cobra.Command {
	cmd := &cobra.Command{Use: "end ID", Short: "Give the certificates of an override their own windows back"}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		one, err := cl.EndRenewalOverride(ctx, args[0])
		return result{data: one, table: c.overrideFacts(one).Write}, err
	})
}

func (c *command) overrideFacts(one adminapi.RenewalOverride) *render.Facts {
	f := new(render.Facts)
	f.Add("Id", one.ID)
	f.Add("Status", one.Status)
	f.Add("Certificates", selection(one)...)
	f.Add("From", render.When(one.Start, c.now()))
	f.Add("Until", render.When(one.End, c.now()))
	f.Add("Explanation", one.Explanation)
	f.Add("Created", render.When(one.Created, c.now()))
	f.Add("Ended", render.When(one.Ended, c.now()))
	return f
}

// selection says in words which certificates an override covers.
func selection(one adminapi.RenewalOverride) []string {
	var words []string
	add := func(what, value string) {
		if value != "" {
			words = append(words, what+" "+value)
		}
	}
	add("name", one.Name)
	for _, issuer := range one.Issuers {
		add("issuer", issuer)
	}
	add("profile", one.Profile)
	add("connector", one.Connector)
	add("account", one.Account)
	add("issued before", render.Time(one.IssuedBefore))
	add("issued from", render.Time(one.IssuedAfter))
	if words == nil {
		return []string{"all"}
	}
	return words
}
