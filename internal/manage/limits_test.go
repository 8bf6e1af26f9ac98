package manage_test

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func hourly(n int) limit.Rate { return limit.Rate{Count: n, Period: span.Span(time.Hour)} }

// failed records failures of an account to prove control of www.example.com, by the limits that the connector has.
func (i *installation) failed(t *testing.T, a acme.Account, times int) {
	t.Helper()
	connector, err := i.Connector(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	for range times {
		c := acme.Conclusion{
			Authorization: i.order(t, a, "www.example.com").Authorizations[0], Method: acme.HTTP01, KeyAuthorization: "x",
			Outcome: acme.Outcome{Failure: &acme.Failure{Kind: string(fault.Connection), Public: "Nobody answers."}},
			Now:     i.Clock.Now(), Proof: connector.Rules.Limits.Proof(a.ID, "www.example.com", i.Clock.Now()), Pause: i.Event(event.LimitPaused, a.ID),
		}
		if _, err := i.Store.Conclude(t.Context(), c, i.Event(event.AuthorizationInvalid, c.Authorization)); err != nil {
			t.Fatal(err)
		}
	}
}

func (i *installation) limits(t *testing.T, connector string, kind limit.Kind) []manage.LimitView {
	t.Helper()
	found, err := i.Limits(t.Context(), connector, kind)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// lastEvent returns the newest event of an object.
func (i *installation) lastEvent(t *testing.T, object string) event.Event {
	t.Helper()
	events, err := i.Store.Events(t.Context(), object, "", 1)
	if err != nil || len(events) == 0 {
		t.Fatal(events, err)
	}
	return events[0]
}

func TestOperatorEndsAPause(t *testing.T) {
	i := newReady(t)
	a := i.account(t)
	override := manage.Override{Account: a.ID, Kind: limit.FailuresInARow, Rate: limit.Rate{Count: 2}}
	if _, err := i.OverrideLimit(t.Context(), operator, override); err != nil {
		t.Fatal(err)
	}
	i.failed(t, a, 2)
	for _, kind := range []limit.Kind{"", limit.FailedValidations, limit.FailuresInARow} {
		found := i.limits(t, "", kind)
		if len(found) != 1 || found[0].Subject != limit.Pair(a.ID, "www.example.com") || found[0].Row != 2 || found[0].Count != 2 ||
			found[0].PausedUntil.IsZero() || found[0].ConnectorName != manage.Default || found[0].Rate != limit.FailedValidations.Usual() {
			t.Fatalf("of kind %q: %+v", kind, found)
		}
	}
	i.Clock.Advance(5 * time.Hour) // all but the pause is over
	if found := i.limits(t, manage.Default, ""); len(found) != 1 || found[0].Count != 0 {
		t.Fatalf("later: %+v", found)
	}
	was, err := i.ResumeProofs(t.Context(), operator, a.ID, "*.www.example.com") // what is proven is the name below the star
	if err != nil || was.PausedUntil.IsZero() {
		t.Fatalf("%+v, %v", was, err)
	}
	if e := i.lastEvent(t, a.ID); e.Action != event.LimitResumed || e.Actor != string(operator) || e.Detail != "www.example.com" {
		t.Errorf("the log says %+v", e)
	}
	if found := i.limits(t, "", ""); len(found) != 0 {
		t.Errorf("afterwards: %+v", found)
	}
	_, err = i.ResumeProofs(t.Context(), operator, a.ID, "www.example.com")
	expect(t, err, fault.NotFound, "Nothing is taken")
	_, err = i.ResumeProofs(t.Context(), operator, "nobody", "www.example.com")
	expect(t, err, fault.NotFound, "no account")
	_, err = i.ResumeProofs(t.Context(), operator, a.ID, "a b")
	expect(t, err, fault.Malformed, "character")
}

func TestOperatorGivesBack(t *testing.T) {
	i := newReady(t)
	a := i.account(t)
	o := i.order(t, a, "a.example.com")
	o.ID = i.NewID()
	one := limit.Charge{Key: limit.Key{Kind: limit.OrdersPerDomain, Subject: "example.com"}, Rate: hourly(1)}
	if err := i.Store.CreateOrder(t.Context(), o, nil, i.Event(event.OrderCreated, o.ID), one); err != nil {
		t.Fatal(err)
	}
	if _, err := i.ResetLimit(t.Context(), operator, "", one.Key); err != nil {
		t.Fatal(err)
	}
	connector, err := i.Connector(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	if e := i.lastEvent(t, connector.ID); e.Action != event.LimitReset || e.Detail != "orders-per-domain example.com" {
		t.Errorf("the log says %+v", e)
	}
	_, err = i.ResetLimit(t.Context(), operator, "", one.Key)
	expect(t, err, fault.NotFound, "Nothing is taken")
	_, err = i.ResetLimit(t.Context(), operator, "nowhere", one.Key)
	expect(t, err, fault.NotFound, "nowhere")
	_, err = i.Limits(t.Context(), "", "orders")
	expect(t, err, fault.Malformed, "orders-per-account")
}

func TestOverrides(t *testing.T) {
	i := newReady(t)
	a := i.account(t)
	credential, _, err := i.CreateCredential(t.Context(), operator, manage.NewCredential{Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	override := func(o manage.Override) (manage.ConnectorView, error) {
		return i.OverrideLimit(t.Context(), operator, o)
	}
	for _, c := range []struct {
		o    manage.Override
		want string
	}{
		{manage.Override{Account: a.ID, Kind: limit.OrdersPerAccount, Rate: hourly(5)}, a.ID},
		{manage.Override{Credential: credential.ID, Kind: limit.OrdersPerCredential, Rate: hourly(5)}, credential.ID},
		{manage.Override{Name: "example.com", Kind: limit.OrdersPerDomain}, "example.com"},
		{manage.Override{Name: "*.Example.com", Kind: limit.OrdersPerIdentifier}, "*.example.com"},
		{manage.Override{Name: "*.example.com", Kind: limit.FailedValidations}, "example.com"},
		{manage.Override{Address: "::ffff:192.0.2.1", Kind: limit.AccountsPerAddress, Until: start.Add(day)}, "192.0.2.1"},
		{manage.Override{Address: "2001:db8::1", Kind: limit.AccountsPerAddress}, "2001:db8::/64"},
		{manage.Override{Address: "10.0.0.0/8", Kind: limit.AccountsPerAddress, Connector: manage.Default}, "10.0.0.0/8"},
	} {
		view, err := override(c.o)
		if err != nil {
			t.Errorf("%+v: %v", c.o, err)
			continue
		}
		if got := view.Rules.Limits.Overrides[0]; got.For != c.want || got.Kind != c.o.Kind || got.Rate != c.o.Rate || got.Until != c.o.Until {
			t.Errorf("%+v became %+v", c.o, got)
		}
		if e := i.lastEvent(t, view.ID); e.Action != event.LimitOverridden || e.Actor != string(operator) {
			t.Errorf("the log says %+v", e)
		}
	}
	view, err := override(manage.Override{Account: a.ID, Kind: limit.OrdersPerAccount, Rate: hourly(7)})
	if err != nil || len(view.Rules.Limits.Overrides) != 8 || view.Rules.Limits.Overrides[0].Rate != hourly(7) {
		t.Errorf("again for the same: %+v, %v", view.Rules.Limits, err)
	}
	i.Clock.Advance(day) // one has ended and leaves
	view, err = override(manage.Override{Account: a.ID, Kind: limit.OrdersPerAccount, Usual: true})
	if err != nil || len(view.Rules.Limits.Overrides) != 6 {
		t.Errorf("as usual: %+v, %v", view.Rules.Limits, err)
	}
}

func TestOverridesThatCannotBe(t *testing.T) {
	i := newReady(t)
	a := i.account(t)
	for part, o := range map[string]manage.Override{
		"Name one of":               {Kind: limit.OrdersPerAccount},
		"Name one of an account":    {Kind: limit.OrdersPerAccount, Account: a.ID, Name: "example.com"},
		"no kind of limit":          {Kind: "orders", Account: a.ID},
		"does not count by":         {Kind: limit.OrdersPerDomain, Account: a.ID},
		"counts www.example.com as": {Kind: limit.OrdersPerDomain, Name: "www.example.com"},
		"character":                 {Kind: limit.OrdersPerDomain, Name: "a b"},
		"neither an address":        {Kind: limit.AccountsPerAddress, Address: "here"},
		"bits beyond":               {Kind: limit.AccountsPerAddress, Address: "10.0.0.1/8"},
		"ended already":             {Kind: limit.AccountsPerAddress, Address: "10.0.0.0/8", Until: start},
		"a number and a time":       {Kind: limit.OrdersPerAccount, Account: a.ID, Rate: limit.Rate{Count: 3}},
		"a number alone":            {Kind: limit.FailuresInARow, Account: a.ID, Rate: hourly(3)},
	} {
		_, err := i.OverrideLimit(t.Context(), operator, o)
		expect(t, err, fault.Malformed, part)
	}
	_, err := i.OverrideLimit(t.Context(), operator, manage.Override{Kind: limit.OrdersPerAccount, Account: "nobody"})
	expect(t, err, fault.NotFound, "nobody")
}
