package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// A key is the same key, whatever it is brought in.
func TestAKeyIsReadFromACertificateOrAlone(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	hash := pki.HashKey(spki)
	for kind, der := range map[string][]byte{"PUBLIC KEY": spki, "CERTIFICATE": certificate} {
		file := filepath.Join(t.TempDir(), "key.pem")
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		var read string
		if err := readKey(file, &read); err != nil || read != hex.EncodeToString(hash[:]) {
			t.Errorf("%s: %q, %v", kind, read, err)
		}
	}
}
