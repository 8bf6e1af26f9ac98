package cli

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// revocationStep is how many certificates the server is asked to revoke at once: a second's work or two.
const revocationStep = 500

// errUnconfirmed says that many certificates are revoked only when asked for twice.
var errUnconfirmed = errors.New("nothing was revoked: look at what would be with --dry-run, then give --yes")

func (c *command) certRevokeMany() *cobra.Command {
	var m adminapi.ManyRevocations
	var file string
	var yes bool
	cmd := &cobra.Command{
		Use:   "revoke-many",
		Short: "Revoke all certificates that a search finds, or that have a key",
		Long: `Revoke all certificates that a search finds, or that have a key. Expired ones are
left out unless --expires-after asks for them. What is revoked already stays as it
is, except that keyCompromise replaces another reason.

The work is done in steps. One that is broken off is continued by the same command:
what was revoked is not revoked again.`,
		Example: "  everleaf cert revoke-many --name .shop.example.com --reason superseded --dry-run\n" +
			"  everleaf cert revoke-many --key-of 4f3c... --reason keyCompromise --yes\n" +
			"  everleaf cert revoke-many --key leaked.pem --reason keyCompromise --yes",
	}
	c.manyFlags(cmd.Flags(), &m)
	cmd.Flags().StringVar(&file, "key", "", "those with the key in this PEM `file`: a public key or a certificate")
	cmd.Flags().BoolVar(&m.DryRun, "dry-run", false, "show how many there are and some of them, and revoke nothing")
	cmd.Flags().BoolVar(&yes, "yes", false, "revoke them")
	return c.operation(cmd, func(ctx context.Context, cl *client, _ []string) (result, error) {
		if !yes && !m.DryRun {
			return result{}, errUnconfirmed
		}
		if err := readKey(file, &m.Key); err != nil {
			return result{}, err
		}
		total, err := c.revokeMany(ctx, cl, m)
		return result{data: total, table: c.manyTable(total, m.DryRun), note: manyNote(total, m.DryRun, cl.live)}, err
	})
}

func (c *command) manyFlags(flags *pflag.FlagSet, m *adminapi.ManyRevocations) {
	flags.StringVar(&m.Name, "name", "", "those with this `name`: www.example.com, .example.com for all below it, an address")
	flags.StringVar(&m.Issuer, "issuer", "", "those of the issuer of this `name` or id")
	flags.StringVar(&m.Profile, "profile", "", "those of the profile of this `name`")
	flags.StringVar(&m.Connector, "connector", "", "those of the connector of this `name`")
	flags.StringVar(&m.Account, "account", "", "those of the account of this `id`")
	flags.StringVar(&m.Credential, "credential", "", "those of accounts that came in by the credential of this `kid`; one that was deleted too")
	flags.StringVar(&m.Key, "key-of", "", "those with the key of the certificate of this `serial` number or id")
	c.momentFlag(flags, &m.IssuedBefore, "issued-before", "those that were issued before this `time`")
	c.momentFlag(flags, &m.IssuedAfter, "issued-after", "those that were issued at this `time` or later")
	c.momentFlag(flags, &m.ExpiresBefore, "expires-before", "those that expire before this `time`, like 2027-01-31 or 30d")
	c.momentFlag(flags, &m.ExpiresAfter, "expires-after", "those that expire after this `time` (default now)")
	flags.StringVar(&m.Reason, "reason", "", "`reason`: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn (default unspecified)")
}

// readKey puts the hash of the key in a file in the place of a key that is named.
func readKey(file string, key *string) error {
	if file == "" {
		return nil
	}
	if *key != "" {
		return errors.New("give the key with --key or --key-of, not both")
	}
	var text string
	if err := readFiles(fileFlag{"key", file, &text}); err != nil {
		return err
	}
	spki := publicKey(text)
	if spki == nil {
		return fmt.Errorf("--key: %s holds neither a certificate nor a public key in PEM; \"openssl pkey -pubout\" makes one of a private key", file)
	}
	hash := pki.HashKey(spki)
	*key = hex.EncodeToString(hash[:])
	return nil
}

// publicKey returns the SubjectPublicKeyInfo of the first certificate or public key in PEM; nil without one.
func publicKey(text string) []byte {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
		return certificate.RawSubjectPublicKeyInfo
	}
	if _, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
		return block.Bytes
	}
	return nil
}

// revokeMany takes step after step, and tells after each how far it is.
func (c *command) revokeMany(ctx context.Context, cl *client, m adminapi.ManyRevocations) (adminapi.ManyRevoked, error) {
	total := adminapi.ManyRevoked{Sample: []adminapi.Certificate{}}
	m.Limit = revocationStep
	for {
		step, err := cl.RevokeMany(ctx, m)
		if err != nil {
			if total.Changed > 0 && !m.DryRun {
				err = fmt.Errorf("%w\n%d are revoked; the same command goes on with the others", err, total.Changed)
			}
			return total, err
		}
		total.Found, total.Changed = total.Found+step.Found, total.Changed+step.Changed
		if len(total.Sample) == 0 {
			total.Sample = step.Sample
		}
		switch {
		case step.Next == "":
			return total, nil
		case m.Before != "" && step.Next >= m.Before:
			return total, errEndless
		}
		m.Before = step.Next
		if _, err := fmt.Fprintf(c.Err, "%d found, %d to change so far\n", total.Found, total.Changed); err != nil {
			return total, err
		}
	}
}

func (c *command) manyTable(total adminapi.ManyRevoked, dry bool) func(io.Writer) error {
	changed := "Revoked"
	if dry {
		changed = "To revoke"
	}
	var f render.Facts
	f.Add("Found", strconv.Itoa(total.Found))
	f.Add(changed, strconv.Itoa(total.Changed))
	for _, one := range total.Sample {
		f.Add("Among them", fmt.Sprintf("%s %s", one.Serial, render.Few(one.Names)))
	}
	return f.Write
}

func manyNote(total adminapi.ManyRevoked, dry, live bool) string {
	switch {
	case total.Changed == 0:
		return "Nothing to do."
	case dry:
		return "Nothing was revoked; --yes in the place of --dry-run does it."
	case live:
		return "OCSP tells of them now, and the revocation lists within seconds."
	default:
		return "No server runs: the revocation lists name them once one does."
	}
}
