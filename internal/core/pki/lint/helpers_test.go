package lint_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

const day = 24 * time.Hour

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// house is a root, an intermediate and a leaf that break no rule, with what made them. A test changes one thing and
// signs again.
type house struct {
	rootKey, key, subjectKey *ecdsa.PrivateKey
	rootRequest              pki.CARequest
	root                     *x509.Certificate
	caRequest                pki.CARequest
	ca                       *x509.Certificate
	request                  pki.Request
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{rootKey: newKey(t), key: newKey(t), subjectKey: newKey(t)}
	h.rootRequest = pki.CARequest{
		CommonName: "Root", Organisation: "Example", PublicKey: h.rootKey.Public(), Serial: serial("01"),
		NotBefore: noon.Add(-day), NotAfter: noon.Add(3650 * day),
	}
	template, err := h.rootRequest.Root()
	if err != nil {
		t.Fatal(err)
	}
	h.root = sign(t, template, template, h.rootKey.Public(), h.rootKey)

	h.caRequest = pki.CARequest{
		CommonName: "Issuer", Organisation: "Example", PublicKey: h.key.Public(), Serial: serial("02"),
		NotBefore: noon.Add(-day), NotAfter: noon.Add(1000 * day), Usages: []pki.Usage{pki.ServerAuth},
		CRLURL: "http://ca.test/crl/root/1.crl", IssuerURL: "http://ca.test/issuer/root.cer",
	}
	if template, err = h.caRequest.Intermediate(); err != nil {
		t.Fatal(err)
	}
	h.ca = sign(t, template, h.root, h.key.Public(), h.rootKey)

	h.request = pki.Request{
		Issuer:    pki.Issuer{ID: "issuer", Certificate: h.ca.Raw, Shard: pki.Shard{Number: 1, URL: "http://ca.test/crl/issuer/1.crl"}},
		Spec:      pki.DefaultSpec("issuer"),
		Names:     identifiers(t, "a.example.com", "192.0.2.7"),
		PublicKey: h.subjectKey.Public(), Serial: serial("03"),
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(90*day - time.Hour - time.Second),
		IssuerURL: "http://ca.test/issuer/issuer.cer",
	}
	return h
}

// leaf signs the request's certificate after a change.
func (h *house) leaf(t testing.TB, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template, err := h.request.Template()
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(template)
	}
	return sign(t, template, h.ca, h.subjectKey.Public(), h.key)
}

func sign(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func serial(end string) pki.Serial { return pki.Serial("4a0b4a0b4a0b4a0b4a0b4a0b4a0b4a" + end) }

func identifiers(t testing.TB, names ...string) []ident.Identifier {
	t.Helper()
	var list []ident.Identifier
	for _, name := range names {
		id, err := ident.ParseIP(name)
		if err != nil {
			id, err = ident.ParseDNS(name)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, id)
	}
	return list
}

// wantRules compares the broken rules with what is expected.
func wantRules(t *testing.T, findings []lint.Finding, want ...string) {
	t.Helper()
	var got []string
	for _, f := range findings {
		got = append(got, f.Rule)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(slices.Compact(got), want) {
		t.Errorf("broken rules %q, want %q\n%s", got, want, lint.Join(findings))
	}
}
