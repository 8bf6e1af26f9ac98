package pki_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// What an operator may bring as a CA, and a sentence for each thing that is wrong.
func TestVerifyCA(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P384())
	parent := newListCA(t, "Parent")
	for about, c := range map[string]struct {
		change   func(*x509.Certificate)
		key      crypto.PublicKey // nil: the right one
		below    bool             // signed by parent and not by itself
		count    int              // of CA certificates between it and the leaves
		parent   *x509.Certificate
		sentence string
	}{
		"root":                   {},
		"intermediate":           {below: true, parent: parent.certificate},
		"leaf":                   {change: func(c *x509.Certificate) { c.IsCA = false }, sentence: "Its basicConstraints lacks cA"},
		"no basic constraints":   {change: func(c *x509.Certificate) { c.BasicConstraintsValid = false; c.IsCA = false }, sentence: "It lacks the extension basicConstraints"},
		"no keyCertSign":         {change: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }, sentence: "Its keyUsage lacks keyCertSign."},
		"no cRLSign":             {change: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }, sentence: "Its keyUsage lacks cRLSign"},
		"no subject":             {change: func(c *x509.Certificate) { c.Subject = pkix.Name{} }, sentence: "subject is empty"},
		"last second":            {change: func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.Add(-day), noon.Add(time.Second) }},
		"expired":                {change: func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.Add(-day), noon }, sentence: "expired at 2026-11-23T12:00:00Z"},
		"not yet valid":          {change: func(c *x509.Certificate) { c.NotBefore = noon.Add(time.Second) }, sentence: "valid only from 2026-11-23T12:00:01Z"},
		"another key":            {key: newECDSA(t, elliptic.P384()).Public(), sentence: "The private key does not belong to the certificate."},
		"a key of another type":  {key: newRSA(t, 2048).Public(), sentence: "The private key does not belong to the certificate."},
		"parent missing":         {below: true, sentence: `The root is not given: add the certificate of "CN=Parent"`},
		"another parent":         {below: true, parent: newListCA(t, "Parent").certificate, sentence: `Its signature was not made with the key of "CN=Parent".`},
		"outlives its parent":    {below: true, parent: parent.certificate, change: func(c *x509.Certificate) { c.NotAfter = noon.Add(366 * day) }, sentence: "It outlives the CA that signed it, which ends at 2027-11-23T12:00:00Z."},
		"no keyUsage":            {change: func(c *x509.Certificate) { c.KeyUsage = 0 }, sentence: "It lacks the extension keyUsage, with keyCertSign and cRLSign."},
		"usages of its own":      {change: usages(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageEmailProtection)},
		"any usage":              {change: usages(x509.ExtKeyUsageAny)},
		"usages for mail":        {change: usages(x509.ExtKeyUsageEmailProtection), sentence: "Its extendedKeyUsage has neither serverAuth nor clientAuth"},
		"path length 0":          {change: pathLength(0)},
		"path length 1 of 2":     {change: pathLength(1), count: 2, sentence: "Its basicConstraints has a pathLenConstraint of 1; the number of CA certificates below it would be 2."},
		"path length 0 of 1":     {change: pathLength(0), count: 1, sentence: "Its basicConstraints has a pathLenConstraint of 0; the number of CA certificates below it would be 1."},
		"path length 2 of 2":     {change: pathLength(2), count: 2},
		"the parent's name":      {below: true, parent: newListCA(t, "Other").certificate, sentence: `It was signed by "CN=Parent", and the certificate after it is that of "CN=Other".`},
		"extension not followed": {change: criticalExtension, sentence: "Its critical extension 1.2.3.4 is not understood here."},
	} {
		t.Run(about, func(t *testing.T) {
			request := pki.CARequest{CommonName: "Brought", PublicKey: key.Public(), Serial: "4a0b", NotBefore: noon, NotAfter: noon.Add(300 * day)}
			template, err := request.Root()
			if err != nil {
				t.Fatal(err)
			}
			if c.change != nil {
				c.change(template)
			}
			certificate := signed(t, template, template, key.Public(), key)
			if c.below {
				certificate = signed(t, template, parent.certificate, key.Public(), parent.key)
			}
			if c.key == nil {
				c.key = key.Public()
			}
			wantMalformed(t, pki.VerifyCA(certificate, c.key, c.parent, c.count, noon), c.sentence)
		})
	}
}

func criticalExtension(c *x509.Certificate) {
	c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
}

func usages(list ...x509.ExtKeyUsage) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.ExtKeyUsage = list }
}

func pathLength(n int) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = n, n == 0 }
}

func wantMalformed(t *testing.T, err error, sentence string) {
	t.Helper()
	if sentence == "" && err == nil {
		return
	}
	if sentence == "" || !fault.Is(err, fault.Malformed) || !strings.Contains(fault.Sentence(err), sentence) {
		t.Errorf("%v; want %q", err, sentence)
	}
}

// Keys with which nobody signs certificates here.
func TestVerifyCAKeys(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.Signer{ed, newECDSA(t, elliptic.P521())} {
		request := pki.CARequest{CommonName: "Brought", PublicKey: key.Public(), Serial: "4a0b", NotBefore: noon, NotAfter: noon.Add(day)}
		template, err := request.Root()
		if err != nil {
			t.Fatal(err)
		}
		err = pki.VerifyCA(selfSigned(t, template, key), key.Public(), nil, 0, noon)
		wantMalformed(t, err, "key is not of a supported type; use one of: ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096.")
	}
}

// An operator learns everything at once.
func TestVerifyCATellsAll(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P256())
	template := &x509.Certificate{SerialNumber: pki.Serial("01").Int(), NotBefore: noon.Add(-2 * day), NotAfter: noon.Add(-day)}
	err := pki.VerifyCA(selfSigned(t, template, key), nil, nil, 0, noon)
	for _, sentence := range []string{"basicConstraints", "keyCertSign", "cRLSign", "subjectKeyIdentifier", "subject is empty", "expired", "The private key does not belong to the certificate."} {
		wantMalformed(t, err, sentence)
	}
}
