package pki_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Name constraints, judged by us and not by crypto/x509 (INCIDENTS 93).
// Proves INC-93.
func TestPermits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		permitted, excluded string // separated by commas; CIDR means addresses
		yes, no             string // separated by blanks
	}{
		{"", "", "example.com *.example.com 192.0.2.1 2001:db8::1", ""},
		{"example.com", "", "example.com a.example.com b.a.example.com *.example.com *.a.example.com 192.0.2.1", "badexample.com com example.com.evil *.com"},
		{"Example.COM", "", "example.com a.example.com *.example.com", "example.org"},
		{".example.com", "", "a.example.com *.example.com *.a.example.com", "example.com"},
		{"a.example.com,b.example.com", "", "a.example.com x.b.example.com", "example.com *.example.com c.example.com"},
		{"", "example.com", "example.org badexample.com *.org", "example.com a.example.com *.example.com *.com"},
		{"", "EVIL.example.com", "example.com a.example.com evil.com", "evil.example.com x.evil.example.com *.example.com"},
		{"", ".example.com", "example.com", "a.example.com *.example.com"},
		{"example.com", "secret.example.com", "example.com www.example.com", "secret.example.com a.secret.example.com *.example.com example.org"},
		{"192.0.2.0/24", "", "192.0.2.0 192.0.2.255 example.com", "192.0.3.0 2001:db8::1"},
		{"2001:db8::/32", "", "2001:db8::1", "2001:db9::1 192.0.2.1"},
		{"", "192.0.2.0/24", "192.0.3.0 2001:db8::1", "192.0.2.7"},
		{"", "0.0.0.0/0,::/0", "example.com", "192.0.2.7 2001:db8::1"},
	} {
		ca := constrained(t, c.permitted, c.excluded)
		for _, name := range strings.Fields(c.yes) {
			if !pki.Permits(ca, parseIdent(t, name)) {
				t.Errorf("permitted %q, excluded %q: %s is refused", c.permitted, c.excluded, name)
			}
		}
		for _, name := range strings.Fields(c.no) {
			if pki.Permits(ca, parseIdent(t, name)) {
				t.Errorf("permitted %q, excluded %q: %s is let through", c.permitted, c.excluded, name)
			}
		}
	}
}

// The empty constraint holds every name.
// Proves INC-93.
func TestPermitsEmptyConstraint(t *testing.T) {
	t.Parallel()
	name := parseIdent(t, "a.example.com")
	if pki.Permits(&x509.Certificate{ExcludedDNSDomains: []string{""}}, name) {
		t.Error("everything is excluded, and a name is let through")
	}
	if !pki.Permits(&x509.Certificate{PermittedDNSDomains: []string{""}}, name) {
		t.Error("everything is permitted, and a name is refused")
	}
}

func constrained(t *testing.T, permitted, excluded string) *x509.Certificate {
	t.Helper()
	ca := &x509.Certificate{}
	add := func(list string, domains *[]string, ranges *[]*net.IPNet) {
		for text := range strings.SplitSeq(list, ",") {
			if _, block, err := net.ParseCIDR(text); err == nil {
				*ranges = append(*ranges, block)
			} else if text != "" {
				*domains = append(*domains, text)
			}
		}
	}
	add(permitted, &ca.PermittedDNSDomains, &ca.PermittedIPRanges)
	add(excluded, &ca.ExcludedDNSDomains, &ca.ExcludedIPRanges)
	return ca
}

// parseIdent reads an identifier; a name that no certificate could have is built from its parts.
func parseIdent(t *testing.T, text string) ident.Identifier {
	t.Helper()
	if id, err := ident.ParseIP(text); err == nil {
		return id
	}
	var id ident.Identifier
	if err := id.UnmarshalText([]byte("dns:" + text)); err != nil {
		t.Fatal(err)
	}
	return id
}

// What is permitted of one kind closes the other kinds, and what stands in a certificate is read back as it was asked.
func TestConstraintsAreClosedAndReadBack(t *testing.T) {
	t.Parallel()
	prefix := netip.MustParsePrefix
	all4, all6 := prefix("0.0.0.0/0"), prefix("::/0")
	for name, c := range map[string]struct{ asked, closed pki.Constraints }{
		"none":       {pki.Constraints{}, pki.Constraints{}},
		"exclusions": {pki.Constraints{ExcludedNames: []string{"a.example"}}, pki.Constraints{ExcludedNames: []string{"a.example"}}},
		"names": {
			pki.Constraints{PermittedNames: []string{"a.example"}},
			pki.Constraints{PermittedNames: []string{"a.example"}, ExcludedNetworks: []netip.Prefix{all4, all6}},
		},
		"networks": {
			pki.Constraints{PermittedNetworks: []netip.Prefix{prefix("10.0.0.0/8")}},
			pki.Constraints{ExcludedNames: []string{""}, PermittedNetworks: []netip.Prefix{prefix("10.0.0.0/8")}, ExcludedNetworks: []netip.Prefix{all6}},
		},
		"both": {
			pki.Constraints{PermittedNames: []string{".a.example"}, PermittedNetworks: []netip.Prefix{prefix("10.0.0.0/8"), prefix("2001:db8::/32")}},
			pki.Constraints{PermittedNames: []string{".a.example"}, PermittedNetworks: []netip.Prefix{prefix("2001:db8::/32"), prefix("10.0.0.0/8")}},
		},
	} {
		key := newECDSA(t, elliptic.P256())
		request := pki.CARequest{
			CommonName: "A", PublicKey: key.Public(), Serial: "4a0b", NotBefore: noon, NotAfter: noon.Add(day),
			Usages: []pki.Usage{pki.ServerAuth}, Constraints: c.asked,
		}
		template, err := request.Intermediate()
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		ca, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again := pki.ConstraintsOf(ca).Closed(); len(again.ExcludedNetworks) != len(ca.ExcludedIPRanges) || len(again.ExcludedNames) != len(ca.ExcludedDNSDomains) {
			t.Errorf("%s: closed again, as in a cross-certificate, they are %+v", name, again)
		}
		if got := pki.ConstraintsOf(ca); !got.Equal(c.closed) || got.Equal(pki.Constraints{PermittedNames: []string{"b.example"}}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
