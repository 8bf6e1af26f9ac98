package lint_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// CA certificates pass the same kind of rules as leaves (INCIDENTS 11).
// Proves INC-11.
func TestRootRules(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		rules  []string
	}{
		"nothing":           {func(*x509.Certificate) {}, nil},
		"path length":       {func(c *x509.Certificate) { c.MaxPathLen = 1 }, []string{"root-path-length"}},
		"no CA":             {func(c *x509.Certificate) { c.IsCA = false }, []string{"root-ca"}},
		"digital signature": {func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageDigitalSignature }, []string{"root-key-usage"}},
		"no cRLSign":        {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }, []string{"root-key-usage"}},
		"extended usage":    {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }, []string{"root-extended-key-usage"}},
		"distribution":      {func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://b"} }, []string{"root-crl"}},
		"issuer URL":        {func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://b"} }, []string{"root-aia"}},
		"another serial":    {func(c *x509.Certificate) { c.SerialNumber = serial("ff").Int() }, []string{"root-serial"}},
		"another end":       {func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(time.Second) }, []string{"root-validity"}},
		"over at once":      {func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(-time.Second) }, []string{"root-validity", "root-lifetime"}},
		"another name":      {func(c *x509.Certificate) { c.Subject.CommonName = "Other" }, []string{"root-subject-content"}},
		"more of a name":    {func(c *x509.Certificate) { c.Subject.Country = []string{"DE"} }, []string{"root-subject-content"}},
		"another key id":    {func(c *x509.Certificate) { c.SubjectKeyId = []byte{1} }, []string{"root-subject-key-id", "root-authority-key-id"}},
		"unknown extension": {func(c *x509.Certificate) { c.ExtraExtensions = unknown() }, []string{"root-extension-unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			template, err := h.rootRequest.Root()
			if err != nil {
				t.Fatal(err)
			}
			c.change(template)
			wantRules(t, lint.Root(sign(t, template, template, h.rootKey.Public(), h.rootKey), h.rootRequest), c.rules...)
		})
	}
}

// A key with which nothing here signs makes no CA, however well the rest fits.
func TestAuthorityKeyType(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	h.caRequest.PublicKey = public
	template, err := h.caRequest.Intermediate()
	if err != nil {
		t.Fatal(err)
	}
	wantRules(t, lint.Intermediate(sign(t, template, h.root, key.Public(), h.rootKey), h.root, h.caRequest), "intermediate-key-type")
}

// Proves INC-11, INC-36, INC-109.
func TestIntermediateRules(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		rules  []string
	}{
		"nothing":           {func(*x509.Certificate) {}, nil},
		"no path length":    {func(c *x509.Certificate) { c.MaxPathLenZero = false }, []string{"intermediate-path-length"}},
		"path length of 1":  {func(c *x509.Certificate) { c.MaxPathLen = 1 }, []string{"intermediate-path-length"}},
		"no CA":             {func(c *x509.Certificate) { c.IsCA, c.MaxPathLenZero = false, false }, []string{"intermediate-ca", "intermediate-path-length"}},
		"no keyCertSign":    {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }, []string{"intermediate-key-usage"}},
		"any usage":         {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }, []string{"intermediate-extended-key-usage"}},
		"no server usage":   {func(c *x509.Certificate) { c.ExtKeyUsage = nil }, []string{"intermediate-extended-key-usage"}},
		"no distribution":   {func(c *x509.Certificate) { c.CRLDistributionPoints = nil }, []string{"intermediate-crl"}},
		"no issuer URL":     {func(c *x509.Certificate) { c.IssuingCertificateURL = nil }, []string{"intermediate-aia"}},
		"outlives":          {func(c *x509.Certificate) { c.NotAfter = h.root.NotAfter.Add(time.Second) }, []string{"intermediate-validity", "intermediate-within-parent"}},
		"another key id":    {func(c *x509.Certificate) { c.SubjectKeyId = []byte{1} }, []string{"intermediate-subject-key-id"}},
		"unknown extension": {func(c *x509.Certificate) { c.ExtraExtensions = unknown() }, []string{"intermediate-extension-unknown"}},
		"the parent's name": {
			func(c *x509.Certificate) { c.Subject.CommonName, c.AuthorityKeyId = "Root", h.root.SubjectKeyId },
			[]string{"intermediate-subject", "intermediate-subject-content"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			template, err := h.caRequest.Intermediate()
			if err != nil {
				t.Fatal(err)
			}
			c.change(template)
			wantRules(t, lint.Intermediate(sign(t, template, h.root, h.key.Public(), h.rootKey), h.root, h.caRequest), c.rules...)
		})
	}
}

