package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func (c *command) issuerCreate() *cobra.Command {
	var n adminapi.IssuerBelow
	var parent string
	var signer broughtKey
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an issuer of a new name below another one",
		Long: `Make an issuer of a new name below another one. What is permitted or excluded stands
in its certificate for ever: it can certify nothing else, whatever a profile says.
Naming some permits nothing of the other kind: --permit-names closes all addresses.`,
		Example: "  everleaf ca create shops --permit-names shops.example.com\n" +
			"  everleaf ca create web --public --country DE\n" +
			"  everleaf profile set default --issuer shops",
	}
	flags := cmd.Flags()
	flags.StringVar(&parent, "parent", "root", "`issuer` that signs it, by name or id")
	flags.StringVar(&n.Organisation, "org", "", "`organisation` that it belongs to (default: default)")
	flags.Func("key-type", "`type` of its key: "+joined(pki.IssuerKeyTypes())+" (default ecdsa-p256)", into(&n.KeyType, oneOf(pki.IssuerKeyTypes()...)))
	flags.StringVar(&n.CommonName, "common-name", "", "`name` in its certificate (default: the parent's organisation and NAME)")
	flags.StringVar(&n.Country, "country", "", "country in its certificate, a `code` of two letters")
	flags.Func("usages", "extended key `usages` of its leaves: server-auth, client-auth, or object identifiers (default server-auth,client-auth)", listInto(&n.Usages, usage))
	flags.Func("permit-names", "`domains` that it may certify, with all below them", listInto(&n.PermittedNames, plain))
	flags.Func("exclude-names", "`domains` that it may not certify, with all below them", listInto(&n.ExcludedNames, plain))
	flags.Func("permit-networks", "`networks` whose addresses it may certify", listInto(&n.PermittedNetworks, network))
	flags.Func("exclude-networks", "`networks` whose addresses it may not certify", listInto(&n.ExcludedNetworks, network))
	flags.BoolVar(&n.Public, "public", false, "for profiles that are public, by the rules of the CA/Browser Forum")
	signer.flags(flags)
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		var err error
		if n.Key, n.Passphrase, err = signer.read(); err != nil {
			return result{}, err
		}
		n.Name = args[0]
		made, err := cl.CreateIssuer(ctx, parent, n)
		return c.issuerResult(made), err
	}, render.PEM)
}

func (c *command) issuerCross() *cobra.Command {
	var n adminapi.CrossIssuer
	var signer broughtKey
	cmd := &cobra.Command{
		Use:   "cross NAME|ID",
		Short: "Make a cross-certificate of an issuer",
		Long: `Make another certificate for the name and key of an issuer, signed by another CA of
this installation: whoever trusts that one can trust the issuer's leaves. Clients are
offered it as an alternate chain. One that was signed elsewhere is brought with
"everleaf ca import --cross".`,
		Example: "  everleaf ca cross root --by old-root",
	}
	flags := cmd.Flags()
	flags.StringVar(&n.By, "by", "", "`issuer` that signs it, by name or id")
	flags.StringVar(&n.Name, "name", "", "`name` of the cross-certificate (default: that of the issuer with -cross)")
	signer.flags(flags)
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		if n.By == "" {
			return result{}, errors.New("name the issuer that signs with --by")
		}
		var err error
		if n.Key, n.Passphrase, err = signer.read(); err != nil {
			return result{}, err
		}
		made, err := cl.CrossIssuer(ctx, args[0], n)
		return c.issuerResult(made), err
	}, render.PEM)
}

// broughtKey is the private key of a signer, brought for one signature.
type broughtKey struct{ key, passphrase string }

func (b *broughtKey) flags(flags *pflag.FlagSet) {
	flags.StringVar(&b.key, "parent-key", "", "PEM `file` of the signer's private key, where it is not in the data folder")
	flags.StringVar(&b.passphrase, "parent-key-passphrase-file", "", "`file` with the passphrase of an encrypted key")
}

func (b *broughtKey) read() (key, passphrase string, err error) {
	if b.key == "" && b.passphrase != "" {
		return "", "", errors.New("--parent-key-passphrase-file opens a key that is brought; name that with --parent-key, or leave both out where the signer's key is in the data folder")
	}
	err = readFiles(fileFlag{"parent-key", b.key, &key}, fileFlag{"parent-key-passphrase-file", b.passphrase, &passphrase})
	return key, strings.TrimRight(passphrase, "\r\n"), err
}

// into returns a flag's setter.
func into[T any](to *T, parse func(string) (T, error)) func(string) error {
	return func(text string) (err error) {
		*to, err = parse(text)
		return err
	}
}

// listInto returns the setter of a list, written with commas or by repeating the flag.
func listInto[T any](to *[]T, parse func(string) (T, error)) func(string) error {
	var list *[]T
	set := optionalList(&list, parse)
	return func(text string) error {
		err := set(text)
		if err == nil {
			*to = *list
		}
		return err
	}
}
