package va

import (
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
)

// TestDiscord: perspectives that see different accounts in records agree about nothing.
// Proves DP-07.
func TestDiscord(t *testing.T) {
	saw := func(uris ...string) (attempts []acme.Attempt) {
		for _, uri := range uris {
			a := acme.Attempt{}
			if uri != "" {
				a.Grant = &persist.Grant{AccountURI: uri}
			}
			attempts = append(attempts, a)
		}
		return attempts
	}
	for want, cases := range map[bool][][]acme.Attempt{
		false: {nil, saw(""), saw("a"), saw("a", "a"), saw("a", "", "a")},
		true:  {saw("a", "b"), saw("a", "a", "b"), saw("", "a", "", "b")},
	} {
		for _, attempts := range cases {
			if got := discord(attempts) != nil; got != want {
				t.Errorf("%+v: refused %t", attempts, got)
			}
		}
	}
}
