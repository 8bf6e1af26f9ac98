package ident_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// longName returns a name of the given length, in labels of at most 63 octets.
func longName(length int) string {
	const end = ".example"
	rest := length - len(end)
	var labels []string
	for rest > 63 {
		labels = append(labels, strings.Repeat("a", 61))
		rest -= 62
	}
	return strings.Join(append(labels, strings.Repeat("b", rest)), ".") + end
}

// TestParseDNSAccepts has O-06 to O-08 from the good side: the value, its canonical spelling, and what it says.
func TestParseDNSAccepts(t *testing.T) {
	tests := []struct {
		in, value, base string
		wildcard        bool
	}{
		{"example.com", "example.com", "example.com", false},
		{"WWW.Example.COM", "www.example.com", "www.example.com", false},
		{"*.example.com", "*.example.com", "example.com", true},
		{"*.EXAMPLE.com", "*.example.com", "example.com", true},
		{"a.b-c.d0.example", "a.b-c.d0.example", "a.b-c.d0.example", false},
		{"localhost", "localhost", "localhost", false},
		{"printer", "printer", "printer", false},
		{"1.example", "1.example", "1.example", false},
		{"3com.example", "3com.example", "3com.example", false},
		{"1.2.3.4a", "1.2.3.4a", "1.2.3.4a", false},
		{"on-ion.example", "on-ion.example", "on-ion.example", false},
		{"onion.example", "onion.example", "onion.example", false},
		{"arpa.example", "arpa.example", "arpa.example", false},
		{"somebody.github.io", "somebody.github.io", "somebody.github.io", false},
		{"github.io", "github.io", "github.io", false}, // a private entry of the list: its owner may have it
		{"*.github.io", "*.github.io", "github.io", true},
		{"www.ck", "www.ck", "www.ck", false}, // the exception to *.ck
		{"example.co.uk", "example.co.uk", "example.co.uk", false},
		{"xn--mnchen-3ya.example", "xn--mnchen-3ya.example", "xn--mnchen-3ya.example", false},
		{"XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example", "xn--mnchen-3ya.example", false},
		{"xn--strae-oqa.example", "xn--strae-oqa.example", "xn--strae-oqa.example", false}, // ß stays ß (IDNA 2008)
		{"xn--4dbrk0ce.example", "xn--4dbrk0ce.example", "xn--4dbrk0ce.example", false},
		{"xn--ls8h.example", "xn--ls8h.example", "xn--ls8h.example", false}, // an emoji; UTS 46 round trip
		{"*.xn--fiqs8s.example", "*.xn--fiqs8s.example", "xn--fiqs8s.example", true},
		{strings.Repeat("a", 63) + ".example", strings.Repeat("a", 63) + ".example", strings.Repeat("a", 63) + ".example", false},
		{longName(253), longName(253), longName(253), false},
		{"*." + longName(251), "*." + longName(251), longName(251), true},
	}
	for _, tt := range tests {
		id, err := ident.Parse("dns", tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if id.Type() != ident.DNS || id.Value() != tt.value || id.String() != tt.value || id.IsZero() {
			t.Errorf("%s: got %s %q", tt.in, id.Type(), id.Value())
		}
		if id.Base().Value() != tt.base || id.IsWildcard() != tt.wildcard || id.Base().IsWildcard() {
			t.Errorf("%s: base %q, wildcard %v", tt.in, id.Base(), id.IsWildcard())
		}
		if want := "*." + tt.base; id.Wildcard().Value() != want || !id.Wildcard().IsWildcard() {
			t.Errorf("%s: wildcard of it %q", tt.in, id.Wildcard())
		}
		if id.Addr().IsValid() {
			t.Errorf("%s: address %v", tt.in, id.Addr())
		}
	}
}

const (
	character = "has a character other than letters, digits and hyphen; write international names as A-labels (xn--)"
	hyphen    = "has a label that begins or ends with a hyphen"
	notALabel = "has a label that is not a well-formed A-label"
	suffix    = "is a public suffix, which belongs to a registry"
	address   = `is an IP address; use the identifier type "ip"`
	numeric   = "ends in an all-numeric label"
)

// TestParseDNSRefuses has O-06 to O-08 and INCIDENTS 91.
// Proves INC-91.
func TestParseDNSRefuses(t *testing.T) {
	tests := []struct{ name, in, reason string }{
		{"empty", "", "is empty"},
		{"O-06 trailing dot", "example.com.", "ends in a dot"},
		{"O-06 dot", ".", "ends in a dot"},
		{"O-06 empty label", "a..example.com", "has an empty label"},
		{"O-06 leading dot", ".example.com", "has an empty label"},
		{"O-06 label of 64", strings.Repeat("a", 64) + ".example", "has a label longer than 63 octets"},
		{"O-06 name of 254", longName(254), "is longer than 253 octets"},
		{"O-06 wildcard name of 254", "*." + longName(252), "is longer than 253 octets"},
		{"O-06 leading hyphen", "-a.example.com", hyphen},
		{"O-06 trailing hyphen", "a-.example.com", hyphen},
		{"O-06 only a hyphen", "-.example.com", hyphen},
		{"O-06 underscore", "_acme-challenge.example.com", character},
		{"O-06 underscore within", "a_b.example.com", character},
		{"O-06 IPv4", "192.0.2.1", address},
		{"O-06 IPv6", "2001:db8::1", address},
		{"O-06 IPv6 with zone", "fe80::1%eth0", address},
		{"O-06 IPv6 in brackets", "[2001:db8::1]", character},
		{"O-06 all-numeric top", "example.123", numeric},
		{"O-06 only digits", "123", numeric},
		{"O-06 IPv4 cut short", "192.0.2", numeric},
		{"O-06 IPv4 in decimal", "3221225985", numeric},
		{"O-06 IPv4 in octal", "0300.0.02.01", numeric},
		{"O-06 onion", "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion", "is an onion service; these need RFC 9799, which is not offered"},
		{"O-06 onion in capitals", "A.ONION", "is an onion service; these need RFC 9799, which is not offered"},
		{"O-06 arpa", "1.2.0.192.in-addr.arpa", "is in the reverse and infrastructure zone .arpa"},
		{"O-06 arpa alone", "arpa", "is in the reverse and infrastructure zone .arpa"},
		{"O-06 public suffix", "com", suffix},
		{"O-06 public suffix of two labels", "co.uk", suffix},
		{"O-06 public suffix in capitals", "CO.UK", suffix},
		{"O-06 public suffix by a wildcard rule", "anything.ck", suffix},
		{"O-06 international public suffix", "xn--p1ai", suffix},
		{"O-06 U-label", "münchen.example", character},
		{"O-06 space", "a b.example", character},
		{"O-06 NUL", "a.example\x00.evil.example", character},
		{"O-06 line break", "a.example\n", character},
		{"O-06 slash", "a.example/x", character},
		{"O-06 port", "a.example:443", character},
		{"O-06 user", "me@a.example", character},
		{"O-06 not UTF-8", "a\xff.example", character},
		{"kelvin sign folds to k", "\u212A.example", character},
		{"full stop of another script", "a\u3002example", character},
		{"full-width letters", "ｅxample.com", character},
		{"soft hyphen", "exam\u00ADple.com", character},
		{"O-07 nothing behind xn--", "xn--.example", hyphen},
		{"O-07 ASCII in disguise (CVE-2026-39821)", "xn--example-.com", hyphen},
		{"O-07 ASCII in disguise, capitals", "XN--EXAMPLE-.COM", hyphen},
		{"O-07 ASCII in disguise, inner label", "www.xn--paypal-.com", hyphen},
		{"O-07 no Punycode", "xn--a.example", notALabel},
		{"O-07 Punycode that overflows", "xn--99999999.example", notALabel},
		{"O-07 U-label with a capital letter", "xn--mnchen-psa.example", notALabel},
		{"O-07 U-label not composed", "xn--munchen-gie.example", notALabel},
		{"O-07 full-width letter", "xn--bc-bz3n.example", notALabel},
		{"O-07 full stop of another script", "xn--abcd-sw3c.example", notALabel},
		{"O-07 kelvin sign", "xn--62g.example", notALabel},
		{"O-07 zero-width joiner", "xn--ab-m1t.example", notALabel},
		{"O-07 two directions of writing", "xn--a-0hc.example", notALabel},
		{"O-07 begins with a combining mark", "xn--a-wbb.example", notALabel},
		{"O-07 xn-- within xn--", "xn--xn--a-ova.example", notALabel},
		{"O-07 reserved label", "ab--cd.example", notALabel},
		{"O-07 reserved label that looks like it", "xm--mnchen-3ya.example", notALabel},
		{"O-08 two wildcards", "*.*.example.com", character},
		{"O-08 wildcard within", "a.*.example.com", character},
		{"O-08 partial label", "*a.example.com", character},
		{"O-08 partial label behind", "a*.example.com", character},
		{"O-08 no dot", "*example.com", character},
		{"O-08 double star", "**.example.com", character},
		{"O-08 star alone", "*", character},
		{"O-08 star and dot", "*.", "is empty"},
		{"O-08 wildcard at the end", "example.*", character},
		{"O-08 wildcard of a public suffix", "*.com", suffix},
		{"O-08 wildcard of a public suffix of two labels", "*.co.uk", suffix},
		{"O-08 wildcard of a top-level domain", "*.localhost", "would cover a whole top-level domain"},
		{"O-08 wildcard of an address", "*.192.0.2.1", address},
		{"O-08 wildcard of an empty label", "*..example.com", "has an empty label"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, err := ident.Parse("dns", tt.in)
			checkRefused(t, id, err, ident.ErrValue)
			if got := ident.Reason(err); got != tt.reason {
				t.Errorf("%q: got %q, want %q", tt.in, got, tt.reason)
			}
		})
	}
}

