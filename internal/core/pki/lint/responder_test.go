package lint_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// Proves BR-19.
func TestResponderRules(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		rules  []string
	}{
		"nothing":            {func(*x509.Certificate) {}, nil},
		"a CA":               {func(c *x509.Certificate) { c.IsCA = true }, []string{"responder-not-ca", "responder-extension-unknown"}},
		"server":             {func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) }, []string{"responder-extended-key-usage"}},
		"another usage":      {func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign }, []string{"responder-key-usage"}},
		"with status":        {func(c *x509.Certificate) { c.ExtraExtensions = nil }, []string{"responder-nocheck"}},
		"nocheck of a value": {func(c *x509.Certificate) { c.ExtraExtensions[0].Value = []byte{4, 0} }, []string{"responder-nocheck"}},
		"critical nocheck":   {func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = true }, []string{"responder-extension-critical"}},
		"distribution":       {func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://b"} }, []string{"responder-extension-unknown"}},
		"a name":             {func(c *x509.Certificate) { c.DNSNames = []string{"a.example.com"} }, []string{"responder-extension-unknown"}},
		"another subject":    {func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "Other"} }, []string{"responder-subject"}},
		"another serial":     {func(c *x509.Certificate) { c.SerialNumber = serial("ff").Int() }, []string{"responder-serial"}},
		"another end":        {func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(-time.Second) }, []string{"responder-validity"}},
		"before its issuer":  {func(c *x509.Certificate) { c.NotBefore = h.ca.NotBefore.Add(-time.Second) }, []string{"responder-validity", "responder-within-issuer"}},
	} {
		t.Run(name, func(t *testing.T) {
			request := pki.ResponderRequest{
				Serial: serial("04"), PublicKey: h.subjectKey.Public(), NotBefore: h.ca.NotBefore, NotAfter: h.ca.NotAfter,
			}
			template := request.Template()
			c.change(template)
			wantRules(t, lint.Responder(sign(t, template, h.ca, h.subjectKey.Public(), h.key), h.ca, request), c.rules...)
		})
	}
}

func TestResponderKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	request := pki.ResponderRequest{
		Serial: serial("04"), PublicKey: h.subjectKey.Public(), NotBefore: h.ca.NotBefore, NotAfter: h.ca.NotAfter,
	}
	other := newKey(t)
	wantRules(t, lint.Responder(sign(t, request.Template(), h.ca, other.Public(), h.key), h.ca, request), "responder-key")
}
