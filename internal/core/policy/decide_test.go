package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

func name(t *testing.T, text string) ident.Identifier {
	t.Helper()
	kind := "dns"
	if strings.Contains(text, ":") || strings.Trim(text, "0123456789.") == "" {
		kind = "ip"
	}
	id, err := ident.Parse(kind, text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Proves INC-28, INC-86.
func TestPattern(t *testing.T) {
	for _, c := range []struct {
		rule, name string
		want       bool
	}{
		{"*", "example.com", true},
		{"*", "192.0.2.1", true},
		{"example.com", "example.com", true},
		{"EXAMPLE.com", "example.com", true},
		{"example.com", "www.example.com", false},
		{"example.com", "*.example.com", false},
		{"*.example.com", "*.example.com", true},
		{"*.example.com", "www.example.com", false},
		{".example.com", "www.example.com", true},
		{".example.com", "a.b.example.com", true},
		{".example.com", "*.www.example.com", true},
		{".example.com", "*.example.com", true},
		{".example.com", "example.com", false},
		{".example.com", "badexample.com", false},
		{".2.1", "192.0.2.1", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"2001:db8::1", "2001:db8::1", true},
	} {
		if got := Pattern(c.rule, name(t, c.name)); got != c.want {
			t.Errorf("rule %q covers %q: %t", c.rule, c.name, got)
		}
	}
}

// Proves O-09, H-11, TA-05, IP-02.
func TestWildcardsAndAddressesGetOnlyTheMethodsThatFit(t *testing.T) {
	rules := DefaultRules("default")
	for text, want := range map[string][]acme.Method{
		"example.com":   {acme.HTTP01, acme.DNS01, acme.TLSALPN01},
		"*.example.com": {acme.DNS01},
		"192.0.2.1":     {acme.HTTP01, acme.TLSALPN01},
	} {
		if got := rules.MethodsFor(name(t, text)); !slices.Equal(got, want) {
			t.Errorf("%s: %v", text, got)
		}
	}
	rules.Methods = []acme.Method{acme.HTTP01}
	if got := rules.MethodsFor(name(t, "*.example.com")); len(got) != 0 {
		t.Errorf("a wildcard is offered %v", got)
	}
}

func TestJudgeNamesEachRefusedIdentifier(t *testing.T) {
	rules := DefaultRules("default")
	rules.Names, rules.Methods = []string{".example.com", "192.0.2.1"}, []acme.Method{acme.HTTP01}
	err := rules.Judge([]ident.Identifier{name(t, "www.example.com"), name(t, "other.org"), name(t, "*.example.com")})
	refused, ok := err.(*fault.Error) //nolint:errorlint // Judge returns it bare
	if !ok || refused.Kind != fault.RejectedIdentifier || len(refused.Subs) != 2 {
		t.Fatalf("%#v", err)
	}
	if refused.Subs[0].Identifier.Value() != "other.org" || refused.Subs[1].Identifier.Value() != "*.example.com" {
		t.Errorf("%+v", refused.Subs)
	}
	if err := rules.Judge([]ident.Identifier{name(t, "www.example.com"), name(t, "192.0.2.1")}); err != nil {
		t.Error(err)
	}
}

func TestJudgeBoundsTheNumberOfIdentifiers(t *testing.T) {
	rules := DefaultRules("default")
	rules.MaxIdentifiers = 1
	if err := rules.Judge(nil); !fault.Is(err, fault.Malformed) {
		t.Errorf("none: %v", err)
	}
	if err := rules.Judge([]ident.Identifier{name(t, "a.example"), name(t, "b.example")}); !fault.Is(err, fault.RejectedIdentifier) {
		t.Errorf("two: %v", err)
	}
}

func TestProfile(t *testing.T) {
	rules := DefaultRules("default", "shortlived")
	for asked, want := range map[string]string{"": "default", "default": "default", "shortlived": "shortlived"} {
		if got, err := rules.Profile(asked); got != want || err != nil {
			t.Errorf("%q: %q, %v", asked, got, err)
		}
	}
	if _, err := rules.Profile("other"); !fault.Is(err, fault.InvalidProfile) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := DefaultRules().Profile(""); !fault.Is(err, fault.InvalidProfile) {
		t.Errorf("none on offer: %v", err)
	}
}

func TestCredentialIsLive(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		what string
		c    Credential
		want bool
	}{
		{"plain", Credential{}, true},
		{"suspended", Credential{Suspended: now.Add(-time.Hour)}, false},
		{"expires later", Credential{Terms: Terms{Expires: now.Add(time.Second)}}, true},
		{"expires now", Credential{Terms: Terms{Expires: now}}, false},
	} {
		if got, reason := c.c.Usable(now); got != c.want || (reason == "") != c.want {
			t.Errorf("%s: %t, %q", c.what, got, reason)
		}
	}
}