// TestParseIPAccepts and TestParseIPRefuses have IP-01: one spelling for each address.
func TestParseIPAccepts(t *testing.T) {
	for _, in := range []string{
		"192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1",
		"64:ff9b::c000:201", "fe80::1",
	} {
		id, err := ident.Parse("ip", in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if id.Type() != ident.IP || id.Value() != in || id.Addr() != netip.MustParseAddr(in) {
			t.Errorf("%s: got %s %q %v", in, id.Type(), id.Value(), id.Addr())
		}
		if id.IsWildcard() || id.Base() != id || id.Wildcard() != id || id != ident.FromAddr(id.Addr()) {
			t.Errorf("%s: base %q, wildcard %q", in, id.Base(), id.Wildcard())
		}
	}
}

func TestParseIPRefuses(t *testing.T) {
	for _, in := range []string{
		"", "example.com", "192.0.2", "192.0.2.01", "192.0.2.256", "192.0.2.1.", " 192.0.2.1", "192.0.2.1\n", "192.0.2.1/32",
		"192.0.2.1:80", "0xc0000201", "3221225985", "::ffff:1.2.3.4", "::ffff:102:304", "64:ff9b::192.0.2.1", "2001:DB8::1",
		"2001:0db8::1", "2001:db8:0:0:0:0:0:1", "2001:db8::0:1", "2001::1:1:0:0:0:1", "fe80::1%eth0", "[2001:db8::1]",
		"2001:db8::/32", "*.192.0.2.1", "１92.0.2.1",
	} {
		id, err := ident.Parse("ip", in)
		checkRefused(t, id, err, ident.ErrValue)
		if got := ident.Reason(err); got != "is not an IP address in canonical form" {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

func TestParseTypes(t *testing.T) {
	for _, kind := range []string{"", "DNS", "Dns", "dns ", "IP", "email", "uri", strings.Repeat("x", 1<<16)} {
		id, err := ident.Parse(kind, "example.com")
		checkRefused(t, id, err, ident.ErrType)
		if ident.Reason(err) != "" {
			t.Errorf("%q: reason %q", kind, ident.Reason(err))
		}
	}
}

// checkRefused demands the zero identifier, exactly one of the two errors, and a text of bounded length.
func checkRefused(t *testing.T, id ident.Identifier, err, want error) {
	t.Helper()
	if !id.IsZero() || !errors.Is(err, want) || errors.Is(err, ident.ErrType) == errors.Is(err, ident.ErrValue) {
		t.Fatalf("got %v, %v; want %v", id, err, want)
	}
	if len(err.Error()) > 4000 {
		t.Errorf("an error of %d octets", len(err.Error()))
	}
}

// TestErrorsAreBounded: what a stranger sends is not repeated at length.
func TestErrorsAreBounded(t *testing.T) {
	for _, kind := range []string{"dns", "ip", strings.Repeat("\x01", 1<<20)} {
		id, err := ident.Parse(kind, strings.Repeat("\x01", 1<<20))
		if !id.IsZero() || err == nil || len(err.Error()) > 4000 {
			t.Errorf("got %v and an error of %d octets", id, len(err.Error()))
		}
	}
}

func TestFromAddr(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:DB8:0::1": "2001:db8::1", "fe80::1%eth0": "fe80::1",
	} {
		id := ident.FromAddr(netip.MustParseAddr(in))
		if again, err := ident.ParseIP(id.Value()); err != nil || id.Value() != want || again != id {
			t.Errorf("%s: got %q, %v", in, id, err)
		}
	}
	if id := ident.FromAddr(netip.Addr{}); !id.IsZero() {
		t.Errorf("zero address: got %q", id)
	}
}

// TestSet has O-06: duplicates collapse after case is folded; a wildcard and its base stay two (O-08).
func TestSet(t *testing.T) {
	var ids []ident.Identifier
	for _, name := range []string{"b.example", "B.EXAMPLE", "*.b.example", "a.example", "a.example"} {
		id, err := ident.ParseDNS(name)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	ids = append(ids, ident.FromAddr(netip.MustParseAddr("::1")), ident.FromAddr(netip.MustParseAddr("::1")))
	var got []string
	for _, id := range ident.Set(ids) {
		got = append(got, string(id.Type())+":"+id.Value())
	}
	if want := []string{"dns:*.b.example", "dns:a.example", "dns:b.example", "ip:::1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(ident.Set(nil)) != 0 {
		t.Error("an empty set has members")
	}
}

func TestTextForm(t *testing.T) {
	for _, value := range []string{"dns:example.com", "dns:*.example.com", "ip:192.0.2.1", "ip:2001:db8::1", ""} {
		var id ident.Identifier
		if err := id.UnmarshalText([]byte(value)); err != nil {
			t.Fatal(err)
		}
		text, err := id.MarshalText()
		if err != nil || string(text) != value {
			t.Errorf("%q: got %q, %v", value, text, err)
		}
		if id.IsZero() != (value == "") {
			t.Errorf("%q: got %q", value, id)
		}
	}
	for _, value := range []string{"example.com", "dns:", "ip:", "email:a", ":a", "DNS:a"} {
		var id ident.Identifier
		if err := id.UnmarshalText([]byte(value)); !errors.Is(err, ident.ErrValue) || !id.IsZero() {
			t.Errorf("%q: got %q, %v", value, id, err)
		}
	}
	var damaged ident.Identifier
	if err := damaged.UnmarshalText([]byte("ip:nonsense")); err != nil || damaged.Addr().IsValid() {
		t.Errorf("got %v, %v", damaged.Addr(), err)
	}
}

// FuzzParse: what is accepted has a canonical spelling that parses to the same, in any case; nothing else equals it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"example.com", "*.Example.com", "xn--mnchen-3ya.example", "xn--example-.com", "\u212A.example", "192.0.2.1", "::ffff:1.2.3.4",
		"2001:db8::1", "co.uk", "*.*.a", "a..b", "a_b", strings.Repeat("a.", 130), "xn--ls8h.example", "fe80::1%eth0",
	} {
		f.Add("dns", seed)
		f.Add("ip", seed)
	}
	f.Fuzz(func(t *testing.T, kind, value string) {
		id, err := ident.Parse(kind, value)
		if err != nil {
			want := ident.ErrValue
			if kind != "dns" && kind != "ip" {
				want = ident.ErrType
			}
			checkRefused(t, id, err, want)
			return
		}
		canonical := id.Value()
		if !strings.EqualFold(canonical, value) || canonical != strings.ToLower(canonical) || len(canonical) > 253 {
			t.Errorf("%q became %q", value, canonical)
		}
		for _, spelling := range []string{canonical, strings.ToLower(value)} {
			if again, err := ident.Parse(kind, spelling); err != nil || again != id {
				t.Errorf("%q: read again as %q, %v", value, again, err)
			}
		}
		if strings.ContainsFunc(canonical, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("accepted %q", value)
		}
		var stored ident.Identifier
		if text, err := id.MarshalText(); err != nil || stored.UnmarshalText(text) != nil || stored != id {
			t.Errorf("%q: stored as %q, %v", value, text, err)
		}
		if base := id.Base(); base.IsWildcard() || id.IsWildcard() && base.Wildcard() != id {
			t.Errorf("%q: base %q", value, base)
		}
	})
}

// TestBelow: whole labels are compared.
//
// Proves SD-03, INC-86.
func TestBelow(t *testing.T) {
	stored := func(text string) (id ident.Identifier) {
		if err := id.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return id
	}
	dns := func(name string) ident.Identifier { return stored("dns:" + name) }
	for _, test := range []struct {
		name, ancestor ident.Identifier
		want           bool
	}{
		{dns("www.example.org"), dns("example.org"), true},
		{dns("a.b.example.org"), dns("example.org"), true},
		{dns("*.example.org"), dns("example.org"), true},
		{dns("*.www.example.org"), dns("example.org"), true},
		{dns("example.org"), dns("org"), true},
		{dns("example.org"), dns("example.org"), false},
		{dns("badexample.org"), dns("example.org"), false},
		{dns("*.badexample.org"), dns("example.org"), false},
		{dns("example.org"), dns("www.example.org"), false},
		{dns("www.example.org"), dns("*.example.org"), false},
		{stored("ip:192.0.2.1"), stored("ip:0.2.1"), false},
		{ident.Identifier{}, ident.Identifier{}, false},
	} {
		if got := test.name.Below(test.ancestor); got != test.want {
			t.Errorf("%s is below %s: %t", test.name, test.ancestor, got)
		}
		if got := slices.Contains(test.name.Above(), test.ancestor); got != test.want {
			t.Errorf("%s is above %s: %t", test.ancestor, test.name, got)
		}
	}
	if got := fmt.Sprint(dns("*.a.example.org").Above()); got != "[a.example.org example.org org]" {
		t.Error(got)
	}
}
