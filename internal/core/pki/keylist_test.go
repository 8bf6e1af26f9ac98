package pki_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// One key is the same in whatever form it is named.
func TestReadKeys(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P256())
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	template, err := (pki.CARequest{CommonName: "A", PublicKey: key.Public(), Serial: "4a0b", NotBefore: noon, NotAfter: noon.Add(day)}).Root()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	want := pki.HashKey(spki)
	for name, text := range map[string]string{
		"public key": block("PUBLIC KEY", spki), "certificate": block("CERTIFICATE", certificate), "request": "text\n" + block("CERTIFICATE REQUEST", csr),
		"hash": want.String(), "hash in a list": "# from a report\n\n  " + strings.ToUpper(want.String()) + "  # this one\n",
	} {
		if got, err := pki.ReadKeys([]byte(text)); err != nil || !slices.Equal(got, []pki.KeyHash{want}) {
			t.Errorf("%s: %v (%v)", name, got, err)
		}
	}
	both := block("PUBLIC KEY", spki) + block("CERTIFICATE", certificate)
	if got, err := pki.ReadKeys([]byte(both)); err != nil || !slices.Equal(got, []pki.KeyHash{want, want}) {
		t.Errorf("two blocks: %v (%v)", got, err)
	}
	for text, says := range map[string]string{
		"":                                "names no key",
		"# nothing":                       "names no key",
		"abc":                             `Line 1 of the file: "abc" is not the SHA-256`,
		want.String() + "\nzz":            "Line 2",
		block("PRIVATE KEY", spki):        "openssl pkey -in FILE -pubout",
		block("PUBLIC KEY", spki[1:]):     "Block 1 of the file: the public key cannot be read",
		block("CERTIFICATE", csr):         "the certificate cannot be read",
		block("CERTIFICATE REQUEST", nil): "the certificate request cannot be read",
		"-----BEGIN PUBLIC KEY-----\n":    "no block of PEM",
	} {
		if _, err := pki.ReadKeys([]byte(text)); !fault.Is(err, fault.Malformed) || !strings.Contains(fault.Sentence(err), says) {
			t.Errorf("%.30q: %v, want %q", text, err, says)
		}
	}
	long := append([]byte(want.String()+"\n"), bytes.Repeat([]byte("#"), pki.MaxKeyList)...)
	if _, err := pki.ReadKeys(long); !fault.Is(err, fault.Malformed) {
		t.Errorf("a file of any size is read: %v", err)
	}
}

func FuzzReadKeys(f *testing.F) {
	f.Add([]byte("# list\n" + strings.Repeat("ab", 32)))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := pki.ReadKeys(text)
		if (err == nil) != (len(keys) > 0) || err != nil && !fault.Is(err, fault.Malformed) {
			t.Errorf("%d keys, %v", len(keys), err)
		}
	})
}
