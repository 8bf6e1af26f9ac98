package pki_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
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
		parent   *x509.Certificate
		sentence string
	}{
		"root":                   {},
		"intermediate":           {below: true, parent: parent.certificate},
		"leaf":                   {change: func(c *x509.Certificate) { c.IsCA = false }, sentence: "not a CA certificate"},
		"no basic constraints":   {change: func(c *x509.Certificate) { c.BasicConstraintsValid = false; c.IsCA = false }, sentence: "not a CA certificate"},
		"no keyCertSign":         {change: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }, sentence: "keyCertSign"},
		"no cRLSign":             {change: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }, sentence: "cRLSign"},
		"no subject":             {change: func(c *x509.Certificate) { c.Subject = pkix.Name{} }, sentence: "subject is empty"},
		"last second":            {change: func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.Add(-day), noon.Add(time.Second) }},
		"expired":                {change: func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.Add(-day), noon }, sentence: "expired at 2026-11-23T12:00:00Z"},
		"not yet valid":          {change: func(c *x509.Certificate) { c.NotBefore = noon.Add(time.Second) }, sentence: "valid only from 2026-11-23T12:00:01Z"},
		"another key":            {key: newECDSA(t, elliptic.P384()).Public(), sentence: "private key does not belong"},
		"a key of another type":  {key: newRSA(t, 2048).Public(), sentence: "private key does not belong"},
		"parent missing":         {below: true, sentence: "give the certificate of the CA that signed it"},
		"another parent":         {below: true, parent: newListCA(t, "Parent").certificate, sentence: `not signed by "CN=Parent"`},
		"outlives its parent":    {below: true, parent: parent.certificate, change: func(c *x509.Certificate) { c.NotAfter = noon.Add(366 * day) }, sentence: "outlives its parent"},
		"extension not followed": {change: criticalExtension, sentence: "critical extensions that are not understood: [1.2.3.4]"},
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
			brought := signed(t, template, template, key.Public(), key)
			if c.below {
				brought = signed(t, template, parent.certificate, key.Public(), parent.key)
			}
			if c.key == nil {
				c.key = key.Public()
			}
			got, err := pki.VerifyCA(brought.Raw, c.key, c.parent, noon)
			wantMalformed(t, err, c.sentence)
			if (got == nil) != (err != nil) {
				t.Error("certificate and error do not agree")
			}
		})
	}
}

func criticalExtension(c *x509.Certificate) {
	c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
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

// Keys with which nobody signs certificates here, and text that is no certificate.
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
		_, err = pki.VerifyCA(selfSigned(t, template, key).Raw, key.Public(), nil, noon)
		wantMalformed(t, err, "key is not of a supported type; use one of: ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096.")
	}
	_, err = pki.VerifyCA([]byte("CA"), nil, nil, noon)
	wantMalformed(t, err, "cannot be parsed")
}

// An operator learns everything at once.
func TestVerifyCATellsAll(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P256())
	template := &x509.Certificate{SerialNumber: pki.Serial("01").Int(), NotBefore: noon.Add(-2 * day), NotAfter: noon.Add(-day)}
	_, err := pki.VerifyCA(selfSigned(t, template, key).Raw, nil, nil, noon)
	for _, sentence := range []string{"CA:TRUE", "keyCertSign", "cRLSign", "subject key identifier", "subject is empty", "expired", "private key does not belong"} {
		wantMalformed(t, err, sentence)
	}
}

// KeyID is that of RFC 7093 section 2, method 1, on the BIT STRING's content.
func TestKeyID(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P256())
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(point)
	got, err := pki.KeyID(key.Public())
	if err != nil || hex.EncodeToString(got) != hex.EncodeToString(sum[:20]) {
		t.Errorf("%x, %v; want %x", got, err, sum[:20])
	}
	if _, err := pki.KeyID(nil); err == nil {
		t.Error("an identifier of no key")
	}
}

func TestSignatureAlgorithm(t *testing.T) {
	t.Parallel()
	for want, key := range map[x509.SignatureAlgorithm]crypto.PublicKey{
		x509.ECDSAWithSHA256: newECDSA(t, elliptic.P256()).Public(),
		x509.ECDSAWithSHA384: newECDSA(t, elliptic.P384()).Public(),
		x509.SHA256WithRSA:   newRSA(t, 2048).Public(),
	} {
		if got, err := pki.SignatureAlgorithm(key); err != nil || got != want {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	if _, err := pki.SignatureAlgorithm(newECDSA(t, elliptic.P521()).Public()); err == nil {
		t.Error("an algorithm for P-521")
	}
}

func TestIssuerParse(t *testing.T) {
	t.Parallel()
	ca := newListCA(t, "Issuer")
	got, err := pki.Issuer{ID: "a", Certificate: ca.certificate.Raw}.Parse()
	if err != nil || !got.Equal(ca.certificate) {
		t.Error(err)
	}
	if _, err := (pki.Issuer{ID: "a", Certificate: []byte("x")}).Parse(); err == nil || !strings.Contains(err.Error(), "issuer a") {
		t.Error(err)
	}
}
