package issue_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// limited declares limits, each of so many in an hour.
func (h *house) limited(counts map[limit.Kind]int) {
	h.t.Helper()
	h.setRules(func(r *policy.Rules) {
		r.Limits.Rates = map[limit.Kind]limit.Rate{}
		for kind, n := range counts {
			r.Limits.Rates[kind] = limit.Rate{Count: n, Period: span.Span(time.Hour)}
			if kind.InARow() {
				r.Limits.Rates[kind] = limit.Rate{Count: n}
			}
		}
	})
}

// again returns the requester as the connector admits it now.
func (h *house) again(r issue.Requester) issue.Requester {
	h.t.Helper()
	r, err := h.issue.Admit(h.t.Context(), h.connector, r.Account)
	check(h.t, err)
	return r
}

func (h *house) orders(r issue.Requester, o issue.NewOrder) error {
	_, err := h.issue.NewOrder(h.t.Context(), r, o)
	return err
}

// wantLimited checks that a limit refuses, with the sentence and until then.
func wantLimited(t *testing.T, err error, wait time.Duration, sentence string) {
	t.Helper()
	refused, ok := errors.AsType[*fault.Error](err)
	if !ok || refused.Kind != fault.RateLimited || refused.RetryAfter != wait || !strings.Contains(refused.Public, sentence) {
		t.Errorf("error %+v; want %q and a wait of %s", err, sentence, wait)
	}
}

func silence(context.Context, policy.Look) acme.Outcome {
	return acme.Outcome{Failure: &acme.Failure{Kind: string(fault.Connection), Public: "Nobody answers."}}
}

// fails orders a name and answers its challenge in vain.
func (h *house) fails(r issue.Requester, name string) error {
	h.t.Helper()
	order, err := h.issue.NewOrder(h.t.Context(), r, dns(name))
	if err != nil {
		return err
	}
	_, err = h.issue.Respond(h.t.Context(), r, order.Parts[0].ID, order.Parts[0].Challenges[0].Method)
	return err
}

// Proves: a new account is no way around what counts names, addresses or credentials.
func TestLimitsOfOrders(t *testing.T) {
	for _, c := range []struct {
		kind        limit.Kind
		first, next []string // of two accounts
		refused     bool
		sentence    string
	}{
		{limit.OrdersPerAccount, []string{"a.example.com"}, []string{"b.example.com"}, false, ""},
		{limit.OrdersPerDomain, []string{"a.example.com"}, []string{"b.example.com"}, true, "1 new orders for names of example.com"},
		{limit.OrdersPerDomain, []string{"a.example.com"}, []string{"a.example.org"}, false, ""},
		{limit.OrdersPerIdentifier, []string{"a.example.com"}, []string{"a.example.com", "b.example.com"}, true, "1 new orders for a.example.com"},
		{limit.OrdersPerIdentifier, []string{"a.example.com"}, []string{"*.a.example.com"}, false, ""},
		{limit.OrdersPerSet, []string{"a.example.com", "b.example.com"}, []string{"b.example.com", "a.example.com"}, true, "for exactly these names"},
		{limit.OrdersPerSet, []string{"a.example.com", "b.example.com"}, []string{"a.example.com"}, false, ""},
	} {
		t.Run(string(c.kind)+" "+strings.Join(c.next, " "), func(t *testing.T) {
			h := newHouse(t)
			h.limited(map[limit.Kind]int{c.kind: 1})
			first, second := h.requester(), h.requester()
			check(t, h.orders(first, dns(c.first...)))
			wantLimited(t, h.orders(first, dns(c.first...)), time.Hour, "1 new orders")
			err := h.orders(second, dns(c.next...))
			if !c.refused {
				check(t, err)
				return
			}
			wantLimited(t, err, time.Hour, c.sentence)
			h.Clock.Advance(time.Hour - time.Second)
			wantLimited(t, h.orders(second, dns(c.next...)), time.Second, c.sentence)
			h.Clock.Advance(time.Second)
			check(t, h.orders(second, dns(c.next...)))
		})
	}
}

func TestLimitsOfACredential(t *testing.T) {
	h := newHouse(t)
	kid, secret := h.credential(0, time.Time{})
	h.limited(map[limit.Kind]int{limit.OrdersPerCredential: 1, limit.AccountsPerCredential: 2})
	join := func() (issue.Requester, error) {
		key := publicKey(t, newKey(t))
		a, _, err := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{
			Key: key, Binding: binding(t, key, kid, secret, newAccountURL), URL: newAccountURL,
		})
		return issue.Requester{Connector: h.connector, Account: a}, err
	}
	first, err := join()
	check(t, err)
	second, err := join()
	check(t, err)
	_, err = join()
	wantLimited(t, err, 30*time.Minute, "2 new accounts with the credential "+kid)
	check(t, h.orders(first, dns("a.example.com")))
	wantLimited(t, h.orders(second, dns("b.example.com")), time.Hour, "1 new orders with the credential "+kid)
}

