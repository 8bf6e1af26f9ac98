package pki_test

import (
	"encoding/pem"
	"os/exec"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func TestHexPairs(t *testing.T) {
	for digits, want := range map[string]string{"": "", "a": "A", "ab": "AB", "abc": "AB:C", "00ff1e": "00:FF:1E"} {
		if got := pki.HexPairs(digits); got != want {
			t.Errorf("%q: %q, want %q", digits, got, want)
		}
	}
}

// People compare by eye what we say with what openssl says.
func TestFingerprintIsThatOfOpenSSL(t *testing.T) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("openssl is not installed; run make tools")
	}
	ca := newListCA(t, "Root").certificate
	command := exec.Command(path, "x509", "-noout", "-fingerprint", "-sha256")
	command.Stdin = strings.NewReader(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})))
	said, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, want, _ := strings.Cut(strings.TrimSpace(string(said)), "="); pki.Fingerprint(ca.Raw) != want {
		t.Errorf("got %s, want %s", pki.Fingerprint(ca.Raw), want)
	}
}
