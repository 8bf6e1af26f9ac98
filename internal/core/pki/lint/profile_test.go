package lint_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// full returns a house whose profile gives everything that a profile can.
func full(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.request.Spec.CommonName = true
	h.request.Spec.KeyUsages = []pki.KeyUsage{pki.DigitalSignature, pki.ContentCommitment, pki.KeyEncipherment}
	h.request.Spec.Subject = []pki.Field{{Attribute: pki.Organisation, Default: "Grüne Gärten", Required: true}, {Attribute: pki.Unit, Modifiable: true}}
	h.request.Subject = []pki.Attribute{{Type: pki.Unit, Value: "IT"}, {Type: pki.Organisation, Value: "Grüne Gärten"}}
	h.request.Spec.Policies = []pki.Policy{{OID: "1.3.6.1.4.1.99999.1", CPS: "https://example.com/cps"}, {OID: "1.3.6.1.4.1.99999.3"}}
	h.request.Spec.Extensions = []pki.Extension{{OID: "1.3.6.1.4.1.99999.2", Critical: true, Value: []byte{5, 0}}}
	h.request.Spec.NoIssuerURL = true
	return h
}

// What a profile gives is in the certificate, and a certificate that differs in one part of it breaks the rule of that
// part.
func TestLeafOfAFullProfile(t *testing.T) {
	t.Parallel()
	none := func(*house) {}
	same := func(*x509.Certificate) {}
	added := func(id asn1.ObjectIdentifier, critical bool, value ...byte) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.ExtraExtensions[len(c.ExtraExtensions)-1] = pkix.Extension{Id: id, Critical: critical, Value: value}
		}
	}
	ours := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 2}
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		ask    func(*house)
		rules  []string
	}{
		"nothing":           {same, none, nil},
		"another subject":   {same, func(h *house) { h.request.Subject = []pki.Attribute{{Type: pki.Organisation, Value: "Evil"}} }, []string{"leaf-subject-content", "leaf-subject-profile"}},
		"no subject":        {func(c *x509.Certificate) { c.RawSubject = []byte{0x30, 0} }, none, []string{"leaf-subject-content"}},
		"no policies":       {func(c *x509.Certificate) { c.ExtraExtensions = c.ExtraExtensions[1:] }, none, []string{"leaf-policies"}},
		"another statement": {same, func(h *house) { h.request.Spec.Policies[0].CPS = "https://example.com/other" }, []string{"leaf-policies"}},
		"fewer key usages":  {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }, none, []string{"leaf-key-usage"}},
		"no extension":      {func(c *x509.Certificate) { c.ExtraExtensions = c.ExtraExtensions[:1] }, none, []string{"leaf-extension-value"}},
		"another value":     {added(ours, true, 4, 1, 1), none, []string{"leaf-extension-value"}},
		"not critical":      {added(ours, false, 5, 0), none, []string{"leaf-extension-critical"}},
		"another extension": {added(asn1.ObjectIdentifier{1, 2, 3}, false, 5, 0), none, []string{"leaf-extension-value", "leaf-extension-unknown"}},
		"an issuer's URL":   {func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.test/issuer/issuer.cer"} }, none, []string{"leaf-aia"}},
		"a public profile":  {same, func(h *house) { h.request.Spec.Public = true }, []string{"leaf-name-profile"}},
		"a usage that the issuer lacks": {
			func(c *x509.Certificate) {
				c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 17}}
			},
			func(h *house) { h.request.Spec.Usages = append(h.request.Spec.Usages, "1.3.6.1.5.5.7.3.17") },
			[]string{"leaf-usages-of-issuer"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := full(t)
			leaf := h.leaf(t, c.change)
			c.ask(h)
			wantRules(t, lint.Leaf(leaf, h.ca, h.request), c.rules...)
		})
	}
}

// Whatever a profile would say that passed its own checks, no leaf becomes a CA: the extensions that make one are not the
// profile's.
// Proves INC-36.
func TestNoProfileMakesACA(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]pki.Extension{
		"basic constraints": {OID: "2.5.29.19", Critical: true, Value: []byte{0x30, 3, 1, 1, 0xff}},
		"key usage":         {OID: "2.5.29.15", Critical: true, Value: []byte{3, 2, 1, 6}},
	} {
		h := newHouse(t)
		h.request.Spec.Extensions = []pki.Extension{e}
		if err := h.request.Spec.Validate(); err == nil {
			t.Errorf("%s: a profile may have it", name)
		}
		leaf := h.leaf(t, nil)
		if !leaf.IsCA && leaf.KeyUsage&x509.KeyUsageCertSign == 0 {
			t.Fatalf("%s: the certificate is none of a CA", name)
		}
		findings := lint.Leaf(leaf, h.ca, h.request)
		if len(findings) < 2 || findings[len(findings)-1].Rule != "leaf-extension-managed" {
			t.Errorf("%s: %v", name, findings)
		}
	}
}