// The scope of a credential counts the orders of all its accounts together. Proves.
func TestOrdersPerDayOfACredential(t *testing.T) {
	h := newHouse(t)
	kid, secret := h.credential(0, time.Time{})
	_, err := h.manage.SetTerms(t.Context(), manageActor, kid, func(c *policy.Terms) error {
		c.Scope.OrdersPerDay = 2
		return nil
	})
	check(t, err)
	join := func() issue.Requester {
		key := publicKey(t, newKey(t))
		a, _, err := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{
			Key: key, Binding: binding(t, key, kid, secret, newAccountURL), URL: newAccountURL,
		})
		check(t, err)
		return h.again(issue.Requester{Account: a})
	}
	first, second := join(), join()
	check(t, h.orders(first, dns("a.example.com")))
	check(t, h.orders(second, dns("b.example.com")))
	const sentence = "2 new orders with the credential "
	wantLimited(t, h.orders(first, dns("c.example.com")), 12*time.Hour, sentence+kid)
	_, err = h.issue.NewAuthorization(t.Context(), second, issue.Name{Type: "dns", Value: "d.example.com"})
	wantLimited(t, err, 12*time.Hour, sentence+kid)
	h.Clock.Advance(12 * time.Hour)
	check(t, h.orders(second, dns("c.example.com")))
}

// Proves R-01: an IPv6 address counts for its /64 network, and whoever has no address is not counted.
func TestLimitOfAnAddress(t *testing.T) {
	h := newHouse(t)
	h.limited(map[limit.Kind]int{limit.AccountsPerAddress: 1})
	join := func(from string) error {
		var address netip.Addr
		if from != "" {
			address = netip.MustParseAddr(from)
		}
		_, _, err := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: publicKey(t, newKey(t)), From: address})
		return err
	}
	check(t, join("192.0.2.1"))
	wantLimited(t, join("192.0.2.1"), time.Hour, "1 new accounts from the address 192.0.2.1")
	wantLimited(t, join("::ffff:192.0.2.1"), time.Hour, "192.0.2.1")
	check(t, join("192.0.2.2"))
	check(t, join("2001:db8:0:1::1"))
	wantLimited(t, join("2001:db8:0:1:ffff::2"), time.Hour, "2001:db8:0:1::/64")
	check(t, join("2001:db8:0:2::1"))
	check(t, join(""))
	check(t, join(""))
}

// A pre-authorization costs as much as an order.
func TestLimitsOfPreAuthorization(t *testing.T) {
	h := newHouse(t)
	h.limited(map[limit.Kind]int{limit.OrdersPerDomain: 1})
	r := h.requester()
	_, err := h.issue.NewAuthorization(t.Context(), r, issue.Name{Type: "dns", Value: "a.example.com"})
	check(t, err)
	_, err = h.issue.NewAuthorization(t.Context(), r, issue.Name{Type: "dns", Value: "b.example.com"})
	wantLimited(t, err, time.Hour, "names of example.com")
	wantLimited(t, h.orders(r, dns("c.example.com")), time.Hour, "names of example.com")
}

// The same certificate again and again: the order that would lead to it is refused, and so is an older one that is ready.
func TestLimitOfCertificates(t *testing.T) {
	h := newHouse(t)
	h.limited(map[limit.Kind]int{limit.CertificatesPerSet: 1})
	r := h.requester()
	early := h.ready(r, dns("a.example.com"))
	h.issued(r, newKey(t), "a.example.com")
	wantLimited(t, h.orders(r, dns("a.example.com")), time.Hour, "1 certificates for exactly these names")
	csr := request(t, newKey(t), "a.example.com")
	_, err := h.issue.Finalize(t.Context(), r, early.ID, csr)
	wantLimited(t, err, time.Hour, "1 certificates for exactly these names")
	h.Clock.Advance(time.Hour)
	view, err := h.issue.Finalize(t.Context(), r, early.ID, csr)
	check(t, err)
	if view.Status != acme.Valid {
		t.Errorf("the order is %s", view.Status)
	}
}

