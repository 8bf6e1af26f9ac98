package issue_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// identified gives the default connector CAA identities, and its accounts URLs.
func identified(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	_, err := h.manage.SetRules(t.Context(), "test", "default", func(r *policy.Rules) error {
		r.CAAIdentities, r.CAAMayFail = []string{"ca.example.net"}, true
		return nil
	})
	check(t, err)
	h.issue = h.service(func(_ *issue.Engines, o *issue.Options) {
		o.AccountURL = func(c policy.Connector, account string) string {
			return "https://ca.example.net/" + c.Name + "/" + account
		}
	})
	h.connector, err = h.issue.Connector(t.Context(), policy.KindACME, "default")
	check(t, err)
	return h
}

// forbid makes the CAA records of some names forbid the issuance.
func forbid(names ...string) func(context.Context, caa.Question) acme.Outcome {
	return func(_ context.Context, q caa.Question) acme.Outcome {
		if !slices.Contains(names, q.Name.Value()) {
			return acme.Outcome{Attempts: []acme.Attempt{{Seen: "allowed"}}}
		}
		f := &acme.Failure{Kind: string(fault.CAA), Public: "The CAA records of " + q.Name.Value() + " forbid it.", Identifier: q.Name}
		return acme.Outcome{Failure: f, Attempts: []acme.Attempt{{Seen: "forbidden", Failure: f, Reports: []string{"mailto:owner@" + q.Name.Base().Value()}}}}
	}
}

// since returns the names that were asked for after the first n questions, sorted.
func (h *house) since(n int) []string {
	var names []string
	for _, q := range h.Validator.Questions()[n:] {
		names = append(names, q.Name.Value())
	}
	slices.Sort(names)
	return names
}

// Proves CAA-07, CAA-10, INC-1, INC-6. Of ten names that were all allowed when they were proven, one after the other turns
// forbidding: nothing is issued, each of the ten is looked up by itself, and the very one is named.
func TestCAATurnsForbidding(t *testing.T) {
	h := identified(t)
	r := h.requester()
	var names []string
	for k := range 9 {
		names = append(names, fmt.Sprintf("n%d.example.com", k))
	}
	names = append(names, "*.wild.example.com")
	slices.Sort(names)
	csr := request(t, newKey(t), names...)
	for _, bad := range names {
		t.Run(bad, func(t *testing.T) {
			h.Validator.Permit(nil)
			order := h.ready(r, dns(names...))
			h.Validator.Permit(forbid(bad))
			before := len(h.Validator.Questions())
			_, err := h.issue.Finalize(t.Context(), r, order.ID, csr)
			wantKind(t, err, fault.CAA)
			if f := err.(*fault.Error); len(f.Subs) != 1 || f.Subs[0].Identifier.Value() != bad || f.Subs[0].Kind != fault.CAA { //nolint:errorlint // wantKind said what it is
				t.Errorf("%+v", f)
			}
			if got := h.since(before); !slices.Equal(got, names) {
				t.Errorf("asked for %q", got)
			}
			h.wantRefused(r, order, bad)

			h.Validator.Permit(nil)
			view, err := h.issue.Finalize(t.Context(), r, order.ID, csr)
			check(t, err)
			if view.Status != acme.Valid {
				t.Errorf("when it is allowed again the order is %s", view.Status)
			}
			if checks := h.checks(order.ID); len(checks) != len(names) || slices.ContainsFunc(checks, func(c acme.Check) bool { return c.Failure != nil }) {
				t.Errorf("checks of the issuance: %+v", checks)
			}
		})
	}
}

func (h *house) checks(order string) []acme.Check {
	h.t.Helper()
	list, err := h.Store.Checks(h.t.Context(), order)
	check(h.t, err)
	return list
}

// details returns what the log says of a kind that happened to an object.
func (h *house) details(action event.Action, object string) []string {
	h.t.Helper()
	events, err := h.Store.Events(h.t.Context(), object, "", 100)
	check(h.t, err)
	var details []string
	for _, e := range events {
		if e.Action == action {
			details = append(details, e.Detail)
		}
	}
	return details
}