// A CA whose path length is 0 makes no further CA, and no request stands for another key.
func TestIntermediateAgainstOthers(t *testing.T) {
	t.Parallel()
	h, other := newHouse(t), newHouse(t)
	wantRules(t, lint.Intermediate(h.ca, other.root, h.caRequest), "intermediate-authority-key-id")
	request := h.caRequest
	request.PublicKey = h.rootKey.Public()
	wantRules(t, lint.Intermediate(h.ca, h.root, request), "intermediate-key")
	request = h.caRequest
	request.CommonName = ""
	wantRules(t, lint.Intermediate(h.ca, h.root, request), "intermediate-subject-content")

	below := pki.CARequest{
		CommonName: "Below", PublicKey: other.key.Public(), Serial: serial("04"), NotBefore: noon, NotAfter: noon.Add(day),
		Usages: []pki.Usage{pki.ServerAuth},
	}
	template, err := below.Intermediate()
	if err != nil {
		t.Fatal(err)
	}
	wantRules(t, lint.Intermediate(sign(t, template, h.ca, other.key.Public(), h.key), h.ca, below), "intermediate-parent")
}

func unknown() []pkix.Extension {
	return []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Value: []byte{5, 0}}}
}

// What was asked beyond the usual, and the rules of the root programs, hold for cross-certificates too.
// Proves INC-11.
func TestIntermediateAsAsked(t *testing.T) {
	t.Parallel()
	h, other := newHouse(t), newHouse(t)
	other.rootRequest.CommonName = "Other Root"
	template, err := other.rootRequest.Root()
	if err != nil {
		t.Fatal(err)
	}
	other.root = sign(t, template, template, other.rootKey.Public(), other.rootKey)
	ask := func(change func(*pki.CARequest)) pki.CARequest {
		request := h.caRequest
		change(&request)
		return request
	}
	limited := func(r *pki.CARequest) { r.Constraints.PermittedNames = []string{"example.com"} }
	policies := func(r *pki.CARequest) { r.Policies = []pki.Policy{{OID: pki.PolicyDomainValidated}} }
	country := func(r *pki.CARequest) { r.Country = "DE" }
	beside := func(c *x509.Certificate, key crypto.PublicKey) func(*pki.CARequest) {
		return func(r *pki.CARequest) { r.Beside, r.PublicKey = c, key }
	}
	none := func(*pki.CARequest) {}
	for name, c := range map[string]struct {
		made, asked func(*pki.CARequest)
		rules       []string
	}{
		"constraints":                {limited, limited, nil},
		"constraints are missing":    {none, limited, []string{"intermediate-name-constraints"}},
		"constraints nobody asked":   {limited, none, []string{"intermediate-name-constraints"}},
		"policies":                   {policies, policies, nil},
		"policies are missing":       {none, policies, []string{"intermediate-policies"}},
		"country":                    {country, country, nil},
		"country is missing":         {none, country, []string{"intermediate-subject-content"}},
		"no usage":                   {func(r *pki.CARequest) { r.Usages = nil }, func(r *pki.CARequest) { r.Usages = nil }, []string{"intermediate-no-extended-key-usage"}},
		"public":                     {none, func(r *pki.CARequest) { r.Public = true }, nil},
		"public with client usage":   {clients, func(r *pki.CARequest) { clients(r); r.Public = true }, []string{"intermediate-server-auth"}},
		"beside another CA":          {beside(other.ca, other.key.Public()), beside(other.ca, other.key.Public()), nil},
		"beside a root":              {beside(other.root, other.rootKey.Public()), beside(other.root, other.rootKey.Public()), nil},
		"beside one, asked another":  {beside(other.ca, other.key.Public()), beside(other.root, other.key.Public()), []string{"intermediate-path-length", "intermediate-subject-content", "intermediate-subject-key-id"}},
		"not beside, asked to stand": {none, beside(other.ca, h.key.Public()), []string{"intermediate-subject-key-id"}},
	} {
		made := ask(c.made)
		template, err := made.Intermediate()
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			wantRules(t, lint.Intermediate(sign(t, template, h.root, made.PublicKey, h.rootKey), h.root, ask(c.asked)), c.rules...)
		})
	}
}

func clients(r *pki.CARequest) { r.Usages = []pki.Usage{pki.ServerAuth, pki.ClientAuth} }
