package storetest

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func testRenewals(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"AR-04 AR-05 a certificate is replaced once": testReplaceOnce,
		"AR-05 an invalid order lets go":             testReplaceFreed,
		"AR-05 one of many parallel orders":          testReplaceTogether,
		"lineage":                                    testLineage,
		"counted":                                    testCount,
		"overrides":                                  testOverrides,
		"an override of a clock that was ahead":      testOverrideAhead,
	})
}

// replacing returns an order that replaces a certificate, as if it was opened at a time; it is not stored.
func (w *World) replacing(c pki.Certificate, at time.Time) (acme.Order, []acme.Authorization) {
	w.Helper()
	o, created := w.Order(c.Account, "example.com")
	o.Replaces, o.ReplacesAs, o.Created, o.Expires = c.ID, "key.serial", at, at.Add(24*time.Hour)
	for i := range created {
		created[i].Created, created[i].Expires = o.Created, o.Expires
	}
	return o, created
}

// replace stores such an order.
func (w *World) replace(c pki.Certificate, at time.Time) (acme.Order, []acme.Authorization, error) {
	w.Helper()
	o, created := w.replacing(c, at)
	return o, created, w.Store.CreateOrder(background(), o, created, w.Event(event.OrderCreated, o.ID))
}

func testReplaceOnce(t *testing.T, w *World) {
	first := w.Issue(w.NewAccount().ID, "example.com")
	again := func() error { _, _, err := w.replace(first, Noon); return err }
	o, created, err := w.replace(first, Noon)
	must(t, err)
	stored, _, err := w.Store.Order(background(), o.ID)
	must(t, err)
	same(t, "the order", stored, o)

	_ = w.refuses(fault.AlreadyReplaced, again) // while it is pending
	w.Prove(created...)
	_ = w.refuses(fault.AlreadyReplaced, again) // ready
	i, der := w.Intent(o)
	i.Replaces = o.Replaces
	w.Begin(i)
	_ = w.refuses(fault.AlreadyReplaced, again) // processing
	w.Complete(i, der)
	_ = w.refuses(fault.AlreadyReplaced, again) // valid

	for rows := 1; rows > 0; { // when the order has left, the certificates still know
		rows, err = w.Store.Trim(background(), Noon.AddDate(2, 0, 0), 100)
		must(t, err)
	}
	_, _, err = w.Store.Order(background(), o.ID)
	wantKind(t, err, fault.NotFound)
	_ = w.refuses(fault.AlreadyReplaced, again)
}

func testReplaceFreed(t *testing.T, w *World) {
	for how, end := range map[string]func(acme.Order, []acme.Authorization) time.Time{
		"its time ran out": func(o acme.Order, _ []acme.Authorization) time.Time { return o.Expires },
		"an authorization was refused": func(_ acme.Order, created []acme.Authorization) time.Time {
			_, err := w.Store.Conclude(background(), w.failure(created[0]), w.Event(event.AuthorizationInvalid, created[0].ID))
			must(t, err)
			return Noon
		},
		"an authorization was given back": func(_ acme.Order, created []acme.Authorization) time.Time {
			_, err := w.Store.EndAuthorization(background(), created[0].ID, acme.Deactivated, Noon, w.Event(event.AuthorizationDeactivated, created[0].ID))
			must(t, err)
			return Noon
		},
		"issuance failed": func(o acme.Order, created []acme.Authorization) time.Time {
			w.Prove(created...)
			i, _ := w.Intent(o)
			w.Begin(i)
			must(t, w.abandon(i.ID))
			return Noon
		},
	} {
		t.Run(how, func(t *testing.T) {
			first := w.Issue(w.NewAccount().ID, "example.com")
			at := Noon
			for range 3 {
				o, created, err := w.replace(first, at)
				must(t, err)
				at = end(o, created)
			}
			_, _, err := w.replace(first, at)
			must(t, err)
			_, _, err = w.replace(first, at)
			wantKind(t, err, fault.AlreadyReplaced)
		})
	}
	t.Run("its account ended", func(t *testing.T) {
		account := w.NewAccount()
		first := w.Issue(account.ID, "example.com")
		_, _, err := w.replace(first, Noon)
		must(t, err)
		_, err = w.Store.EndAccount(background(), account.ID, acme.Deactivated, w.Event(event.AccountDeactivated, account.ID))
		must(t, err)
		first.Account = w.NewAccount().ID // whose certificate it is, is not the store's question
		_, _, err = w.replace(first, Noon)
		must(t, err)
	})
}

func testReplaceTogether(t *testing.T, w *World) {
	const callers = 10
	first := w.Issue(w.NewAccount().ID, "example.com")
	orders, created := make([]acme.Order, callers), make([][]acme.Authorization, callers)
	for i := range callers {
		orders[i], created[i] = w.replacing(first, Noon)
	}
	errs := together(callers, func(i int) error {
		return w.Store.CreateOrder(background(), orders[i], created[i], w.Event(event.OrderCreated, orders[i].ID))
	})
	if succeeded(errs) != 1 || count(errs, fault.AlreadyReplaced) != callers-1 {
		t.Errorf("of %d parallel orders: %v", callers, errs)
	}
}