// wantRefused wants an order that is ready still, has no certificate, and is told of in the log with its refused name.
func (h *house) wantRefused(r issue.Requester, order issue.OrderView, bad string) {
	h.t.Helper()
	view, err := h.issue.Order(h.t.Context(), r, order.ID)
	check(h.t, err)
	found, err := h.Store.FindCertificates(h.t.Context(), pki.Filter{Order: order.ID, Limit: 1})
	check(h.t, err)
	if view.Status != acme.Ready || len(found) != 0 {
		h.t.Errorf("after the refusal the order is %s and has %d certificates", view.Status, len(found))
	}
	base := strings.TrimPrefix(bad, "*.")
	want := bad + ": The CAA records of " + bad + " forbid it. Its owner wants to hear of this (iodef): mailto:owner@" + base + "."
	if got := h.details(event.OrderRefused, order.ID); !slices.Equal(got, []string{want}) {
		h.t.Errorf("the log has %q", got)
	}
	for _, c := range h.checks(order.ID) {
		if (c.Failure != nil) != (c.Identifier.Value() == bad) || len(c.Attempts) != 1 {
			h.t.Errorf("kept of %s: %+v", c.Identifier, c)
		}
	}
}

// Proves CAA-05, CAA-07. Each question has the method by which that very name was proven, also when the proof is used
// again, and the account's URL.
func TestCAAQuestions(t *testing.T) {
	h := identified(t)
	r := h.requester()
	proven := map[string]acme.Method{"a.example.com": acme.HTTP01, "b.example.com": acme.DNS01, "c.example.com": acme.TLSALPN01, "*.a.example.com": acme.DNS01}
	url := "https://ca.example.net/default/" + r.Account.ID
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com", "b.example.com", "c.example.com", "*.a.example.com"))
	check(t, err)
	for _, a := range order.Parts {
		_, err := h.issue.Respond(t.Context(), r, a.ID, proven[a.Covers().Value()])
		check(t, err)
	}
	for range 2 {
		again, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com", "b.example.com", "c.example.com", "*.a.example.com"))
		check(t, err)
		_, err = h.issue.Finalize(t.Context(), r, again.ID, request(t, newKey(t), "a.example.com", "b.example.com", "c.example.com", "*.a.example.com"))
		check(t, err)
	}
	questions := h.Validator.Questions()
	if len(questions) != 12 {
		t.Fatalf("%d questions", len(questions))
	}
	for _, q := range questions {
		if q.Method != proven[q.Name.Value()] || q.AccountURL != url || !slices.Equal(q.Identities, []string{"ca.example.net"}) || !q.MayFail {
			t.Errorf("%+v", q)
		}
	}
}

// Proves DP-08. A record that stays proves control; CAA is asked all the same, for that method and with the account's URL.
func TestCAAOfAPersistentProof(t *testing.T) {
	h := identified(t)
	h.setRules(persistent(persist.Draft02, 0))
	h.Validator.Decide(granting(time.Time{}))
	r := h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	_, err = h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.DNSPersist01)
	check(t, err)
	_, err = h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
	check(t, err)
	questions := h.Validator.Questions()
	if len(questions) != 2 {
		t.Fatalf("%d questions, want one at the challenge and one before the signature", len(questions))
	}
	for _, q := range questions {
		if q.Method != acme.DNSPersist01 || q.AccountURL != "https://ca.example.net/default/"+r.Account.ID {
			t.Errorf("%+v", q)
		}
	}
}

// Proves CAA-07. Who may not have the certificate learns it at the challenge, and what was seen is kept there.
func TestCAAAtTheChallenge(t *testing.T) {
	h := identified(t)
	r := h.requester()
	h.Validator.Permit(forbid("a.example.com"))
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	view, err := h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.DNS01)
	check(t, err)
	c, _ := view.Challenge(acme.DNS01)
	if view.Status != acme.Invalid || c.Failure == nil || c.Failure.Kind != string(fault.CAA) || len(c.Attempts) != 2 || len(c.Attempts[1].Reports) != 1 {
		t.Errorf("%s %+v", view.Status, c)
	}
	if got := h.details(event.AuthorizationInvalid, view.ID); len(got) != 1 || !strings.Contains(got[0], "(iodef): mailto:owner@a.example.com.") {
		t.Errorf("the log has %q", got)
	}
	t.Run("a proof that fails asks nothing", func(t *testing.T) {
		h.Validator.Decide(func(_ context.Context, l policy.Look) acme.Outcome {
			return acme.Outcome{Failure: &acme.Failure{Kind: string(fault.DNS), Public: "It is not there.", Identifier: l.Identifier}}
		})
		before := len(h.Validator.Questions())
		order, err := h.issue.NewOrder(t.Context(), r, dns("b.example.com"))
		check(t, err)
		_, err = h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.DNS01)
		check(t, err)
		if got := h.since(before); len(got) != 0 {
			t.Errorf("asked for %q", got)
		}
	})
}

