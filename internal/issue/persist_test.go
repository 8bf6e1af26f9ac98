package issue_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// granting answers every look with a record that ends at until.
func granting(until time.Time) func(context.Context, policy.Look) acme.Outcome {
	return func(context.Context, policy.Look) acme.Outcome {
		return acme.Outcome{Attempts: []acme.Attempt{{Grant: &persist.Grant{AccountURI: "its", Until: until}}}}
	}
}

// persistent is the rules of a connector that accepts records of a form, and proofs for 30 days.
func persistent(d persist.Draft, most span.Span) func(*policy.Rules) {
	return func(r *policy.Rules) {
		r.Methods, r.ReuseLife = []acme.Method{acme.DNSPersist01}, 30*span.Day
		r.Persist = policy.Persist{Draft: d, Issuers: []string{"ca.test"}, ReuseLife: most}
	}
}

// TestPersistentProofEnds: with its record, and after 10 days at the latest.
// Proves DP-07, DP-09.
func TestPersistentProofEnds(t *testing.T) {
	hour := time.Hour
	for name, test := range map[string]struct {
		most span.Span
		ends time.Duration // of the record; 0: never
		want time.Duration
	}{
		"no end":                 {0, 0, 240 * hour},
		"a shorter rule":         {span.Day, 0, 24 * hour},
		"the record ends before": {0, 7 * hour, 7 * hour},
		"the record ends after":  {0, 9999 * hour, 240 * hour},
	} {
		t.Run(name, func(t *testing.T) {
			h := known(t, persistent(persist.Draft02, test.most))
			r, now, until := h.requester(), h.Clock.Now(), time.Time{}
			if test.ends > 0 {
				until = now.Add(test.ends)
			}
			h.Validator.Decide(granting(until))
			a, err := h.proven(r, acme.DNSPersist01, false)
			check(t, err)
			if a.Status != acme.Valid || !a.Expires.Equal(now.Add(test.want)) {
				t.Errorf("%s until %v, want %v", a.Status, a.Expires, now.Add(test.want))
			}
			h.Validator.Decide(failed) // the record is gone
			if got := h.orderStatus(r, "example.org"); got != acme.Ready {
				t.Errorf("an order is %s though the proof still counts", got)
			}
			h.Clock.Advance(test.want)
			if got := h.orderStatus(r, "example.org"); got != acme.Pending {
				t.Errorf("an order is %s though the proof ended", got)
			}
		})
	}
}

func failed(context.Context, policy.Look) acme.Outcome {
	return acme.Outcome{Failure: &acme.Failure{Kind: string(fault.DNS), Public: "There is nothing."}}
}

// TestPersistentProofByForm: by draft-01 it counts for the order alone for which it was made.
// Proves DP-02, DP-07.
func TestPersistentProofByForm(t *testing.T) {
	for draft, want := range map[persist.Draft]acme.Status{persist.Draft01: acme.Pending, persist.Draft02: acme.Ready} {
		h := known(t, persistent(draft, 0))
		r := h.requester()
		h.ready(r, dns("example.org"))
		if got := h.orderStatus(r, "example.org"); got != want {
			t.Errorf("%s: a later order is %s, want %s", draft, got, want)
		}
	}
}

// TestPersistentChallenge: it has no token, proves by no key authorization, and is offered as the rules of now say.
// Proves DP-02.
func TestPersistentChallenge(t *testing.T) {
	h := known(t, persistent(persist.Draft02, 0))
	r := h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("example.org"))
	check(t, err)
	offered := order.Parts[0].Challenges
	if len(offered) != 1 || offered[0].Token != "" || offered[0].Persist.Draft != persist.Draft02 || !slices.Equal(offered[0].Persist.Issuers, []string{"ca.test"}) {
		t.Fatalf("%+v", offered)
	}
	h.setRules(func(r *policy.Rules) { r.Persist.Draft = persist.Draft01 })
	r.Connector = h.connector
	_, err = h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.DNSPersist01)
	wantKind(t, err, fault.Unauthorized)
	h.setRules(func(r *policy.Rules) { r.Persist.Draft = persist.Draft02 })
	r.Connector = h.connector
	a, err := h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.DNSPersist01)
	check(t, err)
	if a.Status != acme.Valid || a.Challenges[0].KeyAuthorization != "" {
		t.Errorf("%s, %+v", a.Status, a.Challenges[0])
	}
}

