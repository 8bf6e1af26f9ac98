package cli

import (
	"context"
	"io"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

func newProfile(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "profile",
		Short: "Profiles: what certificates look like",
		Long: `Profiles say what certificates look like. A change makes a new version: the next
order gets it, open orders keep theirs. A connector offers the profiles that its
rules name.`,
	}, c.profileList(), c.profileShow(), c.profileSet())
}

func (c *command) profileList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the profiles in their newest versions"}
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, err := cl.Profiles(ctx)
		rows := render.Rows{Header: []string{"NAME", "VERSION", "ORGANISATION", "ISSUER", "LIFETIME", "KEYS", "DESCRIPTION"}}
		for _, p := range found.Profiles {
			rows.Add(p.Name, strconv.Itoa(p.Version), p.Organisation, p.Spec.Issuer, p.Spec.Lifetime.String(), keyTypes(p.Spec.Keys), p.Spec.Description)
		}
		return listed(found, &rows, ""), err
	})
}

// keyTypes names the accepted types of keys in a cell.
func keyTypes(accepted []pki.KeyType) string {
	if len(accepted) == len(pki.SubjectKeyTypes()) {
		return "all"
	}
	return render.Words(accepted)
}

func (c *command) profileShow() *cobra.Command {
	var org string
	cmd := &cobra.Command{Use: "show NAME", Short: "Show a profile"}
	addOrg(cmd.Flags(), &org)
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		found, err := cl.Profile(ctx, org, args[0])
		return c.profileResult(found), err
	})
}

func (c *command) profileSet() *cobra.Command {
	var org string
	var change adminapi.SpecChange
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Make a profile, or a new version of it",
		Long: `Make a profile, or a new version of it. What no flag names stays as it is; a new
profile begins as one of 90 days for servers.`,
		Example: "  everleaf profile set weekly --lifetime 7d --keys ecdsa-p256 --no-crl\n  everleaf connector set default --profiles default,weekly",
	}
	addSpec(cmd.Flags(), &change)
	addOrg(cmd.Flags(), &org)
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		saved, err := cl.SaveProfile(ctx, org, args[0], change)
		return c.profileResult(saved), err
	})
}

func addOrg(flags *pflag.FlagSet, to *string) {
	flags.StringVar(to, "org", "", "`organisation` that it belongs to (default: default)")
}

// addSpec adds a flag for each part of a profile.
func addSpec(flags *pflag.FlagSet, change *adminapi.SpecChange) {
	flags.Func("description", "one line of `text` for people", optional(&change.Description, plain))
	flags.Func("issuer", "`name` of the issuer that signs", optional(&change.Issuer, plain))
	flags.Func("lifetime", "validity, a `time` like 90d, 160h or 1d12h", optional(&change.Lifetime, span.Parse))
	flags.Func("backdate", "`time` by which certificates begin before they are signed, for clocks that run late, like 1h", optional(&change.Backdate, span.Parse))
	flags.Func("keys", "accepted `types` of keys: "+joined(pki.SubjectKeyTypes()), optionalList(&change.Keys, oneOf(pki.SubjectKeyTypes()...)))
	flags.Func("usages", "extended key `usages`: "+joined([]pki.Usage{pki.ServerAuth, pki.ClientAuth}), optionalList(&change.Usages, oneOf(pki.ServerAuth, pki.ClientAuth)))
	flags.BoolFunc("common-name", "put the first name into the subject too, for old clients", optional(&change.CommonName, yesNo))
	flags.BoolFunc("ocsp", "name the place that tells the status of a certificate (OCSP)", optional(&change.OCSP, yesNo))
	flags.BoolFunc("no-crl", "leave the revocation list out, for lifetimes of at most 7d", optional(&change.NoCRL, yesNo))
}

func (c *command) profileResult(p adminapi.Profile) result {
	return result{data: p, table: func(w io.Writer) error {
		var f render.Facts
		f.Add("Name", p.Name)
		f.Add("Version", strconv.Itoa(p.Version))
		f.Add("Organisation", p.Organisation)
		f.Add("Description", p.Spec.Description)
		f.Add("Issuer", p.Spec.Issuer)
		f.Add("Lifetime", p.Spec.Lifetime.String())
		f.Add("Backdate", p.Spec.Backdate.String())
		f.Add("Keys", render.Words(p.Spec.Keys))
		f.Add("Usages", render.Words(p.Spec.Usages))
		f.Add("Common name", render.YesNo(p.Spec.CommonName))
		f.Add("Revocation list", render.YesNo(!p.Spec.NoCRL))
		f.Add("OCSP", render.YesNo(p.Spec.OCSP))
		f.Add("This version", render.When(p.Created, c.now()))
		f.Add("Id", p.ID)
		return f.Write(w)
	}}
}