func testLineage(t *testing.T, w *World) {
	account := w.NewAccount()
	first := w.Issue(account.ID, "example.com")
	o, created, err := w.replace(first, Noon)
	must(t, err)
	w.Prove(created...)
	i, der := w.Intent(o)
	i.Replaces = o.Replaces
	w.Begin(i)
	intents, err := w.Store.Intents(background(), Noon.Add(time.Hour), "", 10)
	must(t, err)
	if len(intents) != 1 || intents[0].Replaces != first.ID {
		t.Errorf("the intents are %+v", intents)
	}
	second := w.Complete(i, der)
	got, err := w.Store.Certificate(background(), second.ID)
	must(t, err)
	same(t, "the successor", got, second)
	for replaces, want := range map[string][]pki.Certificate{first.ID: {second}, second.ID: nil} {
		found, err := w.Store.FindCertificates(background(), pki.Filter{Replaces: replaces})
		must(t, err)
		same(t, "what replaces it", found, want)
	}
}

func testCount(t *testing.T, w *World) {
	account := w.NewAccount()
	for range 3 {
		w.Issue(account.ID, "example.com")
	}
	w.Issue(w.NewAccount().ID, "example.com")
	for _, test := range []struct {
		filter     pki.Filter
		most, want int
	}{
		{pki.Filter{}, 10, 4}, {pki.Filter{Limit: 1}, 10, 4}, {pki.Filter{}, 2, 2}, {pki.Filter{Account: account.ID}, 10, 3}, {pki.Filter{Revoked: true}, 10, 0},
	} {
		got, err := w.Store.CountCertificates(background(), test.filter, test.most)
		must(t, err)
		if got != test.want {
			t.Errorf("%+v selects %d certificates, at most %d; want %d", test.filter, got, test.most, test.want)
		}
	}
}

// What is issued by a clock that was set right is not called back by what an operator said before.
func testOverrideAhead(t *testing.T, w *World) {
	ahead, before := w.override(), w.override()
	ahead.Created, before.Created = Noon.AddDate(1, 0, 0), Noon.Add(-time.Hour)
	for _, o := range []ari.Override{ahead, before} {
		must(t, w.Store.CreateOverride(background(), o, 10, w.Event(event.RenewalOverridden, o.ID)))
	}
	must(t, w.Store.AcceptClock(background(), w.Event(event.ClockAccepted, "")))
	ahead.Created = Noon
	got, err := w.Store.Overrides(background(), false)
	must(t, err)
	same(t, "the overrides", got, []ari.Override{before, ahead})
}

// override returns an override with everything that one may have; it is not stored.
func (w *World) override() ari.Override {
	return ari.Override{
		ID: w.ID(),
		Set: pki.Filter{
			Name: ".example.com", Account: w.ID(), Connector: w.Connector.ID, Profile: "default", Issuers: []string{w.Issuer.ID},
			IssuedAfter: Noon.Add(-time.Hour), IssuedBefore: Noon,
		},
		Window: ari.Window{Start: Noon.Add(-2 * time.Hour), End: Noon.Add(-time.Hour)}, Explanation: "https://ca.test/why", Created: Noon,
	}
}

// newOverride stores override.
func (w *World) newOverride() ari.Override {
	w.Helper()
	o := w.override()
	must(w, w.Store.CreateOverride(background(), o, 100, w.Event(event.RenewalOverridden, o.ID)))
	return o
}

func testOverrides(t *testing.T, w *World) {
	want := func(ended bool, all ...ari.Override) {
		t.Helper()
		got, err := w.Store.Overrides(background(), ended)
		must(t, err)
		same(t, "the overrides", got, all)
	}
	want(true)
	first, second := w.newOverride(), w.override()
	e := w.Event(event.RenewalOverridden, second.ID)
	_ = w.refuses(fault.Conflict, func() error { return w.Store.CreateOverride(background(), second, 1, e) })
	w.tells(e, func() { must(t, w.Store.CreateOverride(background(), second, 2, e)) })
	want(false, second, first)

	e = w.Event(event.RenewalRestored, first.ID)
	_ = w.refuses(fault.NotFound, func() error { _, err := w.Store.EndOverride(background(), w.ID(), Noon, e); return err })
	first.Ended = Noon.Add(time.Hour)
	w.tells(e, func() {
		got, err := w.Store.EndOverride(background(), first.ID, first.Ended, e)
		must(t, err)
		same(t, "the ended override", got, first)
	})
	before := w.events()
	got, err := w.Store.EndOverride(background(), first.ID, Noon.Add(2*time.Hour), w.Event(event.RenewalRestored, first.ID))
	must(t, err)
	same(t, "ended again", got, first)
	same(t, "the log", w.events(), before)
	want(false, second)
	want(true, second, first)
	third := w.override()
	must(t, w.Store.CreateOverride(background(), third, 2, w.Event(event.RenewalOverridden, third.ID))) // the ended one makes room
}