// TestAccountInDNS: looks know the account by its URL and by every key that it had, and an account that has ended proves
// nothing more, also by what was answered before.
// Proves DP-04, DA-02.
func TestAccountInDNS(t *testing.T) {
	h := known(t, persistent(persist.Draft02, 0))
	r := h.requester()
	first := r.Account.Key.Thumbprint()
	changed, err := h.issue.ChangeKey(t.Context(), r, publicKey(t, newKey(t)))
	check(t, err)
	r.Account = changed
	_, err = h.proven(r, acme.DNSPersist01, false)
	check(t, err)
	got, url := h.Validator.Looks()[0].Account, accountURL(h.connector, r.Account.ID)
	if got.URL != url || !strings.HasPrefix(url, got.HashPrefix) || !slices.Equal(got.Thumbprints, []string{changed.Key.Thumbprint(), first}) {
		t.Errorf("%+v", got)
	}

	order, err := h.issue.NewOrder(t.Context(), r, dns("b.example.org"))
	check(t, err)
	_, err = h.issue.DeactivateAccount(t.Context(), r)
	check(t, err)
	a, err := h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.DNSPersist01) // it was admitted just before
	check(t, err)
	if c, _ := a.Challenge(acme.DNSPersist01); c.Failure == nil || fault.Kind(c.Failure.Kind) != fault.Unauthorized || len(h.Validator.Looks()) != 1 {
		t.Errorf("%s after %d looks: %+v", a.Status, len(h.Validator.Looks()), c.Failure)
	}
}

// TestNoExternalURL: what names the account by its URL is not on offer, and an order that nothing else could prove is
// refused with the reason.
// Proves DA-02.
func TestNoExternalURL(t *testing.T) {
	h := newHouse(t)
	h.setRules(everyMethod)
	r := h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("*.example.org"))
	check(t, err)
	if got := order.Parts[0].Challenges; len(got) != 1 || got[0].Method != acme.DNS01 {
		t.Errorf("%+v", got)
	}
	h.setRules(func(r *policy.Rules) { r.Methods = []acme.Method{acme.DNSAccount01, acme.DNSPersist01} })
	r.Connector = h.connector
	_, err = h.issue.NewOrder(t.Context(), r, dns("example.org"))
	wantKind(t, err, fault.RejectedIdentifier)
	if !strings.Contains(fault.Sentence(err), "external URL") {
		t.Errorf("it says %q", fault.Sentence(err))
	}
}

// TestValidationProvesWhatWasAsked: after a look the account holds exactly that identifier, proven by that method, in the
// manner asked for, and nobody else holds anything.
// Proves INC-23.
func TestValidationProvesWhatWasAsked(t *testing.T) {
	for _, subdomains := range []bool{false, true} {
		for _, m := range acme.Methods() {
			if subdomains && !m.InDNS() {
				continue
			}
			h := known(t, everyMethod)
			r, stranger := h.requester(), h.requester()
			a, err := h.proven(r, m, subdomains)
			check(t, err)
			for _, name := range []string{"example.org", "*.example.org", "www.example.org", "org", "example.com", "badexample.org"} {
				for _, who := range []issue.Requester{r, stranger} {
					held, err := h.Store.Reusable(t.Context(), who.Account.ID, names(t, name), h.Clock.Now(), h.Clock.Now())
					check(t, err)
					if want := name == "example.org" && who.Account.ID == r.Account.ID; len(held) > 0 != want {
						t.Errorf("%s: %d authorizations for %s", m, len(held), name)
					}
				}
			}
			stored, err := h.Store.Authorization(t.Context(), a.ID)
			check(t, err)
			for _, c := range stored.Challenges {
				if (c.Status() == acme.Valid) != (c.Method == m) || stored.Subdomains != subdomains {
					t.Errorf("%s: %s is %s, names below %t", m, c.Method, c.Status(), stored.Subdomains)
				}
			}
		}
	}
}
