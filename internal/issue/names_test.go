package issue_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// setProfile makes a new version of the profile "default".
func (h *house) setProfile(change func(*pki.Spec)) {
	h.t.Helper()
	_, err := h.manage.SaveProfile(h.t.Context(), "test", "", "default", func(s *pki.Spec) error {
		change(s)
		return nil
	})
	check(h.t, err)
}

// setPublic makes an issuer for public certificates, and the profile "default" public.
func (h *house) setPublic() {
	h.t.Helper()
	_, err := h.manage.CreateIssuer(h.t.Context(), "test", manage.NewIssuer{Name: "public", Parent: manage.Root, Country: "DE", Public: true})
	check(h.t, err)
	h.setProfile(func(s *pki.Spec) {
		s.Issuer, s.Names, s.Public = "public", nil, true
		s.Keys = []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA}
		s.Policies = []pki.Policy{{OID: pki.PolicyDomainValidated}}
	})
}

// Names that the profile cannot certify are refused with the order, each with its reason, before anybody proves anything.
// Proves BR-07, IP-04, INC-28.
func TestAProfileRefusesNamesWithTheOrder(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	h.setProfile(func(s *pki.Spec) { s.Names = []string{".shop.example.com", "example.org"} })
	_, err := h.issue.NewOrder(t.Context(), r, dns("a.shop.example.com", "example.org", "example.com", "*.example.org"))
	wantKind(t, err, fault.RejectedIdentifier)
	refusal, _ := errors.AsType[*fault.Error](err)
	if text := fmt.Sprint(refusal.Subs); !strings.Contains(text, "example.com is not among the names that the profile default may certify") ||
		!strings.Contains(text, "*.example.org is not") || strings.Contains(text, "a.shop") {
		t.Error(text)
	}
	h.setPublic()
	h.lookedAtPublicly()
	r.Connector = h.connector
	_, err = h.issue.NewOrder(t.Context(), r, dns("host.internal"))
	wantKind(t, err, fault.RejectedIdentifier)
	if text := fault.Sentence(err); !strings.Contains(text, "host.internal is an internal name") {
		t.Error(text)
	}
	_, err = h.issue.NewOrder(t.Context(), r, issue.NewOrder{Names: []issue.Name{{Type: "ip", Value: "10.0.0.7"}}})
	wantKind(t, err, fault.RejectedIdentifier)
}

// Names that the issuer's certificate excludes are refused with the order too, and not when everything is proven.
// Proves INC-93.
func TestNameConstraintsRefuseWithTheOrder(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	_, err := h.manage.CreateIssuer(t.Context(), "test", manage.NewIssuer{
		Name: "narrow", Parent: manage.Root, Constraints: pki.Constraints{PermittedNames: []string{"example.com"}},
	})
	check(t, err)
	h.setProfile(func(s *pki.Spec) { s.Issuer = "narrow" })
	_, err = h.issue.NewOrder(t.Context(), r, dns("a.example.com", "a.example.org"))
	wantKind(t, err, fault.RejectedIdentifier)
	if text := fault.Sentence(err); !strings.Contains(text, "not permitted to certify a.example.org, by the name constraints") {
		t.Error(text)
	}
	h.issued(r, newKey(t), "b.example.com")
}

// What a CA above the issuer excludes is refused too: the issuer's certificate says nothing of it, and no client would accept
// the chain. Proves INC-93.
func TestNameConstraintsAboveTheIssuerRefuse(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order := h.ready(r, dns("b.example.org"))
	h.importAs(manage.Default, &x509.Certificate{PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"example.com"}})
	_, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "b.example.org"))
	wantKind(t, err, fault.RejectedIdentifier)
	_, err = h.issue.NewOrder(t.Context(), r, dns("a.example.com", "a.example.org"))
	wantKind(t, err, fault.RejectedIdentifier)
	if text := fault.Sentence(err); !strings.Contains(text, "not permitted to certify a.example.org, by the name constraints") {
		t.Error(text)
	}
	h.issued(r, newKey(t), "b.example.com")
}

// importAs makes the next issuer of a name, one without constraints under a root with those of the template.
func (h *house) importAs(name string, root *x509.Certificate) {
	h.t.Helper()
	rootKey, key := newKey(h.t), newKey(h.t)
	root.SerialNumber, root.Subject = big.NewInt(1), pkix.Name{CommonName: "Narrow Root"}
	root.NotBefore, root.NotAfter = h.Clock.Now().Add(-time.Hour), h.Clock.Now().Add(1000*24*time.Hour)
	root.BasicConstraintsValid, root.IsCA, root.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	root.SubjectKeyId = []byte{1, 2, 3, 4}
	above, err := x509.CreateCertificate(nil, root, root, rootKey.Public(), rootKey)
	check(h.t, err)
	issuer := *root
	issuer.SerialNumber, issuer.Subject, issuer.SubjectKeyId = big.NewInt(2), pkix.Name{CommonName: "Below"}, []byte{5, 6, 7, 8}
	issuer.PermittedDNSDomains, issuer.PermittedDNSDomainsCritical = nil, false
	der, err := x509.CreateCertificate(nil, &issuer, root, key.Public(), rootKey)
	check(h.t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	check(h.t, err)
	_, err = h.manage.ImportIssuer(h.t.Context(), "test", "", manage.Import{
		Name: name, Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
		Chain: append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: above})...),
	})
	check(h.t, err)
}

