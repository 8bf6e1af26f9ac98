package interop

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
)

// try runs a cell and looks at what it left.
func (w *world) try(t *testing.T, c client, cell cell, want row) {
	t.Helper()
	p := newPlace(t, w, c, want)
	if cell.webroot {
		p.serveWeb()
	}
	if cell.beside != "" {
		p.serveBeside(cell.beside)
	}
	r := &result{place: p}
	switch {
	case c.server:
		s := p.serve(cell)
		chain := s.shows("")
		if slices.Contains([]operation{renew, advised, replaces}, want.operation) {
			r.remember()
			s.shows(chain)
		}
	case len(cell.given) > 0:
		p.run(cell.given)
		r.remember()
		if want.between != nil {
			want.between(r)
		}
		fallthrough
	default:
		p.run(cell.run)
	}
	r.look()
	r.check(want)
}

// remember keeps what there is before the operation.
func (r *result) remember() {
	r.Helper()
	r.look()
	r.before, r.accountBefore = r.certificate, r.account
}

// result is what a client and the server have after the commands.
type result struct {
	*place
	chain       string // file: the certificate with its chain
	certificate adminapi.Certificate
	account     adminapi.Account

	before        adminapi.Certificate // before the operation, where it needs one
	accountBefore adminapi.Account
}

// look reads the certificate that the client has, and what the server recorded of it. A client may have put a revoked
// one away: then what was seen before is all there is.
func (r *result) look() {
	r.Helper()
	found, err := filepath.Glob(r.expand(r.client.chain))
	if err != nil || len(found) > 1 || len(found) == 0 && r.chain == "" {
		r.Fatalf("want one file %s, have %q (%v)", r.expand(r.client.chain), found, err)
	}
	if len(found) == 1 {
		text, err := os.ReadFile(found[0])
		if err != nil {
			r.Fatal(err)
		}
		r.chain = filepath.Join(r.TempDir(), "chain.pem")
		if err := os.WriteFile(r.chain, text, 0o600); err != nil {
			r.Fatal(err)
		}
	}
	serial, _ := r.openssl(nil, "x509", "-in", r.chain, "-noout", "-serial")
	serial = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(serial), "serial="))
	if r.certificate, err = r.admin.Certificate(r.Context(), serial); err != nil {
		r.Fatalf("the server does not know the certificate %q: %v", serial, err)
	}
	if r.account, err = r.admin.Account(r.Context(), r.certificate.Account); err != nil {
		r.Fatal(err)
	}
}

var (
	subjectNames = regexp.MustCompile(`(?m)^ +((?:DNS|IP Address):.*)$`)
	keyKind      = regexp.MustCompile(`Public Key Algorithm: (\S+)`)
	crlAddress   = regexp.MustCompile(`URI:(\S+)`)
)

// check asks openssl for the chain, the names and the key, and the server for the proofs.
func (r *result) check(want row) {
	r.Helper()
	if out, failed := r.openssl(nil, "verify", "-x509_strict", "-CAfile", r.server.Root, "-untrusted", r.chain, r.chain); failed {
		r.Errorf("openssl verify: %s", out)
	}
	text, _ := r.openssl(nil, "x509", "-in", r.chain, "-noout", "-text")
	names := strings.Split(r.found(subjectNames, text), ", ")
	slices.Sort(names)
	slices.Sort(r.names)
	if diff := cmp.Diff(r.names, names); diff != "" {
		r.Errorf("names of the certificate (-want +have):\n%s", diff)
	}
	if kind := r.found(keyKind, text); want.key != "" && kind != want.key {
		r.Errorf("key %s, want %s", kind, want.key)
	}
	r.checkProofs(want.method)
	if want.also != nil {
		want.also(r)
	}
}

// found returns what the first group of a pattern matches.
func (r *result) found(pattern *regexp.Regexp, text string) string {
	r.Helper()
	match := pattern.FindStringSubmatch(text)
	if match == nil {
		r.Fatalf("no %s in:\n%s", pattern, text)
	}
	return match[1]
}

// checkProofs looks by which method each name was proved.
func (r *result) checkProofs(method acme.Method) {
	r.Helper()
	order, err := r.admin.Order(r.Context(), r.certificate.Order)
	if err != nil {
		r.Fatal(err)
	}
	for _, authorization := range order.Authorizations {
		proved := slices.ContainsFunc(authorization.Challenges, func(c adminapi.Challenge) bool {
			return !c.Validated.IsZero() && (method == "" || c.Method == string(method))
		})
		if !proved {
			r.Errorf("%s was not proved by %s", authorization.Name, method)
		}
	}
}

