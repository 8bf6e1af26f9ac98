package lint_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/url"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

func TestLeafWithoutFinding(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	wantRules(t, lint.Leaf(h.leaf(t, nil), h.ca, h.request))

	h.request.Spec = pki.ShortLivedSpec("issuer")
	h.request.Spec.CommonName = true
	h.request.NotAfter = h.request.NotBefore.Add(160*time.Hour - time.Second)
	h.request.Names = identifiers(t, "*.example.com")
	h.request.IssuerURL = ""
	wantRules(t, lint.Leaf(h.leaf(t, nil), h.ca, h.request))
}

// Each rule is broken by a certificate that differs in one thing from what was asked, and by nothing else.
// Proves BR-06, INC-4, INC-36.
func TestLeafRules(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	raw := func(id asn1.ObjectIdentifier, critical bool, value string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: id, Critical: critical, Value: []byte(value)})
		}
	}
	uri := &url.URL{Scheme: "https", Host: "example.com"}
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		rules  []string
	}{
		"another serial":        {func(c *x509.Certificate) { c.SerialNumber = serial("ff").Int() }, []string{"leaf-serial"}},
		"serial of 64 bits":     {func(c *x509.Certificate) { c.SerialNumber = new(big.Int).SetUint64(1<<64 - 1) }, []string{"leaf-serial", "leaf-serial-size"}},
		"serial of 160 bits":    {func(c *x509.Certificate) { c.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 158) }, []string{"leaf-serial"}},
		"a second more":         {func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(time.Second) }, []string{"leaf-validity", "leaf-lifetime"}},
		"a second less":         {func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(-time.Second) }, []string{"leaf-validity"}},
		"another second":        {func(c *x509.Certificate) { c.NotBefore = c.NotBefore.Add(time.Second) }, []string{"leaf-validity"}},
		"before the issuer":     {func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.Add(-2*day), noon }, []string{"leaf-validity", "leaf-within-issuer"}},
		"CA":                    {func(c *x509.Certificate) { c.IsCA, c.SubjectKeyId = true, []byte{1} }, []string{"leaf-not-ca", "leaf-extension-unknown"}},
		"path length":           {raw(asn1.ObjectIdentifier{2, 5, 29, 19}, true, "\x30\x03\x02\x01\x00"), []string{"leaf-not-ca"}},
		"no constraints":        {func(c *x509.Certificate) { c.BasicConstraintsValid = false }, []string{"leaf-not-ca"}},
		"no key usage":          {func(c *x509.Certificate) { c.KeyUsage = 0 }, []string{"leaf-key-usage", "leaf-key-usage-critical"}},
		"key encipherment":      {func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment }, []string{"leaf-key-usage"}},
		"keyCertSign":           {func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }, []string{"leaf-key-usage"}},
		"usage not critical":    {raw(asn1.ObjectIdentifier{2, 5, 29, 15}, false, "\x03\x02\x07\x80"), []string{"leaf-key-usage-critical", "leaf-extension-critical"}},
		"no extended usage":     {func(c *x509.Certificate) { c.ExtKeyUsage = nil }, []string{"leaf-extended-key-usage"}},
		"client usage":          {func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) }, []string{"leaf-extended-key-usage"}},
		"unknown usage":         {func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}} }, []string{"leaf-extended-key-usage"}},
		"a name more":           {func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "b.example.com") }, []string{"leaf-names"}},
		"a name less":           {func(c *x509.Certificate) { c.IPAddresses = nil }, []string{"leaf-names"}},
		"a name twice":          {func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "a.example.com") }, []string{"leaf-names"}},
		"an address more":       {func(c *x509.Certificate) { c.IPAddresses = append(c.IPAddresses, net.IPv6loopback) }, []string{"leaf-names"}},
		"another case":          {func(c *x509.Certificate) { c.DNSNames = []string{"A.example.com"} }, []string{"leaf-san", "leaf-names"}},
		"underscore":            {func(c *x509.Certificate) { c.DNSNames = []string{"a_b.example.com"} }, []string{"leaf-san", "leaf-names"}},
		"no names":              {func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil }, []string{"leaf-san", "leaf-names", "leaf-san-critical"}},
		"e-mail":                {func(c *x509.Certificate) { c.EmailAddresses = []string{"a@example.com"} }, []string{"leaf-san", "leaf-names"}},
		"URI":                   {func(c *x509.Certificate) { c.URIs = []*url.URL{uri} }, []string{"leaf-san", "leaf-names"}},
		"other name":            {raw(asn1.ObjectIdentifier{2, 5, 29, 17}, true, "\x30\x0b\xa0\x09\x06\x02\x2a\x03\xa0\x03\x0c\x01a"), []string{"leaf-san", "leaf-names"}},
		"names not critical":    {raw(asn1.ObjectIdentifier{2, 5, 29, 17}, false, "\x30\x15\x82\x0da.example.com\x87\x04\xc0\x00\x02\x07"), []string{"leaf-san-critical"}},
		"common name":           {func(c *x509.Certificate) { c.Subject.CommonName = "a.example.com" }, []string{"leaf-subject-content"}},
		"organisation":          {func(c *x509.Certificate) { c.Subject.Organization = []string{"Example"} }, []string{"leaf-subject-content"}},
		"star in printable":     {func(c *x509.Certificate) { c.RawSubject = name(t, asn1.TagPrintableString, "*.example.com") }, []string{"leaf-subject"}},
		"T61":                   {func(c *x509.Certificate) { c.RawSubject = name(t, asn1.TagT61String, "a.example.com") }, []string{"leaf-subject"}},
		"subject key id":        {func(c *x509.Certificate) { c.SubjectKeyId = []byte{1} }, []string{"leaf-extension-unknown"}},
		"unknown extension":     {raw(asn1.ObjectIdentifier{1, 2, 3, 4}, false, "\x05\x00"), []string{"leaf-extension-unknown"}},
		"policies":              {func(c *x509.Certificate) { c.Policies = []x509.OID{oid(t, 2, 23, 140, 1, 2, 1)} }, []string{"leaf-policies"}},
		"no distribution point": {func(c *x509.Certificate) { c.CRLDistributionPoints = nil }, []string{"leaf-crl"}},
		"another shard":         {func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://ca.test/crl/issuer/2.crl"} }, []string{"leaf-crl"}},
		"two points":            {func(c *x509.Certificate) { c.CRLDistributionPoints = append(c.CRLDistributionPoints, "http://b") }, []string{"leaf-crl"}},
		"no issuer URL":         {func(c *x509.Certificate) { c.IssuingCertificateURL = nil }, []string{"leaf-aia"}},
		"another issuer URL":    {func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://b"} }, []string{"leaf-aia"}},
		"OCSP":                  {func(c *x509.Certificate) { c.OCSPServer = []string{"http://b"} }, []string{"leaf-aia"}},
	} {
		t.Run(name, func(t *testing.T) {
			wantRules(t, lint.Leaf(h.leaf(t, c.change), h.ca, h.request), c.rules...)
		})
	}
}