// A public profile issues for public names, by all the rules of the CA/Browser Forum.
// Proves BR-06.
func TestAPublicProfileIssues(t *testing.T) {
	h := newHouse(t)
	h.setPublic()
	h.lookedAtPublicly()
	d := h.issued(h.requester(), newKey(t), "www.example.com", "*.example.com")
	leaf, err := x509.ParseCertificate(d.Certificate.DER)
	check(t, err)
	if len(leaf.Policies) != 1 || leaf.Policies[0].String() != pki.PolicyDomainValidated || len(leaf.Subject.Names) != 0 {
		t.Errorf("policies %v, subject %s", leaf.Policies, leaf.Subject)
	}
	// The address of the installation's lists is an internal name here, and that is a warning.
	if stored, err := h.Store.Certificate(t.Context(), d.Certificate.ID); err != nil || !strings.Contains(fmt.Sprint(stored.Warnings), "w_sub_cert_aia_contains_internal_names") {
		t.Errorf("warnings %q (%v)", stored.Warnings, err)
	}
}

// The subject comes from the profile, and from the CSR where the profile says so.
func TestASubjectByProfile(t *testing.T) {
	h := newHouse(t)
	h.setProfile(func(s *pki.Spec) {
		s.Subject = []pki.Field{{Attribute: pki.Organisation, Default: "Example GmbH"}, {Attribute: pki.Unit, Modifiable: true, Required: true}}
	})
	r, key := h.requester(), newKey(t)
	order := h.ready(r, dns("a.example.com"))
	_, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, key, "a.example.com"))
	wantKind(t, err, fault.BadCSR)
	template := &x509.CertificateRequest{DNSNames: []string{"a.example.com"}}
	template.Subject.Organization, template.Subject.OrganizationalUnit = []string{"Evil"}, []string{"IT"}
	der, err := x509.CreateCertificateRequest(nil, template, key)
	check(t, err)
	view, err := h.issue.Finalize(t.Context(), r, order.ID, der)
	check(t, err)
	d, err := h.issue.Certificate(t.Context(), r, view.Order.Certificate)
	check(t, err)
	leaf, err := x509.ParseCertificate(d.Certificate.DER)
	check(t, err)
	if got := leaf.Subject.String(); got != "OU=IT,O=Example GmbH" {
		t.Errorf("subject %q", got)
	}
}

// meddler is a signer that changes the profile between the preparation and the signature.
type meddler struct {
	issue.Signer
	meddle func()
	mu     sync.Mutex
	linted [][]byte
}

func (m *meddler) Prepare(ctx context.Context, r pki.Request) (pki.Prepared, error) {
	prepared, err := m.Signer.Prepare(ctx, r)
	if err == nil {
		m.mu.Lock()
		m.linted = append(m.linted, prepared.TBS())
		m.mu.Unlock()
		m.meddle()
	}
	return prepared, err
}

// While profiles change without a pause, between preparation and signature too, each certificate is, byte for byte, what
// was linted, and looks as the version says that its order names.
// Proves PR-03, INC-9.
func TestProfilesChangeUnderLoad(t *testing.T) {
	h := newHouse(t)
	var turn sync.Mutex
	days := span.Span(60)
	m := &meddler{Signer: h.CA, meddle: func() {
		turn.Lock()
		defer turn.Unlock()
		days--
		h.setProfile(func(s *pki.Spec) { s.Lifetime = days * span.Day })
	}}
	h.issue = h.service(func(e *issue.Engines, _ *issue.Options) { e.Signer = m })
	const workers, each = 4, 5
	var wait sync.WaitGroup
	made := make(chan issue.Download, workers*each)
	for worker := range workers {
		r := h.requester()
		wait.Go(func() {
			for n := range each {
				made <- h.issued(r, newKey(t), fmt.Sprintf("w%d-%d.example.com", worker, n))
			}
		})
	}
	wait.Wait()
	close(made)
	lives := map[time.Duration]bool{}
	for d := range made {
		leaf, err := x509.ParseCertificate(d.Certificate.DER)
		check(t, err)
		version, err := h.Store.Profile(t.Context(), d.Certificate.Profile)
		check(t, err)
		life := leaf.NotAfter.Sub(leaf.NotBefore) + time.Second
		if life != version.Spec.Lifetime.Duration() {
			t.Errorf("version %d gives %s, the certificate has %s", version.Version, version.Spec.Lifetime, life)
		}
		lives[life] = true
		if !contains(m.linted, leaf.RawTBSCertificate) {
			t.Error("a certificate has bytes that were not linted")
		}
	}
	if len(m.linted) != workers*each || len(lives) < 3 {
		t.Errorf("%d were linted, with %d validities", len(m.linted), len(lives))
	}
}

func contains(list [][]byte, one []byte) bool {
	for _, other := range list {
		if bytes.Equal(other, one) {
			return true
		}
	}
	return false
}

// What was prepared before a date from which the profile gives less is not signed after it, but given up like anything
// that cannot be signed.
// Proves BR-01.
func TestAnIntentTooLongByNowIsNotSigned(t *testing.T) {
	h := newHouse(t)
	tomorrow := h.Clock.Now().Add(24 * time.Hour).Truncate(24 * time.Hour)
	h.setProfile(func(s *pki.Spec) {
		s.Lifetimes = []pki.Lifetime{{From: tomorrow.Format(time.DateOnly), Lifetime: 30 * span.Day}}
	})
	r := h.requester()
	order, _ := h.begun(r, newKey(t), "a.example.com")
	h.Clock.Advance(tomorrow.Sub(h.Clock.Now()))
	for range 2 {
		_, err := h.resume(h.issue)
		if err != nil && !strings.Contains(err.Error(), "longer than its profile permits by now") {
			t.Error(err)
		}
		h.Clock.Advance(2 * time.Hour)
	}
	if got := h.order(r, order.ID); got.Status != acme.Invalid {
		t.Errorf("the order is %s", got.Status)
	}
}