func (r *result) isBound() {
	r.Helper()
	if r.account.Credential != r.bound.KID {
		r.Errorf("the account came in by credential %q, want %q", r.account.Credential, r.bound.KID)
	}
}

func (r *result) isRenewed() {
	r.Helper()
	switch {
	case r.before.Serial == "":
		r.Fatal("there was no certificate before")
	case r.certificate.Serial == r.before.Serial:
		r.Error("the certificate is the one from before")
	case r.certificate.ID <= r.before.ID: // ids have the order of time
		r.Errorf("the certificate of %s was not issued after that of %s", r.certificate.Issued, r.before.Issued)
	}
	if diff := cmp.Diff(r.before.Names, r.certificate.Names); diff != "" {
		r.Errorf("names before and after (-before +after):\n%s", diff)
	}
}

// callBack has the operator move the window of the certificate into the past.
func (r *result) callBack() {
	r.Helper()
	made, err := r.admin.OverrideRenewal(r.Context(), adminapi.NewRenewalOverride{
		CertificateSet: adminapi.CertificateSet{Name: r.values["{NAME}"]}, Start: time.Now().Add(-2 * time.Hour), End: time.Now().Add(-time.Hour),
	})
	if err != nil || made.Covers != 1 {
		r.Fatalf("the override covers %d certificates (%v)", made.Covers, err)
	}
}

// hasAsked looks that the client renewed, and that it asked when.
func (r *result) hasAsked() {
	r.Helper()
	r.isRenewed()
	if !strings.Contains(r.server.Log(), "acme/renewal-info") {
		r.Errorf("the client did not ask when to renew; the server's log ends with:\n%s", r.log())
	}
}

// hasReplaced looks that the order of the renewal named the certificate from before, and was accepted.
func (r *result) hasReplaced() {
	r.Helper()
	r.isRenewed()
	if r.certificate.Replaces != r.before.ID {
		r.Errorf("the certificate replaces %q, want %q", r.certificate.Replaces, r.before.ID)
	}
}

func (r *result) isRevokedByAccount() { r.Helper(); r.isRevoked("account:") }

func (r *result) isRevokedByKey() { r.Helper(); r.isRevoked("key:") }

// isRevoked looks at whose signature the server acted, then waits for the list that the certificate names, and lets openssl refuse the certificate because of it.
func (r *result) isRevoked(signer string) {
	r.Helper()
	events, err := r.admin.Events(r.Context(), r.certificate.ID, adminapi.Page{})
	if err != nil {
		r.Fatal(err)
	}
	if !slices.ContainsFunc(events.Events, func(e adminapi.Event) bool {
		return e.Action == string(event.CertificateRevoked) && strings.HasPrefix(e.Actor, signer)
	}) {
		r.Errorf("no revocation signed by an %s... among the events %v", signer, events.Events)
	}
	text, _ := r.openssl(nil, "x509", "-in", r.chain, "-noout", "-ext", "crlDistributionPoints")
	address := r.found(crlAddress, text)
	list := filepath.Join(r.TempDir(), "crl.pem")
	r.waitFor("the CRL at "+address+" lists "+r.certificate.Serial, func() bool {
		crl := r.get(address)
		if out, failed := r.openssl(crl, "crl", "-inform", "DER", "-out", list); failed {
			r.Fatalf("openssl crl: %s", out)
		}
		out, _ := r.openssl(nil, "crl", "-in", list, "-noout", "-text")
		return strings.Contains(strings.ToLower(out), "serial number: "+r.certificate.Serial)
	})
	if out, failed := r.verifyWithList(); !failed || !strings.Contains(out, "certificate revoked") {
		r.Errorf("openssl verify with the CRL: %s", out)
	}
	r.wantStatus("revoked")
}

// isGood is what openssl finds before the revocation.
func (r *result) isGood() {
	r.Helper()
	if out, failed := r.verifyWithList(); failed {
		r.Errorf("openssl verify with the CRL: %s", out)
	}
	r.wantStatus("good")
}

func (r *result) hasOtherKey() {
	r.Helper()
	if r.account.ID != r.accountBefore.ID || r.account.Thumbprint == r.accountBefore.Thumbprint {
		r.Errorf("account %s with key %s, before: %s with %s",
			r.account.ID, r.account.Thumbprint, r.accountBefore.ID, r.accountBefore.Thumbprint)
	}
}

func (r *result) isDeactivated() {
	r.Helper()
	if r.account.Status != string(acme.Deactivated) || r.account.ID != r.accountBefore.ID {
		r.Errorf("account %s is %s", r.account.ID, r.account.Status)
	}
}
