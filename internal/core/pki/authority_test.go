package pki_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

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
