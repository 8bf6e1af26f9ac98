package perspective_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/perspective"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

func identifier(t testing.TB) ident.Identifier {
	t.Helper()
	id, err := ident.ParseDNS("a.example.com")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func aLook(t testing.TB) policy.Look {
	rules := policy.DefaultRules("default")
	rules.Quorum = policy.Quorum{Perspectives: []string{policy.Here, "east"}, Need: 1}
	return policy.Look{
		Identifier: identifier(t), Method: acme.HTTP01, Token: "token", KeyAuthorization: "token.thumbprint",
		Addresses: policy.Addresses{Private: true, Deny: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, Rules: rules,
	}
}

func anAttempt(t testing.TB) acme.Attempt {
	return acme.Attempt{
		At: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Duration: 12,
		Lookups: []acme.Lookup{{Name: "a.example.com", Type: "A", Server: "127.0.0.1:53", Result: "NOERROR", Answers: []string{"192.0.2.1"}}},
		Hops:    []acme.Hop{{URL: "http://a.example.com/", Address: "192.0.2.1:80", Status: 404}}, Seen: "status 404",
		Failure: &acme.Failure{Kind: string(fault.IncorrectResponse), Public: "It answered 404.", Identifier: identifier(t)}, Retryable: true,
	}
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What one end writes the other reads, whole: a rule that got lost on the way would let a look go where it must not.
func TestNothingIsLostOnTheWay(t *testing.T) {
	t.Parallel()
	comparers := cmp.Options{cmp.AllowUnexported(ident.Identifier{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	look, err := perspective.ParseLook(marshal(t, aLook(t)))
	if diff := cmp.Diff(aLook(t), look, comparers); err != nil || diff != "" {
		t.Errorf("look: %v (-want +got):\n%s", err, diff)
	}
	attempt, err := perspective.ParseAttempt(marshal(t, anAttempt(t)))
	if diff := cmp.Diff(anAttempt(t), attempt, comparers); err != nil || diff != "" {
		t.Errorf("attempt: %v (-want +got):\n%s", err, diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", "{}", `{"Method":"http-01"}`, `{"Identifier":"dns:a.example.com"}`, `{"Identifier":"dns:-","Method":"http-01"}`} {
		if _, err := perspective.ParseLook([]byte(text)); !fault.Is(err, fault.Malformed) {
			t.Errorf("look %s: %v", text, err)
		}
	}
	for _, text := range []string{"", "{}", `{"seen":""}`, `{"seen":"a","seen":"b"}`, `{"seen":"x","at":"yesterday"}`} {
		if _, err := perspective.ParseAttempt([]byte(text)); !fault.Is(err, fault.Malformed) {
			t.Errorf("attempt %s: %v", text, err)
		}
	}
}

func FuzzParseLook(f *testing.F) {
	f.Add(marshal(f, aLook(f)))
	f.Fuzz(func(t *testing.T, text []byte) {
		look, err := perspective.ParseLook(text)
		if err != nil {
			return
		}
		if _, err := perspective.ParseLook(marshal(t, look)); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}

func FuzzParseAttempt(f *testing.F) {
	f.Add(marshal(f, anAttempt(f)))
	f.Fuzz(func(t *testing.T, text []byte) {
		if attempt, err := perspective.ParseAttempt(text); err == nil && attempt.Seen == "" {
			t.Error("an attempt that saw nothing")
		}
	})
}
