package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func newIssuer(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:     "ca",
		Aliases: []string{"issuer"},
		Short:   "Issuers: the CA certificates and their succession",
		Long: `Issuers are CA certificates. Those of one name are a succession: the newest whose
key is on this machine signs, older ones keep their revocation lists.`,
	}, c.issuerList(), c.issuerShow(), c.issuerCreate(), c.issuerImport(), c.issuerNext(), c.issuerCross())
}

func (c *command) issuerList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the issuers, the newest first"}
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, err := cl.Issuers(ctx)
		rows := render.Rows{Header: []string{"NAME", "SIGNS", "KEY HERE", "EXPIRES", "ID", "SUBJECT"}}
		for _, i := range found.Issuers {
			rows.Add(i.Name, render.YesNo(i.Signs), render.YesNo(i.HasKey), render.Day(i.NotAfter, c.now()), i.ID, i.Subject)
		}
		return listed(found, &rows, ""), err
	})
}

func (c *command) issuerShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME|ID",
		Short:   "Show an issuer: by id, or the newest of a name",
		Example: "  everleaf ca show default\n  everleaf ca show root -o pem > root.pem",
	}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		found, err := cl.Issuer(ctx, args[0])
		return c.issuerResult(found), err
	}, render.PEM)
}

func (c *command) issuerImport() *cobra.Command {
	var n adminapi.NewIssuer
	var chain, cross, key, passphrase string
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Bring an existing CA with its private key",
		Long: `Bring an existing CA: its certificate with those above it, and its private key. From
then on it signs for the profiles that name it; with the name of an issuer that
exists it is that issuer's successor. The key is kept in the data folder.

With --cross the first certificate is another one of a CA that is here, signed by a
CA elsewhere. It comes without a key, and clients are offered an alternate chain.`,
		Example: "  everleaf ca import --chain ca.pem --key ca.key\n  everleaf ca import --name retail --org retail --chain ca.pem --key ca.key",
	}
	flags := cmd.Flags()
	flags.StringVar(&chain, "chain", "", "PEM `file` of the certificate, then those above it, the root last")
	flags.StringVar(&cross, "cross", "", "PEM `file` of a cross-certificate, then those above it, the root last")
	flags.StringVar(&key, "key", "", "PEM `file` of the private key")
	flags.StringVar(&passphrase, "key-passphrase-file", "", "`file` with the passphrase of an encrypted key")
	flags.StringVar(&n.Name, "name", "", "`name` of the issuer (default: root for a root, otherwise default)")
	flags.StringVar(&n.Organisation, "org", "", "`organisation` that it belongs to (default: default)")
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		if cross != "" {
			if chain != "" || key != "" || passphrase != "" || n.Organisation != "" {
				return result{}, errors.New("--cross brings a certificate of a CA that is here; give nothing but --name with it")
			}
			if err := readFiles(fileFlag{"cross", cross, &n.Chain}); err != nil {
				return result{}, err
			}
			n.Cross = true
			made, err := cl.ImportIssuer(ctx, n)
			return c.issuerResult(made), err
		}
		if chain == "" || key == "" {
			return result{}, errors.New("give the certificates with --chain and the private key with --key")
		}
		if err := readFiles(fileFlag{"chain", chain, &n.Chain}, fileFlag{"key", key, &n.Key}, fileFlag{"key-passphrase-file", passphrase, &n.Passphrase}); err != nil {
			return result{}, err
		}
		n.Passphrase = strings.TrimRight(n.Passphrase, "\r\n")
		made, err := cl.ImportIssuer(ctx, n)
		return c.issuerResult(made), err
	}, render.PEM)
}

func (c *command) issuerNext() *cobra.Command {
	var n adminapi.NextIssuer
	var key, passphrase string
	cmd := &cobra.Command{
		Use:   "next NAME|ID",
		Short: "Make the successor of an issuer now",
		Long: `Make the successor of an issuer now, signed by the same parent. The server does this
by itself in time where the parent's key is in the data folder; where it is kept
elsewhere, bring it for this one signature with --parent-key. It is not stored.`,
		Example: "  everleaf ca next default --parent-key /media/usb/root.key",
	}
	cmd.Flags().StringVar(&key, "parent-key", "", "PEM `file` of the parent's private key")
	cmd.Flags().StringVar(&passphrase, "parent-key-passphrase-file", "", "`file` with the passphrase of an encrypted key")
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		if key == "" && passphrase != "" {
			return result{}, errors.New("--parent-key-passphrase-file opens a key that is brought; name that with --parent-key, or leave both out where the parent's key is in the data folder")
		}
		if err := readFiles(fileFlag{"parent-key", key, &n.Key}, fileFlag{"parent-key-passphrase-file", passphrase, &n.Passphrase}); err != nil {
			return result{}, err
		}
		n.Passphrase = strings.TrimRight(n.Passphrase, "\r\n")
		made, err := cl.NextIssuer(ctx, args[0], n)
		return c.issuerResult(made), err
	}, render.PEM)
}

func (c *command) issuerResult(i adminapi.Issuer) result {
	return result{data: i, pem: i.PEM, table: func(w io.Writer) error {
		var f render.Facts
		f.Add("Name", i.Name)
		f.Add("Organisation", i.Organisation)
		f.Add("Subject", i.Subject)
		f.Add("Serial", i.Serial)
		f.Add("SHA-256", pki.HexPairs(i.Fingerprint))
		f.Add("Valid from", render.When(i.NotBefore, c.now()))
		f.Add("Expires", render.When(i.NotAfter, c.now()))
		f.Add("Signs", render.YesNo(i.Signs))
		f.Add("Key here", render.YesNo(i.HasKey))
		if i.HasKey { // nobody here makes the list of another one
			f.Add("CRL", i.CRL)
			f.Add("OCSP", i.OCSP)
			f.Add("OCSP signer until", render.When(i.OCSPUntil, c.now()))
		}
		f.Add("Usages", i.Usages...)
		f.Add("Permitted", i.Permitted...)
		f.Add("Excluded", i.Excluded...)
		f.Add("Parent", i.Parent)
		f.Add("Id", i.ID)
		return f.Write(w)
	}}
}
