package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

func (c *command) credentialSet() *cobra.Command {
	var change adminapi.TermsChange
	cmd := &cobra.Command{
		Use:   "set KID",
		Short: "Change the name, the limits and the scope of a credential",
		Long: `Change the name, the limits and the scope of a credential. What no flag names stays
as it is; an empty list (--names "") empties a part of the scope. It holds from
the next request on; open orders are judged by it when they are finalized.`,
		Example: "  everleaf credential set KID --names .web.example.com --profiles shortlived\n" +
			"  everleaf credential set KID --expires never",
	}
	flags := cmd.Flags()
	flags.Func("name", "`name` for people", optional(&change.Name, plain))
	flags.Func("max-accounts", "`number` of accounts that may come in by it; 0 is any number", optional(&change.MaxAccounts, number))
	flags.Func("expires", "`time` at which it ends, like 2027-01-31 or 30d, or never", optional(&change.Expires, c.ending))
	addScope(flags, &change.Scope)
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		if change == (adminapi.TermsChange{}) {
			return result{}, errors.New("name what is to change; \"everleaf credential set --help\" lists it")
		}
		changed, err := cl.ChangeTerms(ctx, args[0], change)
		return c.credentialResult(changed), err
	})
}

// ending reads a moment, or the word for none.
func (c *command) ending(text string) (time.Time, error) {
	if text == "never" {
		return time.Time{}, nil
	}
	return moment(text, c.now())
}

func (c *command) credentialRotate() *cobra.Command {
	var r adminapi.Rotation
	cmd := &cobra.Command{
		Use:   "rotate KID",
		Short: "Give a credential a new key; it is shown this once",
		Long: `Give a credential a new key, which is shown this once. The old key binds no new
account from then on, or with --grace from a later time on. Accounts that came in
by it stay as they are.`,
		Example: "  everleaf credential rotate KID --grace 1d",
	}
	cmd.Flags().Func("grace", "`time` for which the old key binds accounts as well, like 1d (default 0s)", func(text string) (err error) {
		r.Grace, err = span.Parse(text)
		return err
	})
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		made, err := cl.RotateCredential(ctx, args[0], r)
		return result{
			data: made, table: c.newCredentialFacts(made, cl.settings.Data), note: "Keep the key now: nothing shows it again.",
		}, err
	})
}

// credentialStop returns a command that ends a credential in one of two ways.
func (c *command) credentialStop(
	verb, short, long string, do func(*adminapi.Client, context.Context, string, adminapi.StopCredential) (adminapi.Credential, error),
) *cobra.Command {
	var stop adminapi.StopCredential
	cmd := &cobra.Command{
		Use: verb + " KID", Short: short,
		Long: long + `

Their certificates stay valid, unless --revoke-certificates says otherwise: then
all of them are revoked, those that are just being issued too. While a server
runs it goes on with that by itself.`,
		Example: "  everleaf credential " + verb + " KID --revoke-certificates --reason cessationOfOperation",
	}
	cmd.Flags().BoolVar(&stop.Revoke, "revoke-certificates", false, "revoke everything that its accounts have")
	cmd.Flags().StringVar(&stop.Reason, "reason", "", "`reason` of that: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn (default unspecified)")
	return c.operation(cmd, func(ctx context.Context, cl *client, args []string) (result, error) {
		one, err := do(cl.Client, ctx, args[0], stop)
		if err != nil || !stop.Revoke {
			return c.credentialResult(one), err
		}
		d, err := c.revokeAll(ctx, cl, args[0])
		one.Revocation = &d
		r := c.credentialResult(one)
		r.note = revokedNote(d, cl.live)
		return r, err
	})
}

// revokeAll works off what was demanded as far as it can be now, and tells how far it is.
func (c *command) revokeAll(ctx context.Context, cl *client, kid string) (d adminapi.Demand, err error) {
	for before := -1; d.Ended.IsZero() && d.Revoked > before; {
		if before = d.Revoked; before > 0 {
			_, _ = fmt.Fprintf(c.Err, "%d certificates are revoked ...\n", before)
		}
		if d, err = cl.ContinueRevocation(ctx, kid); err != nil {
			return d, err
		}
	}
	return d, nil
}

// revokedNote says what comes after a demand was worked off; live: a server runs.
func revokedNote(d adminapi.Demand, live bool) string {
	listed := "The revocation lists name them within seconds."
	if !live {
		listed = "No server runs: the revocation lists name them once one does."
	}
	if d.Ended.IsZero() {
		return listed + " An issuance that had begun waits for its end: its certificate is revoked then, by the server."
	}
	return listed
}

// howFar says how far the revocation of everything that came in by a credential is.
func (c *command) howFar(d adminapi.Demand) string {
	text := strconv.Itoa(d.Revoked) + " revoked, reason " + d.Reason
	if d.Ended.IsZero() {
		return text + ", more to come"
	}
	return text + ", done at " + render.When(d.Ended, c.now())
}
