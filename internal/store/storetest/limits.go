package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

func testLimits(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"R-01, R-02: new orders":         testLimitOrders,
		"R-01: new accounts":             testLimitAccounts,
		"R-01: pre-authorizations":       testLimitAuthorizations,
		"R-01: issuance":                 testLimitIssuance,
		"R-01: many callers at once":     testLimitRace,
		"R-01: all or nothing":           testLimitTogether,
		"R-01: failed validations":       testLimitFailures,
		"a success forgets":              testLimitSuccess,
		"connectors count for their own": testLimitConnectors,
		"listed and reset":               testLimitReset,
		"trimmed":                        testLimitTrim,
		"an accepted clock":              testLimitClock,
	})
}

// hourly is a charge of a limit of so many in an hour.
func hourly(kind limit.Kind, subject string, n int) limit.Charge {
	return limit.Charge{Key: limit.Key{Kind: kind, Subject: subject}, Rate: limit.Rate{Count: n, Period: span.Span(time.Hour)}}
}

// order stores an order that costs charges, created at a time.
func (w *World) order(at time.Time, account string, charges ...limit.Charge) error {
	w.Helper()
	o, created := w.Order(account, "example.com")
	o.Created = at
	return w.Store.CreateOrder(background(), o, created, w.Event(event.OrderCreated, o.ID), charges...)
}

