package pki_test

import (
	"crypto/elliptic"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// The common name is the first DNS name that fits, and only where the profile wants one (INCIDENTS 4).
func TestCommonName(t *testing.T) {
	t.Parallel()
	fits := strings.Repeat("a", 52) + ".example.com" // 64 octets
	for names, want := range map[string]string{
		"a.example.com b.example.com": "a.example.com",
		"192.0.2.7 *.example.com":     "*.example.com",
		"a" + fits + " b.example.com": "b.example.com",
		fits + " b.example.com":       fits,
		"a" + fits:                    "",
		"192.0.2.7":                   "",
	} {
		var ids []ident.Identifier
		for _, name := range strings.Fields(names) {
			ids = append(ids, parseIdent(t, name))
		}
		request := pki.Request{Names: ids, Spec: pki.Spec{CommonName: true}}
		if got := request.CommonName(); got != want {
			t.Errorf("%s: %q, want %q", names, got, want)
		}
		request.Spec.CommonName = false
		if got := request.CommonName(); got != "" {
			t.Errorf("%s: %q without being wanted", names, got)
		}
	}
}

func TestLeafKeyUsage(t *testing.T) {
	t.Parallel()
	for _, kind := range pki.SubjectKeyTypes() {
		want := x509.KeyUsageDigitalSignature
		if kind == pki.RSA {
			want |= x509.KeyUsageKeyEncipherment
		}
		if got := pki.LeafKeyUsage(kind); got != want {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
}

func TestTemplatesRefuse(t *testing.T) {
	t.Parallel()
	if _, err := (pki.Request{Spec: pki.Spec{Usages: []pki.Usage{"code-signing"}}}).Template(); err == nil {
		t.Error("a leaf with an unknown usage")
	}
	if _, err := (pki.CARequest{}).Root(); err == nil {
		t.Error("a root without a key")
	}
	if _, err := (pki.CARequest{}).Intermediate(); err == nil {
		t.Error("an intermediate without a key")
	}
	request := pki.CARequest{PublicKey: newECDSA(t, elliptic.P256()).Public(), Usages: []pki.Usage{"code-signing"}}
	if _, err := request.Intermediate(); err == nil {
		t.Error("an intermediate with an unknown usage")
	}
}

func TestKeyTypes(t *testing.T) {
	t.Parallel()
	for _, kind := range pki.IssuerKeyTypes() {
		if !strings.HasPrefix(string(kind), "rsa-") && !strings.HasPrefix(string(kind), "ecdsa-") {
			t.Errorf("issuers with %s", kind)
		}
	}
	if got := pki.KeyTypeOf("no key"); got != "" {
		t.Errorf("no key is %q", got)
	}
}
