package pki_test

import (
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// The URLs stand in certificates for years: they never change.
func TestURLs(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"http://ca.test:8080", "http://ca.test:8080/"} {
		if got, want := pki.ShardURL(base, "abc", 7), "http://ca.test:8080/crl/abc/7.crl"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got, want := pki.IssuerURL(base, "abc"), "http://ca.test:8080/issuer/abc.cer"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
