package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// TestEvidence says each sentence once: the order's, the challenge's and the attempts' failure are often the same.
func TestEvidence(t *testing.T) {
	at, err := ident.ParseDNS("a.example")
	if err != nil {
		t.Fatal(err)
	}
	fail := func(kind, public string) *acme.Failure {
		return &acme.Failure{Kind: kind, Public: public, Identifier: at}
	}
	attempt := func(seen string, f *acme.Failure) adminapi.Attempt {
		return adminapi.Attempt{At: noon, Duration: 7, Seen: seen, Failure: f, Retryable: f != nil && f.Kind == "dns"}
	}
	invalid := func(name string, f *acme.Failure, attempts ...adminapi.Attempt) adminapi.Authorization {
		return adminapi.Authorization{ID: "z", Name: name, Status: "invalid", Challenges: []adminapi.Challenge{
			{Method: "dns-01", Status: "invalid", Failure: f, Attempts: attempts},
		}}
	}
	gone, wrong, away := fail("dns", "It is not there."), fail("incorrect response", "It is another."), fail("incorrect response", "It is elsewhere.")
	led := attempt("c.example is private.", away)
	led.Lookups = []acme.Lookup{{Name: "c.example", Type: "A", Server: "192.0.2.53:53", Result: "NOERROR", Answers: []string{"10.0.0.5"}}, {Result: "and 3 more questions"}}
	led.Hops = []acme.Hop{{URL: "http://a.example/t", Address: "192.0.2.1:80", Status: 302}, {URL: "http://c.example/", Error: "no address to connect to"}}
	tests := []struct {
		name  string
		order adminapi.Order
		want  []string
	}{
		{
			"the challenge says what its attempts saw",
			adminapi.Order{Authorizations: []adminapi.Authorization{invalid("a.example", wrong, attempt("It is another.", wrong))}},
			[]string{"a.example: invalid, authorization z", "  dns-01: invalid", "    It is another. [incorrect response]", "    attempt 1 at 2026-11-23T12:00:00Z, 7 ms"},
		},
		{
			"the order says it",
			adminapi.Order{
				Failure:        &acme.Failure{Kind: "unauthorized", Public: "No proof.", Subs: []acme.Failure{*wrong}},
				Authorizations: []adminapi.Authorization{invalid("a.example", wrong, attempt("It is another.", wrong))},
			},
			[]string{"a.example: invalid, authorization z", "  dns-01: invalid", "    attempt 1 at 2026-11-23T12:00:00Z, 7 ms"},
		},
		{
			"each name says it",
			adminapi.Order{Authorizations: []adminapi.Authorization{invalid("a.example", wrong), invalid("*.a.example", wrong)}},
			[]string{
				"a.example: invalid, authorization z", "  dns-01: invalid", "    It is another. [incorrect response]", "",
				"*.a.example: invalid, authorization z", "  dns-01: invalid", "    It is another. [incorrect response]",
			},
		},
		{
			"attempts that end otherwise, and alike",
			adminapi.Order{Authorizations: []adminapi.Authorization{
				invalid("a.example", wrong, attempt("It is not there.", gone), attempt("It is not there.", gone), attempt("It is another.", wrong)),
			}},
			[]string{
				"a.example: invalid, authorization z", "  dns-01: invalid", "    It is another. [incorrect response]",
				"    attempt 1 at 2026-11-23T12:00:00Z, 7 ms, temporary", "      It is not there. [dns]",
				"    attempt 2 at 2026-11-23T12:00:00Z, 7 ms, temporary: the same as attempt 1",
				"    attempt 3 at 2026-11-23T12:00:00Z, 7 ms",
			},
		},
		{
			"what the client is not told",
			adminapi.Order{Authorizations: []adminapi.Authorization{invalid("a.example", away, led)}},
			[]string{
				"a.example: invalid, authorization z", "  dns-01: invalid", "    It is elsewhere. [incorrect response]",
				"    attempt 1 at 2026-11-23T12:00:00Z, 7 ms", "      c.example is private.",
				"      DNS A c.example from 192.0.2.53:53: NOERROR 10.0.0.5", "      DNS: and 3 more questions",
				"      http://a.example/t at 192.0.2.1:80: 302", "      http://c.example/: no address to connect to",
			},
		},
	}
	looked := attempt("The CAA records of example do not let this CA issue.", nil)
	looked.Failure = fail("caa", looked.Seen)
	looked.Reports = []string{"mailto:security@example", "https://example/report"}
	looked.Lookups = []acme.Lookup{{Name: "a.example", Type: "CAA", Server: "192.0.2.53:53", Result: "NOERROR", Authenticated: true}, {Name: "example", Type: "CAA", Result: "NOERROR", Answers: []string{"0 issue other.example"}}}
	tests = append(tests, struct {
		name  string
		order adminapi.Order
		want  []string
	}{
		"what CAA records said before the signature",
		adminapi.Order{CAA: []adminapi.Check{
			{Name: "*.example", Method: "dns-01", Attempts: []adminapi.Attempt{attempt("There are no CAA records for example.", nil)}},
			{Name: "a.example", Failure: looked.Failure, Attempts: []adminapi.Attempt{looked}},
		}},
		[]string{
			"*.example: CAA records let this CA issue, control proven by dns-01",
			"    attempt 1 at 2026-11-23T12:00:00Z, 7 ms", "      There are no CAA records for example.", "",
			"a.example: CAA records refuse, control proven by nothing", "  The CAA records of example do not let this CA issue. [caa]",
			"    attempt 1 at 2026-11-23T12:00:00Z, 7 ms",
			"      the owner wants to hear of it (iodef): mailto:security@example, https://example/report",
			"      DNS CAA a.example from 192.0.2.53:53: NOERROR (authenticated)", "      DNS CAA example: NOERROR 0 issue other.example",
		},
	})
	c := &command{now: func() time.Time { return noon }}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got strings.Builder
			if err := c.writeEvidence(&got, test.order); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("\n"+strings.Join(test.want, "\n")+"\n", got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
