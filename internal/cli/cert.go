package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func newCert(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:     "cert",
		Aliases: []string{"certificate"},
		Short:   "Certificates: find, show, revoke",
		Long:    "Certificates are kept for ever: what was signed, for whom, and what it is worth now.",
	}, c.certList(), c.certShow(), c.certRevoke(), c.certRevokeMany())
}

func (c *command) certList() *cobra.Command {
	var f adminapi.CertificateFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List certificates, the newest first",
		Example: "  everleaf cert list --name .shop.example.com --expires-before 30d\n" +
			"  everleaf cert list -o json",
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Name, "name", "", "only those with this `name`: www.example.com, .example.com for all below it, an address")
	flags.StringVar(&f.Connector, "connector", "", "only those of the connector of this `name`")
	flags.StringVar(&f.Account, "account", "", "only those of the account of this `id`")
	flags.StringVar(&f.Credential, "credential", "", "only those of accounts that came in by the credential of this `kid`; one that was deleted too")
	flags.StringVar(&f.Order, "order", "", "only that of the order of this `id`")
	flags.StringVar(&f.Profile, "profile", "", "only those of the profile of this `name`")
	flags.StringVar(&f.Issuer, "issuer", "", "only those of the issuer of this `name` or id")
	c.momentFlag(flags, &f.IssuedBefore, "issued-before", "only those that were issued before this `time`")
	c.momentFlag(flags, &f.IssuedAfter, "issued-after", "only those that were issued at this `time` or later")
	c.momentFlag(flags, &f.ExpiresBefore, "expires-before", "only those that expire before this `time`, like 2027-01-31 or 30d")
	c.momentFlag(flags, &f.ExpiresAfter, "expires-after", "only those that expire after this `time`; 0s leaves expired ones out")
	flags.BoolVar(&f.Revoked, "revoked", false, "only revoked ones")
	pages := addPages(flags, 0)
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		found, next, err := collect(pages, func(p adminapi.Page) ([]adminapi.Certificate, string, error) {
			f.Page = p
			part, err := cl.Certificates(ctx, f)
			return part.Certificates, part.Next, err
		})
		rows := render.Rows{Header: []string{"SERIAL", "STATUS", "EXPIRES", "PROFILE", "CONNECTOR", "NAMES"}}
		for _, one := range found {
			rows.Add(one.Serial, one.Status, render.Day(one.NotAfter, c.now()), one.Profile, one.Connector, render.Few(one.Names))
		}
		data := adminapi.Certificates{Certificates: found, Next: next}
		return listed(data, &rows, next), err
	})
}

func (c *command) certShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show SERIAL|ID",
		Short:   "Show a certificate",
		Example: "  everleaf cert show 4f3c... -o pem | openssl x509 -noout -text",
	}
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		found, err := cl.Certificate(ctx, args[0])
		return c.certResult(found), err
	}, render.PEM)
}

func (c *command) certRevoke() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "revoke SERIAL|ID",
		Short: "Revoke a certificate",
		Long: `Revoke a certificate. The revocation list names it within seconds while the server
runs. A certificate that was revoked before keeps the date, and the reason too
unless the new one is keyCompromise.

After keyCompromise its key is blocked: it is never certified again, and its
other certificates are revoked within seconds.`,
		Example: "  everleaf cert revoke 4f3c... --reason keyCompromise",
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`reason`: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn (default unspecified)")
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		revoked, err := cl.RevokeCertificate(ctx, args[0], adminapi.Revocation{Reason: reason})
		r := c.certResult(revoked.Certificate)
		r.data, r.note = revoked, c.revocationNote(revoked, cl.live)
		return r, err
	})
}

// revocationNote says what a revocation leads to; live: a server runs.
func (c *command) revocationNote(one adminapi.RevokedCertificate, live bool) string {
	switch compromised := one.Reason == pki.KeyCompromise.String(); {
	case !one.Changed:
		return fmt.Sprintf("Nothing to do: it was revoked at %s, reason %s.", render.When(one.RevokedAt, c.now()), one.Reason)
	case live && compromised:
		return "The revocation list names it within seconds. Its key is blocked, and the key's other certificates are revoked within seconds."
	case live:
		return "The revocation list names it within seconds."
	case compromised:
		return "No server runs: the revocation list names it once one does. Its key is blocked, and the key's other certificates are revoked then."
	default:
		return "No server runs: the revocation list names it once one does."
	}
}

func (c *command) certResult(one adminapi.Certificate) result {
	return result{data: one, pem: one.PEM, table: func(w io.Writer) error {
		var f render.Facts
		f.Add("Serial", one.Serial)
		f.Add("Status", one.Status)
		f.Add("Names", one.Names...)
		f.Add("Valid from", render.When(one.NotBefore, c.now()))
		f.Add("Expires", render.When(one.NotAfter, c.now()))
		f.Add("Revoked", render.When(one.RevokedAt, c.now()))
		f.Add("Reason", one.Reason)
		f.Add("Issuer", one.Issuer)
		f.Add("Profile", one.Profile)
		f.Add("Connector", one.Connector)
		f.Add("Account", one.Account)
		f.Add("Order", one.Order)
		f.Add("SHA-256", pki.HexPairs(one.Fingerprint))
		f.Add("Issued", render.When(one.Issued, c.now()))
		f.Add("Replaces", one.Replaces)
		f.Add("Replaced by", one.ReplacedBy)
		f.Add("Warnings", one.Warnings...)
		f.Add("Id", one.ID)
		return f.Write(w)
	}}
}
