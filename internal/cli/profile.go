package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/cli/specfile"
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
	var org, file string
	var change adminapi.SpecChange
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Make a profile, or a new version of it",
		Long: `Make a profile, or a new version of it. What no flag names stays as it is; a new
profile begins as one of 90 days for servers. With --file the profile becomes what
the file says, and what the file leaves out is as in a new profile: the parts of
the subject, lifetimes by date and extensions of your own can only be given there.`,
		Example: "  everleaf profile set weekly --lifetime 7d --keys ecdsa-p256 --no-crl\n" +
			"  everleaf connector set default --profiles default,weekly\n" +
			"  everleaf profile show weekly -o yaml > weekly.yaml\n" +
			"  everleaf profile set weekly --file weekly.yaml",
	}
	cmd.Flags().StringVar(&file, "file", "", "`file` in YAML or JSON with the whole profile, instead of the other flags")
	addSpec(cmd.Flags(), &change)
	addOrg(cmd.Flags(), &org)
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		if err := readSpec(file, &change); err != nil {
			return result{}, err
		}
		saved, err := cl.SaveProfile(ctx, org, args[0], change)
		return c.profileResult(saved), err
	})
}

// readSpec puts the profile in a file into change; "" names no file.
func readSpec(file string, change *adminapi.SpecChange) error {
	if file == "" {
		return nil
	}
	if *change != (adminapi.SpecChange{}) {
		return errors.New("--file names the whole profile; put into it what the other flags say, or leave it out")
	}
	var text string
	if err := readFiles(fileFlag{"file", file, &text}); err != nil {
		return err
	}
	spec, err := specfile.Read([]byte(text))
	if err != nil {
		return fmt.Errorf("--file: %s: %w", file, err)
	}
	*change = specfile.Whole(spec)
	return nil
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
	flags.Func("usages", "extended key `usages`: "+joined([]pki.Usage{pki.ServerAuth, pki.ClientAuth})+", or object identifiers", optionalList(&change.Usages, usage))
	flags.Func("key-usages", "key `usages`, instead of what TLS needs: "+joined(pki.KeyUsages()), optionalList(&change.KeyUsages, oneOf(pki.KeyUsages()...)))
	flags.Func("names", "`names` that may be certified, as in \"everleaf connector set --names\"", optionalList(&change.Names, plain))
	flags.Func("policies", "certificate policies, as object `identifiers`", optionalList(&change.Policies, certificatePolicy))
	flags.BoolFunc("public", "for names in the public DNS, by the rules of the CA/Browser Forum", optional(&change.Public, yesNo))
	flags.BoolFunc("no-issuer-url", "leave out where the issuer's certificate is", optional(&change.NoIssuerURL, yesNo))
	flags.BoolFunc("common-name", "put the first name into the subject too, for old clients", optional(&change.CommonName, yesNo))
	flags.BoolFunc("ocsp", "name the place that tells the status of a certificate (OCSP)", optional(&change.OCSP, yesNo))
	flags.BoolFunc("no-crl", "leave the revocation list out, for lifetimes of at most 7d", optional(&change.NoCRL, yesNo))
}

func usage(text string) (pki.Usage, error) { return pki.Usage(text), nil }

func certificatePolicy(text string) (pki.Policy, error) { return pki.Policy{OID: text}, nil }

func (c *command) profileResult(p adminapi.Profile) result {
	return result{data: p, table: func(w io.Writer) error {
		var f render.Facts
		f.Add("Name", p.Name)
		f.Add("Version", strconv.Itoa(p.Version))
		f.Add("Organisation", p.Organisation)
		f.Add("Description", p.Spec.Description)
		f.Add("Issuer", p.Spec.Issuer)
		f.Add("Lifetime", p.Spec.Lifetime.String())
		f.Add("Shorter", each(p.Spec.Lifetimes, func(l pki.Lifetime) string { return l.Lifetime.String() + " from " + l.From })...)
		f.Add("Backdate", p.Spec.Backdate.String())
		f.Add("Keys", render.Words(p.Spec.Keys))
		f.Add("Usages", render.Words(p.Spec.Usages))
		f.Add("Key usages", render.Words(p.Spec.KeyUsages))
		f.Add("Subject", each(p.Spec.Subject, describeField)...)
		f.Add("Names", p.Spec.Names...)
		f.Add("Policies", each(p.Spec.Policies, func(p pki.Policy) string { return strings.TrimSpace(p.OID + " " + p.CPS) })...)
		f.Add("Extensions", each(p.Spec.Extensions, func(e pki.Extension) string { return e.OID })...)
		f.Add("Public", render.YesNo(p.Spec.Public))
		f.Add("Common name", render.YesNo(p.Spec.CommonName))
		f.Add("Revocation list", render.YesNo(!p.Spec.NoCRL))
		f.Add("OCSP", render.YesNo(p.Spec.OCSP))
		f.Add("This version", render.When(p.Created, c.now()))
		f.Add("Id", p.ID)
		return f.Write(w)
	}}
}

// describeField tells a part of the subject in a line: what it is, what it says, and who decides.
func describeField(f pki.Field) string {
	text := string(f.Attribute)
	if f.Default != "" {
		text += ": " + f.Default
	}
	switch {
	case f.Modifiable && f.Required && f.Default == "":
		return text + " (from the CSR, required)"
	case f.Modifiable:
		return text + " (or as in the CSR)"
	default:
		return text
	}
}

func each[T any](list []T, text func(T) string) []string {
	var texts []string
	for _, one := range list {
		texts = append(texts, text(one))
	}
	return texts
}