func TestLimitOfFailedValidations(t *testing.T) {
	h := newHouse(t)
	h.limited(map[limit.Kind]int{limit.FailedValidations: 2})
	h.Validator.Decide(silence)
	r, other := h.requester(), h.requester()
	open, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	check(t, h.fails(r, "a.example.com"))
	check(t, h.fails(r, "a.example.com"))
	const sentence = "2 failed validations of a.example.com by this account"
	wantLimited(t, h.fails(r, "a.example.com"), 30*time.Minute, sentence)
	wantLimited(t, h.orders(r, dns("b.example.com", "*.a.example.com")), 30*time.Minute, sentence)
	looks := len(h.Validator.Looks())
	_, err = h.issue.Respond(t.Context(), r, open.Parts[0].ID, acme.HTTP01) // opened before
	wantLimited(t, err, 30*time.Minute, sentence)
	if got := len(h.Validator.Looks()); got != looks {
		t.Errorf("%d looks in spite of the limit", got-looks)
	}
	check(t, h.fails(r, "b.example.com"))
	check(t, h.fails(other, "a.example.com"))
	h.Clock.Advance(30 * time.Minute)
	check(t, h.fails(r, "a.example.com"))
}

func TestPauseAfterFailuresInARow(t *testing.T) {
	h := newHouse(t)
	h.limited(map[limit.Kind]int{limit.FailuresInARow: 3})
	h.Validator.Decide(silence)
	r := h.requester()
	for range 2 {
		check(t, h.fails(r, "a.example.com"))
	}
	h.Validator.Decide(nil)
	h.issued(r, newKey(t), "a.example.com") // a success: it begins again
	h.Validator.Decide(silence)
	h.Clock.Advance(25 * time.Hour) // the proof ends
	for range 3 {
		check(t, h.fails(r, "a.example.com"))
	}
	err := h.fails(r, "a.example.com")
	if refused, ok := errors.AsType[*fault.Error](err); !ok || refused.Kind != fault.RateLimited || !strings.Contains(refused.Public, "pauses for a.example.com after 3") {
		t.Fatalf("error %v", err)
	}
	check(t, h.fails(r, "b.example.com"))
	events, err := h.Store.Events(t.Context(), r.Account.ID, "", 1)
	check(t, err)
	if len(events) != 1 || events[0].Action != event.LimitPaused || events[0].Detail != "a.example.com" {
		t.Errorf("the log says %+v", events)
	}
}

// What is our own fault, or the operator's, is not held against the requester.
func TestFailuresOfOursAreNotCounted(t *testing.T) {
	h := newHouse(t)
	h.limited(map[limit.Kind]int{limit.FailedValidations: 1})
	h.Validator.Decide(func(context.Context, policy.Look) acme.Outcome { panic("ours") })
	r := h.requester()
	for range 3 {
		check(t, h.fails(r, "a.example.com"))
	}
	h.Validator.Decide(silence)
	check(t, h.fails(r, "a.example.com"))
	wantKind(t, h.fails(r, "a.example.com"), fault.RateLimited)
}

// Proves R-01: revocation is never limited.
func TestRevocationIsNotLimited(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	d := h.issued(r, newKey(t), "a.example.com")
	counts := map[limit.Kind]int{}
	for _, k := range limit.Kinds() {
		counts[k] = 1
	}
	h.limited(counts)
	r = h.again(r)
	check(t, h.orders(r, dns("b.example.com")))
	wantKind(t, h.orders(r, dns("b.example.com")), fault.RateLimited)
	check(t, h.issue.Revoke(t.Context(), issue.Revocation{Connector: h.connector, Account: &r, Certificate: d.Certificate.DER}))
}

// The limits that hold from the start meet no busy client.
func TestUsualLimitsLetBusyClientsThrough(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	for range 200 {
		check(t, h.orders(r, dns("a.example.com", "*.example.com")))
	}
}

// A renewal in its time is counted by no limit on names, nor is its certificate. One that comes too early, as from a client in
// a loop, and one that names more than what it replaces, are counted as others are. Proves R-04, INC-76.
func TestLimitsOfRenewals(t *testing.T) {
	h := newHouse(t)
	h.limited(map[limit.Kind]int{limit.OrdersPerIdentifier: 1, limit.CertificatesPerSet: 1})
	r := h.requester()
	c := h.issued(r, newKey(t), "a.example.com", "b.example.com").Certificate
	renewal := func(names ...string) issue.NewOrder {
		o := dns(names...)
		o.Replaces = renewalID(t, c)
		return o
	}
	wantLimited(t, h.orders(r, renewal("a.example.com", "b.example.com")), time.Hour, "1 new orders for a.example.com")

	h.Clock.Set(h.renewal(c).Start)
	check(t, h.orders(r, dns("a.example.com")))
	check(t, h.orders(r, dns("c.example.com")))
	wantLimited(t, h.orders(r, renewal("a.example.com", "c.example.com")), time.Hour, "1 new orders for a.example.com")
	for _, names := range [][]string{{"a.example.com", "b.example.com"}, {"a.example.com"}} {
		order := h.ready(r, renewal(names...))
		view, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), names...))
		check(t, err)
		next, err := h.Store.Certificate(t.Context(), view.Order.Certificate)
		check(t, err)
		c = next
		h.Clock.Set(h.renewal(c).Start)
		check(t, h.orders(r, dns("a.example.com")))
	}
}