// Proves CAA-07. A private CA, which no record can name, asks for none; nor has an address any.
func TestCAAIsNotAsked(t *testing.T) {
	h := newHouse(t)
	h.issued(h.requester(), newKey(t), "a.example.com", "*.example.com")
	h = identified(t)
	r := h.requester()
	order := h.ready(r, issue.NewOrder{Names: []issue.Name{{Type: "ip", Value: "192.0.2.7"}}})
	der, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{IPAddresses: []net.IP{net.ParseIP("192.0.2.7")}}, newKey(t))
	check(t, err)
	_, err = h.issue.Finalize(t.Context(), r, order.ID, der)
	check(t, err)
	if got := h.since(0); len(got) != 0 || len(h.checks(order.ID)) != 0 {
		t.Errorf("asked for %q", got)
	}
}

// Proves CAA-08, INC-117. A look that panics has found out nothing, and permits nothing.
func TestCAALooksAtOnce(t *testing.T) {
	h := identified(t)
	r := h.requester()
	var names []string
	for k := range 50 {
		names = append(names, fmt.Sprintf("n%02d.example.com", k))
	}
	order := h.ready(r, dns(names...))
	var running, most atomic.Int64
	h.Validator.Permit(func(context.Context, caa.Question) acme.Outcome {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		time.Sleep(time.Millisecond)
		panic("a parser met what it did not expect")
	})
	_, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), names...))
	wantKind(t, err, fault.CAA)
	if f := err.(*fault.Error); len(f.Subs) != len(names) { //nolint:errorlint // wantKind said what it is
		t.Errorf("%d names are refused", len(f.Subs))
	}
	if n := most.Load(); n > 16 || n < 2 {
		t.Errorf("%d looks at once", n)
	}
	if got := h.details(event.OrderRefused, order.ID); len(got) != 1 || !strings.HasSuffix(got[0], " and more names") {
		t.Errorf("the log has %q", got)
	}
}

// Proves CAA-07. What CAA records said is good for eight hours: an issuance that waited longer for its signature asks again.
func TestCAAIsAskedAgain(t *testing.T) {
	const name = "a.example.com"
	// waiting returns an order whose signature failed so long ago.
	waiting := func(t *testing.T, ago time.Duration) (*house, issue.Requester, issue.OrderView) {
		h := identified(t)
		r := h.requester()
		url := h.issue
		broken := &handedSigner{Signer: h.CA, sign: dead}
		h.issue = h.service(func(e *issue.Engines, _ *issue.Options) { e.Signer = broken })
		order := h.ready(r, dns(name))
		view, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), name))
		check(t, err)
		h.issue = url
		h.Clock.Advance(ago)
		return h, r, view
	}
	for _, tt := range []struct {
		what   string
		ago    time.Duration
		permit func(context.Context, caa.Question) acme.Outcome
		asked  int
		status acme.Status
	}{
		{"soon after, though it is forbidden now", 8*time.Hour - time.Second, forbid(name), 0, acme.Valid},
		{"late, and forbidden", 8 * time.Hour, forbid(name), 1, acme.Invalid},
		{"late, and allowed", 8 * time.Hour, nil, 1, acme.Valid},
	} {
		t.Run(tt.what, func(t *testing.T) {
			h, r, order := waiting(t, tt.ago)
			h.Validator.Permit(tt.permit)
			before := len(h.Validator.Questions())
			_, err := h.issue.ResumeIssuances(t.Context(), h.Clock.Now(), time.Hour)
			check(t, err)
			view, err := h.issue.Order(t.Context(), r, order.ID)
			check(t, err)
			if view.Status != tt.status || len(h.since(before)) != tt.asked {
				t.Errorf("the order is %s after %d questions", view.Status, len(h.since(before)))
			}
			if view.Failure != nil && (view.Failure.Kind != string(fault.CAA) || !strings.Contains(view.Failure.Public, "The CAA records of a.example.com forbid it.")) {
				t.Errorf("%+v", view.Failure)
			}
		})
	}
}