// name returns a subject whose common name has the given string type, whatever its characters.
func name(t *testing.T, tag int, text string) []byte {
	t.Helper()
	value := asn1.RawValue{Tag: tag, Bytes: []byte(text)}
	type attribute struct {
		ID    asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	type relativeSET []attribute
	der, err := asn1.Marshal([]relativeSET{{{asn1.ObjectIdentifier{2, 5, 4, 3}, value}}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func oid(t *testing.T, arcs ...uint64) x509.OID {
	t.Helper()
	id, err := x509.OIDFromInts(arcs)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The same certificate under another issuer, and another request.
func TestLeafAgainstOthers(t *testing.T) {
	t.Parallel()
	h, other := newHouse(t), newHouse(t)
	leaf := h.leaf(t, nil)
	wantRules(t, lint.Leaf(leaf, other.ca, h.request), "leaf-authority-key-id")
	wantRules(t, lint.Leaf(leaf, h.root, h.request), "leaf-issuer", "leaf-authority-key-id")

	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	upgraded := *h.ca
	upgraded.PublicKey = p384.Public()
	wantRules(t, lint.Leaf(leaf, &upgraded, h.request), "leaf-signature-algorithm")

	short := *h.ca
	short.NotAfter = leaf.NotAfter.Add(-time.Second)
	wantRules(t, lint.Leaf(leaf, &short, h.request), "leaf-within-issuer")

	constrained := *h.ca
	constrained.ExcludedDNSDomains = []string{"EXAMPLE.com"}
	wantRules(t, lint.Leaf(leaf, &constrained, h.request), "leaf-name-constraints")

	request := h.request
	request.PublicKey = h.key.Public()
	wantRules(t, lint.Leaf(leaf, h.ca, request), "leaf-key")
	request = h.request
	request.Spec.Keys = []pki.KeyType{pki.RSA}
	wantRules(t, lint.Leaf(leaf, h.ca, request), "leaf-key-type")
	request = h.request
	request.Issuer.Shard.URL = ""
	wantRules(t, lint.Leaf(leaf, h.ca, request), "leaf-crl")
	request = h.request
	request.Spec.NoCRL = true
	wantRules(t, lint.Leaf(leaf, h.ca, request), "leaf-crl")
}

// An RSA key wants keyEncipherment, and without it the rule is broken.
// A profile that wants OCSP makes no certificate while nobody knows where the answers are.
func TestLeafWithoutResponder(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.request.Spec.OCSP = true
	h.request.OCSPURL = ""
	wantRules(t, lint.Leaf(h.leaf(t, func(c *x509.Certificate) { c.OCSPServer = nil }), h.ca, h.request), "leaf-ocsp", "leaf-aia")
}

// crypto/x509 writes version 3 only, so the parsed certificate is changed.
func TestLeafVersion(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	leaf := h.leaf(t, nil)
	leaf.Version = 1
	wantRules(t, lint.Leaf(leaf, h.ca, h.request), "leaf-version")
}

func TestLeafRSA(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	h.request.PublicKey = key.Public()
	template, err := h.request.Template()
	if err != nil {
		t.Fatal(err)
	}
	wantRules(t, lint.Leaf(sign(t, template, h.ca, key.Public(), h.key), h.ca, h.request))
	template.KeyUsage = x509.KeyUsageDigitalSignature
	wantRules(t, lint.Leaf(sign(t, template, h.ca, key.Public(), h.key), h.ca, h.request), "leaf-key-usage")
}

// Until 2049 the validity is in UTCTime, and from 2050 in GeneralizedTime (RFC 5280 section 4.1.2.5).
func TestLeafTimeFormat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	leaf := h.leaf(t, nil)
	wantRules(t, lint.Leaf(withValidity(t, leaf, func(b *cryptobyte.Builder) {
		b.AddASN1GeneralizedTime(leaf.NotBefore)
		b.AddASN1UTCTime(leaf.NotAfter)
	}), h.ca, h.request), "leaf-time-format")

	far := *h.ca
	far.NotAfter = noon.Add(50 * 365 * day)
	h.request.NotAfter, h.request.Spec.Lifetime = time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC), span.Of(100*365*day)
	wantRules(t, lint.Leaf(h.leaf(t, nil), &far, h.request))
}

// withValidity returns the certificate with another validity, and without a sound signature.
func withValidity(t *testing.T, c *x509.Certificate, validity func(*cryptobyte.Builder)) *x509.Certificate {
	t.Helper()
	input := cryptobyte.String(c.RawTBSCertificate)
	var tbs, version, number, algorithm, issuer, old cryptobyte.String
	if !input.ReadASN1(&tbs, tags.SEQUENCE) || !tbs.ReadASN1Element(&version, tags.Tag(0).ContextSpecific().Constructed()) ||
		!tbs.ReadASN1Element(&number, tags.INTEGER) || !tbs.ReadASN1Element(&algorithm, tags.SEQUENCE) ||
		!tbs.ReadASN1Element(&issuer, tags.SEQUENCE) || !tbs.ReadASN1Element(&old, tags.SEQUENCE) {
		t.Fatal("no TBSCertificate")
	}
	var b cryptobyte.Builder
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(slices.Concat(version, number, algorithm, issuer))
			b.AddASN1(tags.SEQUENCE, validity)
			b.AddBytes(tbs)
		})
		b.AddBytes(algorithm)
		b.AddASN1BitString(c.Signature)
	})
	der, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// Lint judges whatever parses, and never panics.
// Proves INC-94.
func FuzzLeaf(f *testing.F) {
	h := newHouse(f)
	f.Add(h.leaf(f, nil).Raw)
	f.Add(h.ca.Raw)
	f.Fuzz(func(_ *testing.T, der []byte) {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		lint.Leaf(certificate, h.ca, h.request)
		lint.Leaf(certificate, certificate, pki.Request{})
		lint.Intermediate(certificate, h.root, h.caRequest)
		lint.Root(certificate, h.rootRequest)
	})
}

func BenchmarkLeaf(b *testing.B) {
	h := newHouse(b)
	leaf := h.leaf(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		if findings := lint.Leaf(leaf, h.ca, h.request); len(findings) > 0 {
			b.Fatal(findings)
		}
	}
}
