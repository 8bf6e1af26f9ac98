package probe

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
)

// Proves DN-01.
func TestDNS01(t *testing.T) {
	digest := sha256.Sum256([]byte(keyAuthorization))
	value := base64.RawURLEncoding.EncodeToString(digest[:])
	other := sha256.Sum256([]byte(token + ".another-account"))
	const at = "_acme-challenge.a.test"
	const none = "incorrect response: None of the 1 TXT records at " + at + " has the value for this account and token"
	tests := []struct {
		name   string
		values []string
		want   string
	}{
		{"exact", []string{value}, "valid"},
		{"one of many", []string{"v=spf1 -all", canary, value, "x"}, "valid"},
		{"one of a hundred", append(strings.Split(strings.Repeat("x,", 98)+"x", ","), value), "valid"},
		{"key authorization", []string{keyAuthorization}, none},
		{"token", []string{token}, none},
		{"another account", []string{base64.RawURLEncoding.EncodeToString(other[:])}, none},
		{"upper case", []string{strings.ToUpper(value)}, none},
		{"padded", []string{base64.URLEncoding.EncodeToString(digest[:])}, none},
		{"standard alphabet", []string{base64.RawStdEncoding.EncodeToString(digest[:])}, none},
		{"hexadecimal", []string{hex.EncodeToString(digest[:])}, none},
		{"white space", []string{value + " "}, none},
		{"quotes", []string{`"` + value + `"`}, none},
		{"split over two records", []string{value[:20], value[20:]}, "incorrect response: None of the 2 TXT records"},
		{"empty", []string{""}, none},
		{"canary", []string{canary}, none},
	}
	if value == base64.RawStdEncoding.EncodeToString(digest[:]) {
		t.Fatal("both alphabets give the same digest; choose another key authorization")
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, server := proberAt(t, 0, 0)
			server.SetTXT(at, test.values...)
			attempt := look(t, p, lookFor(acme.DNS01, name("a.test")))
			wantVerdict(t, attempt, test.want)
			if attempt.Retryable || len(attempt.Hops) != 0 || len(attempt.Lookups) == 0 {
				t.Errorf("retryable %t, hops %+v, lookups %+v", attempt.Retryable, attempt.Hops, attempt.Lookups)
			}
		})
	}
}

// Proves DN-01, DN-02, DN-03, DN-05, INC-22.
func TestDNS01Name(t *testing.T) {
	digest := sha256.Sum256([]byte(keyAuthorization))
	value := base64.RawURLEncoding.EncodeToString(digest[:])
	p, server := proberAt(t, 0, 0)
	server.SetDefault()
	server.SetTXT("_acme-challenge.a.test", value)
	server.SetCNAME("_acme-challenge.b.test", "b.acme-dns.test")
	server.SetTXT("b.acme-dns.test", value)
	server.SetTXT("c.test", value)
	server.SetA("_acme-challenge.d.test", "192.0.2.1")
	server.SetRcode("_acme-challenge.bogus.test", "SERVFAIL")
	server.SetRcode("_acme-challenge.refused.test", "REFUSED")
	server.SetCNAME("_acme-challenge.loop.test", "_acme-challenge.loop.test")
	tests := []struct{ name, want string }{
		{"a.test", "valid"},
		{"*.a.test", "valid"}, // proven at the base name
		{"b.test", "valid"},
		{"c.test", "dns: _acme-challenge.c.test does not exist (NXDOMAIN) in DNS"},
		{"d.test", "dns: _acme-challenge.d.test has no TXT records in DNS"},
		{"bogus.test", "dns: No DNS server could answer for _acme-challenge.bogus.test: SERVFAIL. (retryable)"},
		{"refused.test", "dns: No DNS server could answer for _acme-challenge.refused.test: REFUSED. (retryable)"},
		{"loop.test", "dns: The CNAME records of _acme-challenge.loop.test run in a circle"},
	}
	for _, test := range tests {
		wantVerdict(t, look(t, p, lookFor(acme.DNS01, name(test.name))), test.want)
	}
}

// TestDNS01LongName has a name that leaves no room for the label of the challenge (RFC 1035 section 2.3.4).
func TestDNS01LongName(t *testing.T) {
	p, server := proberAt(t, 0, 0)
	most := strings.Repeat(strings.Repeat("a", 62)+".", 3) + strings.Repeat("b", 43) + ".test"
	wantVerdict(t, look(t, p, lookFor(acme.DNS01, name(most))), "dns: _acme-challenge."+most[:184]+"... has no TXT records in DNS. (retryable)")
	if asked := server.Queries(); len(asked) != 1 {
		t.Errorf("asked for %v", asked)
	}
	wantVerdict(t, look(t, p, lookFor(acme.DNS01, name("b"+most))), "dns: _acme-challenge.b"+most[:183]+"... is not a DNS name.")
	if asked := server.Queries(); len(asked) != 1 {
		t.Errorf("asked for %v", asked)
	}
}

func TestDNS01Evidence(t *testing.T) {
	p, server := proberAt(t, 0, 0)
	server.SetTXT("_acme-challenge.a.test", canary)
	attempt := look(t, p, lookFor(acme.DNS01, name("a.test")))
	digest := sha256.Sum256([]byte(canary))
	want := []acme.Lookup{{
		Name: "_acme-challenge.a.test", Type: "TXT", Server: server.Addr(), Result: "NOERROR",
		Answers: []string{"sha256:" + hex.EncodeToString(digest[:4])},
	}}
	if diff := cmp.Diff(want, attempt.Lookups); diff != "" {
		t.Errorf("lookups (-want +got):\n%s", diff)
	}
}
