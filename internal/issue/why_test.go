package issue_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// against returns the rules that object, as "by rule".
func against(a issue.Answer) []string {
	var rules []string
	for _, o := range a.Objections {
		rules = append(rules, o.By+" "+o.Rule)
	}
	return rules
}

func (h *house) why(q issue.Question) issue.Answer {
	h.t.Helper()
	if q.Connector == "" && q.Order == "" {
		q.Connector = "default"
	}
	a, err := h.issue.Why(h.t.Context(), q)
	check(h.t, err)
	return a
}

// What is told beforehand is what happens.
func TestWhyNamesTheRule(t *testing.T) {
	h := newHouse(t)
	set := func(change func(*policy.Rules)) {
		t.Helper()
		_, err := h.manage.SetRules(t.Context(), "admin:test", "default", func(r *policy.Rules) error {
			*r = policy.DefaultRules("default")
			change(r)
			return nil
		})
		check(t, err)
	}
	blocked := newKey(t)
	h.prove(blocked, h.issued(h.requester(), blocked, "old.example.com").Certificate.DER)
	account := newKey(t)
	h.requesterWith(account)
	name := []string{"a.example.com"}
	for _, test := range []struct {
		about string
		rules func(*policy.Rules)
		ask   issue.Question
		want  []string
	}{
		{"nothing", func(*policy.Rules) {}, issue.Question{Names: name}, nil},
		{"names", func(r *policy.Rules) { r.Names = []string{".example.org"} }, issue.Question{Names: name}, []string{"connector names"}},
		{"methods", func(r *policy.Rules) { r.Methods = []acme.Method{acme.HTTP01} }, issue.Question{Names: []string{"*.example.com"}}, []string{"connector methods"}},
		{"how many", func(r *policy.Rules) { r.MaxIdentifiers = 1 }, issue.Question{Names: []string{"a.example.com", "b.example.com"}}, []string{"connector max_identifiers"}},
		{"the profile", func(*policy.Rules) {}, issue.Question{Names: name, Profile: "gold"}, []string{"connector profiles"}},
		{"two at once", func(r *policy.Rules) { r.Names = []string{".example.org"} }, issue.Question{Names: name, Profile: "gold"}, []string{"connector names", "connector profiles"}},
		{"a sound request", func(*policy.Rules) {}, issue.Question{Request: request(t, newKey(t), name...)}, nil},
		{"a request for another name", func(*policy.Rules) {}, issue.Question{Names: name, Request: request(t, newKey(t), "b.example.com")}, []string{"request csr"}},
		{"a blocked key", func(*policy.Rules) {}, issue.Question{Request: request(t, blocked, name...)}, []string{"request csr"}},
		{"the key of an account", func(*policy.Rules) {}, issue.Question{Request: request(t, account, name...)}, []string{"request csr"}},
	} {
		set(test.rules)
		if got := against(h.why(test.ask)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.about, got, test.want)
		}
	}
	set(func(*policy.Rules) {})
	h.Clock.Advance(-time.Hour)
	if got := against(h.why(issue.Question{Names: name})); !slices.Equal(got, []string{"installation clock"}) {
		t.Errorf("a clock that is behind: %v", got)
	}
}

// An answer leaves nothing behind.
func TestWhyChangesNothing(t *testing.T) {
	h := newHouse(t)
	before, err := h.Store.Events(t.Context(), "", "", 1000)
	check(t, err)
	h.why(issue.Question{Names: []string{"a.example.com"}, Request: request(t, newKey(t), "a.example.com")})
	after, err := h.Store.Events(t.Context(), "", "", 1000)
	check(t, err)
	intents, err := h.Store.Intents(t.Context(), h.Clock.Now().Add(time.Hour), "", 10)
	check(t, err)
	found, err := h.Store.FindCertificates(t.Context(), pki.Filter{})
	check(t, err)
	if !slices.Equal(before, after) || len(intents) != 0 || len(found) != 0 {
		t.Errorf("%d events more, %d intents, %d certificates", len(after)-len(before), len(intents), len(found))
	}
}

func TestWhyAnOrderIsNotIssued(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	pending, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	answer := h.why(issue.Question{Order: pending.ID})
	if !answer.Would() || len(answer.Needs) != 1 || len(answer.Needs[0].Methods) == 0 {
		t.Errorf("pending: %+v", answer)
	}
	ready := h.ready(r, dns("b.example.com"))
	answer = h.why(issue.Question{Order: ready.ID})
	if !answer.Would() || answer.Needs[0].Because == "" {
		t.Errorf("ready: %+v", answer)
	}
	h.Validator.Decide(refuseAll)
	_, err = h.issue.Respond(t.Context(), r, pending.Parts[0].ID, pending.Parts[0].Challenges[0].Method)
	check(t, err)
	answer = h.why(issue.Question{Order: pending.ID})
	if got := against(answer); !slices.Equal(got, []string{"authorization invalid"}) || answer.Objections[0].Reason != "a.example.com by http-01: The answer was wrong." || len(answer.Needs) != 0 {
		t.Errorf("failed: %+v, needed %+v", answer.Objections, answer.Needs)
	}
	h.Clock.Advance(25 * time.Hour)
	if got := against(h.why(issue.Question{Order: ready.ID})); !slices.Equal(got, []string{"order expires", "authorization expired"}) {
		t.Errorf("expired: %v", got)
	}
	_, err = h.Store.EndAccount(t.Context(), r.Account.ID, acme.Revoked, h.Event(event.AccountRevoked, r.Account.ID))
	check(t, err)
	if got := against(h.why(issue.Question{Order: ready.ID})); !slices.Contains(got, "account status") {
		t.Errorf("revoked: %v", got)
	}
	_, err = h.issue.Why(t.Context(), issue.Question{Order: "nothing"})
	wantKind(t, err, fault.NotFound)
	if !strings.Contains(fault.Sentence(err), `no order "nothing"`) {
		t.Errorf("what is missing is not named: %v", err)
	}
}

func TestWhyAnOrderFailed(t *testing.T) {
	h := newHouse(t)
	order, _ := h.begun(h.requester(), newKey(t), "a.example.com")
	broken, _ := h.run(dead)
	_, err := broken.ResumeIssuances(t.Context(), h.Clock.Now().Add(time.Second), 0)
	check(t, err)
	answer := h.why(issue.Question{Order: order.ID})
	if got := against(answer); !slices.Contains(got, "order failure") || answer.Objections[0].Reason == "" {
		t.Errorf("%v: %+v", got, answer.Objections)
	}
}

func TestWhyNotByAnotherConnectorsCredential(t *testing.T) {
	h := newHouse(t)
	_, err := h.manage.CreateConnector(t.Context(), manageActor, manage.NewConnector{Name: "second"}, nil)
	check(t, err)
	foreign, _, err := h.manage.CreateCredential(t.Context(), manageActor, manage.NewCredential{Name: "foreign", Connector: "second"})
	check(t, err)
	_, err = h.issue.Why(t.Context(), issue.Question{Connector: "default", Credential: foreign.ID, Names: []string{"a.example.com"}})
	wantKind(t, err, fault.NotFound)
}