// waitOf returns how long a refusal makes wait.
func waitOf(err error) time.Duration {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

func (w *World) level(key limit.Key) limit.Level {
	w.Helper()
	return load(w, func() (limit.Level, error) { return w.Store.Level(background(), w.Connector.ID, key) })
}

func testLimitOrders(t *testing.T, w *World) {
	account := w.NewAccount()
	two := hourly(limit.OrdersPerAccount, account.ID, 2)
	must(t, w.order(Noon, account.ID, two))
	must(t, w.order(Noon, account.ID, two))
	err := w.refuses(fault.RateLimited, func() error { return w.order(Noon, account.ID, two) })
	same(t, "the wait", waitOf(err), 30*time.Minute)
	_ = w.refuses(fault.RateLimited, func() error { return w.order(Noon.Add(30*time.Minute-time.Second), account.ID, two) })
	must(t, w.order(Noon.Add(30*time.Minute), account.ID, two))
	must(t, w.order(Noon, account.ID)) // nothing counts it
	same(t, "what is kept", w.level(two.Key), limit.Level{Key: two.Key, Arrival: Noon.Add(90 * time.Minute)})
}

func testLimitAccounts(t *testing.T, w *World) {
	one := hourly(limit.AccountsPerAddress, "192.0.2.1", 1)
	first := w.Account()
	create := func(a acme.Account) error {
		_, _, err := w.Store.CreateAccount(background(), a, w.Event(event.AccountCreated, a.ID), one)
		return err
	}
	must(t, create(first))
	_ = w.refuses(fault.RateLimited, func() error { return create(w.Account()) })
	again := w.Account()
	again.Key = first.Key
	must(t, create(again)) // the account is there already: nothing is made
}

func testLimitAuthorizations(t *testing.T, w *World) {
	account := w.NewAccount()
	one := hourly(limit.OrdersPerAccount, account.ID, 1)
	create := func() error {
		a := w.Authorization(account.ID, w.Names("example.com")[0])
		return w.Store.CreateAuthorization(background(), a, w.Event(event.AuthorizationCreated, a.ID), one)
	}
	must(t, create())
	_ = w.refuses(fault.RateLimited, create)
	_ = w.refuses(fault.RateLimited, func() error { return w.order(Noon, account.ID, one) })
}

func testLimitIssuance(t *testing.T, w *World) {
	account := w.NewAccount()
	one := hourly(limit.CertificatesPerSet, "example.com", 1)
	begin := func(id acme.Order) error {
		i, _ := w.Intent(id)
		return w.Store.BeginIssuance(background(), i, one)
	}
	first, second := w.NewReadyOrder(account.ID, "example.com"), w.NewReadyOrder(account.ID, "example.com")
	must(t, begin(first))
	_ = w.refuses(fault.RateLimited, func() error { return begin(second) })
	same(t, "the second order", w.orderStatus(second.ID, Noon), acme.Ready)
	_ = w.refuses(fault.NotReady, func() error { // what is refused for another reason costs nothing
		i, _ := w.Intent(first)
		return w.Store.BeginIssuance(background(), i, hourly(limit.CertificatesPerSet, "other", 1))
	})
}

func testLimitRace(t *testing.T, w *World) {
	account := w.NewAccount()
	const callers, most = 64, 10
	ten := hourly(limit.OrdersPerDomain, "example.com", most)
	errs := together(callers, func(int) error { return w.order(Noon, account.ID, ten) })
	if succeeded(errs) != most || count(errs, fault.RateLimited) != callers-most {
		t.Errorf("%d got through; want %d: %v", succeeded(errs), most, errs)
	}
	orders := load(t, func() ([]acme.Order, error) { return w.Store.ListOrders(background(), "", "", everything) })
	same(t, "the number of orders", len(orders), most)
}

func testLimitTogether(t *testing.T, w *World) {
	account := w.NewAccount()
	narrow, wide := hourly(limit.OrdersPerDomain, "example.com", 1), hourly(limit.OrdersPerAccount, account.ID, 4)
	must(t, w.order(Noon, account.ID, narrow, wide))
	err := w.refuses(fault.RateLimited, func() error { return w.order(Noon, account.ID, wide, narrow) })
	same(t, "the wait", waitOf(err), time.Hour)
	_ = w.refuses(fault.NotFound, func() error { // what is refused after the limits costs nothing either
		o, _ := w.Order(account.ID, "example.com")
		return w.Store.CreateOrder(background(), o, nil, w.Event(event.OrderCreated, o.ID), wide)
	})
	must(t, w.order(Noon.Add(time.Hour), account.ID, narrow, wide))
}

// fail concludes a new authorization with a failure that counts.
func (w *World) fail(account string, at time.Time, proof limit.Charge) {
	w.Helper()
	o, created := w.Order(account, "example.com")
	must(w, w.Store.CreateOrder(background(), o, created, w.Event(event.OrderCreated, o.ID)))
	c := w.failure(created[0])
	c.Now, c.Proof, c.Pause = at, proof, w.Event(event.LimitPaused, w.Connector.ID)
	_, err := w.Store.Conclude(background(), c, w.Event(event.AuthorizationInvalid, c.Authorization))
	must(w, err)
}

func (w *World) pauses() (n int) {
	w.Helper()
	for _, e := range w.events() {
		if e.Action == event.LimitPaused {
			n++
		}
	}
	return n
}

func testLimitFailures(t *testing.T, w *World) {
	account, other := w.NewAccount(), w.NewAccount()
	proof := hourly(limit.FailedValidations, limit.Pair(account.ID, "example.com"), 2)
	proof.Pause = 3
	ask := proof
	ask.Ask = true
	w.fail(account.ID, Noon, proof)
	must(t, w.order(Noon, account.ID, ask))
	w.fail(account.ID, Noon, proof)
	_ = w.refuses(fault.RateLimited, func() error { return w.order(Noon, account.ID, ask) })
	must(t, w.order(Noon.Add(30*time.Minute), account.ID, ask))
	same(t, "pauses", w.pauses(), 0)
	for range 3 {
		w.fail(account.ID, Noon.Add(12*time.Hour), proof) // which nobody could refuse
	}
	same(t, "pauses", w.pauses(), 1)
	_ = w.refuses(fault.RateLimited, func() error { return w.order(Noon.Add(20*time.Hour), account.ID, ask) })
	ofOther := ask
	ofOther.Subject = limit.Pair(other.ID, "example.com")
	must(t, w.order(Noon.Add(13*time.Hour), other.ID, ofOther))
	same(t, "failures in a row", w.level(proof.Key).Row, 5)
}

func testLimitSuccess(t *testing.T, w *World) {
	account := w.NewAccount()
	proof := hourly(limit.FailedValidations, limit.Pair(account.ID, "example.com"), 5)
	w.fail(account.ID, Noon, proof)
	same(t, "failures in a row", w.level(proof.Key).Row, 1)
	_, created := w.NewOrder(account.ID, "example.com")
	c := w.Success(created[0])
	c.Proof = proof
	_, err := w.Store.Conclude(background(), c, w.Event(event.AuthorizationValid, c.Authorization))
	must(t, err)
	same(t, "what is kept", w.level(proof.Key), limit.Level{Key: proof.Key})
	_, err = w.Store.Conclude(background(), c, w.Event(event.AuthorizationValid, c.Authorization))
	wantKind(t, err, fault.Conflict)
}

func testLimitConnectors(t *testing.T, w *World) {
	account := w.NewAccount()
	one := hourly(limit.OrdersPerDomain, "example.com", 1)
	must(t, w.order(Noon, account.ID, one))
	w.Connector = w.NewConnector("second")
	second := w.NewAccount()
	must(t, w.order(Noon, second.ID, one))
	_ = w.refuses(fault.RateLimited, func() error { return w.order(Noon, second.ID, one) })
}

func testLimitReset(t *testing.T, w *World) {
	account := w.NewAccount()
	domain, whole := hourly(limit.OrdersPerDomain, "example.com", 1), hourly(limit.OrdersPerAccount, account.ID, 4)
	must(t, w.order(Noon, account.ID, domain, whole))
	list := func(kind limit.Kind, now time.Time, most int) []limit.Level {
		return load(t, func() ([]limit.Level, error) { return w.Store.Levels(background(), w.Connector.ID, kind, now, most) })
	}
	ofDomain := limit.Level{Key: domain.Key, Arrival: Noon.Add(time.Hour)}
	ofAccount := limit.Level{Key: whole.Key, Arrival: Noon.Add(15 * time.Minute)}
	same(t, "all", list("", Noon, 10), []limit.Level{ofDomain, ofAccount})
	same(t, "the first", list("", Noon, 1), []limit.Level{ofDomain})
	same(t, "none", list("", Noon, 0), []limit.Level(nil))
	same(t, "one kind", list(limit.OrdersPerAccount, Noon, 10), []limit.Level{ofAccount})
	same(t, "later", list("", Noon.Add(15*time.Minute), 10), []limit.Level{ofDomain})

	e := w.Event(event.LimitReset, w.Connector.ID)
	w.tells(e, func() { must(t, w.Store.ResetLevel(background(), w.Connector.ID, domain.Key, e)) })
	same(t, "after the reset", list("", Noon, 10), []limit.Level{ofAccount})
	must(t, w.order(Noon, account.ID, domain))
	_ = w.refuses(fault.NotFound, func() error {
		return w.Store.ResetLevel(background(), w.Connector.ID, limit.Key{Kind: "no", Subject: "no"}, w.Event(event.LimitReset, w.Connector.ID))
	})
}

func testLimitTrim(t *testing.T, w *World) {
	account := w.NewAccount()
	const rows = 7
	for i := range rows {
		must(t, w.order(Noon, account.ID, hourly(limit.OrdersPerIdentifier, fmt.Sprint(i), 1)))
	}
	end := Noon.Add(time.Hour)
	same(t, "rows before the end", w.trim(end), 0)
	same(t, "rows of one step", load(t, func() (int, error) { return w.Store.Trim(background(), end.Add(time.Second), 3) }), 3)
	same(t, "rows after it", w.trim(end.Add(time.Second)), rows-3)
}

func testLimitClock(t *testing.T, w *World) {
	account := w.NewAccount()
	one, ahead := hourly(limit.OrdersPerAccount, account.ID, 1), Noon.AddDate(10, 0, 0)
	must(t, w.order(ahead, account.ID, one))
	_ = w.refuses(fault.RateLimited, func() error { return w.order(Noon, account.ID, one) })
	must(t, w.Store.AcceptClock(background(), w.at(event.ClockAccepted, Noon)))
	must(t, w.order(Noon, account.ID, one))
}