// Proves CAA-07, SD-04, INC-1. A proof for the names below another asks nothing for that name, whose records say nothing of them:
// each name below is asked for by itself before it is certified, by the method of the proof.
func TestCAAOfNamesBelow(t *testing.T) {
	h := identified(t)
	h.setRules(func(r *policy.Rules) { r.Subdomains = policy.AllBelow })
	r := h.requester()
	h.Validator.Permit(forbid("example.org", "bad.example.org"))
	a, err := h.proven(r, acme.DNS01, true)
	check(t, err)
	if got := h.since(0); a.Status != acme.Valid || len(got) != 0 {
		t.Fatalf("the proof is %s, and asked for %q", a.Status, got)
	}
	for _, test := range []struct {
		name string
		want fault.Kind // "": it is certified
	}{{"www.example.org", ""}, {"*.a.example.org", ""}, {"bad.example.org", fault.CAA}, {"example.org", fault.CAA}} {
		before := len(h.Validator.Questions())
		order, err := h.issue.NewOrder(t.Context(), r, dns(test.name))
		check(t, err)
		_, err = h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), test.name))
		if test.want == "" {
			check(t, err)
		} else {
			wantKind(t, err, test.want)
		}
		asked := h.Validator.Questions()[before:]
		if len(asked) != 1 || asked[0].Name.Value() != test.name || asked[0].Method != acme.DNS01 {
			t.Errorf("for %s it was asked: %+v", test.name, asked)
		}
	}
}

// Proves DP-08, CAA-05. The record of dns-persist-01 names the account too, and is no CAA record: that one is asked for by itself, for
// the account's URL as it is, whatever form the record has.
func TestCAABesidePersistentRecords(t *testing.T) {
	for _, draft := range persist.Drafts() {
		h := identified(t)
		h.setRules(persistent(draft, 0))
		r := h.requester()
		order := h.ready(r, dns("a.example.com"))
		_, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
		check(t, err)
		questions := h.Validator.Questions()
		if len(questions) != 2 {
			t.Fatalf("%s: %d questions", draft, len(questions))
		}
		for _, q := range questions {
			if q.AccountURL != "https://ca.example.net/default/"+r.Account.ID || q.Method != acme.DNSPersist01 {
				t.Errorf("%s: %+v", draft, q)
			}
		}
		h.Validator.Permit(forbid("b.example.com"))
		order, err = h.issue.NewOrder(t.Context(), r, dns("b.example.com"))
		check(t, err)
		a, err := h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.DNSPersist01)
		check(t, err)
		if c, _ := a.Challenge(acme.DNSPersist01); c.Failure == nil || c.Failure.Kind != string(fault.CAA) {
			t.Errorf("%s: a good record where CAA forbids it: %+v", draft, c)
		}
	}
}

// Proves CAA-05, Z-07. CAA records are asked for what an operator vouched for as well, and control of it was proven by no method: a
// list of methods is never met.
func TestCAAOfPreApprovedNames(t *testing.T) {
	h := identified(t)
	r := h.bound(policy.Scope{PreApproved: []string{"a.example.com"}})
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	if order.Status != acme.Ready {
		t.Fatalf("the order is %s", order.Status)
	}
	h.Validator.Permit(func(_ context.Context, q caa.Question) acme.Outcome {
		v := q.Judge("a.example.com", []caa.Record{{Tag: "issue", Value: "ca.example.net; validationmethods=http-01,dns-01"}})
		if v.Allowed() {
			return acme.Outcome{}
		}
		return acme.Outcome{Failure: &acme.Failure{Kind: string(fault.CAA), Public: v.Refusal}}
	})
	csr := request(t, newKey(t), "a.example.com")
	_, err = h.issue.Finalize(t.Context(), r, order.ID, csr)
	wantKind(t, err, fault.CAA)
	if text := fault.Sentence(err); !strings.Contains(text, "proven by no method (validationmethods)") {
		t.Error(text)
	}
	h.Validator.Permit(nil)
	check(t, second(h.issue.Finalize(t.Context(), r, order.ID, csr)))
}
