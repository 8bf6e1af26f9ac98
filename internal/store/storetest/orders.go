package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func testOrders(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"create and read":       testOrderRoundTrip,
		"many identifiers":      testOrderMany,
		"reused authorizations": testOrderReuses,
		"refused":               testOrderRefused,
		"ids of an account":     testOrderIDs,
		"ids behind many":       testOrderIDsBounded,
		"pages":                 testOrderPages,
	})
}

func testOrderRoundTrip(t *testing.T, w *World) {
	account := w.NewAccount()
	o, created := w.Order(account.ID, "example.com", "*.example.com", "192.0.2.7", "2001:db8::1")
	o.NotBefore, o.NotAfter = Noon.Add(time.Hour), Noon.Add(48*time.Hour)
	e := w.Event(event.OrderCreated, o.ID)
	w.tells(e, func() { must(t, w.Store.CreateOrder(background(), o, created, e)) })
	got, authorizations, err := w.Store.Order(background(), o.ID)
	must(t, err)
	same(t, "the order", got, o)
	same(t, "its authorizations", authorizations, created)
	for _, a := range created {
		got, err := w.Store.Authorization(background(), a.ID)
		must(t, err)
		same(t, "the authorization", got, a)
	}
	_, _, err = w.Store.Order(background(), w.ID())
	wantKind(t, err, fault.NotFound)

	failed, _ := w.Order(account.ID)
	failed.Failure = &acme.Failure{Kind: "caa", Public: "CAA forbids it.", Identifier: w.Names("example.com")[0], Subs: []acme.Failure{{Kind: "dns"}}}
	must(t, w.Store.CreateOrder(background(), failed, nil, w.Event(event.OrderCreated, failed.ID)))
	got, _, err = w.Store.Order(background(), failed.ID)
	must(t, err)
	same(t, "the failed order", got, failed)
}

func testOrderMany(t *testing.T, w *World) {
	account := w.NewAccount()
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("host-%02d.department.example.com", i))
	}
	o, created := w.NewOrder(account.ID, names...)
	got, authorizations, err := w.Store.Order(background(), o.ID)
	must(t, err)
	same(t, "the order", got, o)
	same(t, "its authorizations", authorizations, created)
}

func testOrderReuses(t *testing.T, w *World) {
	account := w.NewAccount()
	first, proven := w.NewOrder(account.ID, "a.example.com", "b.example.com")
	w.Prove(proven...)
	second, created := w.Order(account.ID, "c.example.com")
	second.Authorizations = []string{proven[1].ID, created[0].ID, proven[0].ID}
	must(t, w.Store.CreateOrder(background(), second, created, w.Event(event.OrderCreated, second.ID)))

	_, authorizations, err := w.Store.Order(background(), second.ID)
	must(t, err)
	var ids []string
	for _, a := range authorizations {
		ids = append(ids, a.ID)
	}
	same(t, "the sequence", ids, second.Authorizations)
	if got := w.orderStatus(first.ID, Noon); got != acme.Ready {
		t.Errorf("the first order is %s", got)
	}
	w.Prove(created...)
	if got := w.orderStatus(second.ID, Noon); got != acme.Ready {
		t.Errorf("the second order is %s", got)
	}
}

func testOrderRefused(t *testing.T, w *World) {
	account, gone := w.NewAccount(), w.NewAccount()
	_, err := w.Store.EndAccount(background(), gone.ID, acme.Revoked, w.Event(event.AccountRevoked, gone.ID))
	must(t, err)
	strangers := w.NewReadyOrder(w.NewAccount().ID, "strange.example.com")

	create := func(change func(*acme.Order, []acme.Authorization)) func() error {
		o, created := w.Order(account.ID, "example.com")
		change(&o, created)
		return func() error { return w.Store.CreateOrder(background(), o, created, w.Event(event.OrderCreated, o.ID)) }
	}
	_ = w.refuses(fault.Unauthorized, create(func(o *acme.Order, as []acme.Authorization) { o.Account, as[0].Account = gone.ID, gone.ID }))
	unknown := w.ID()
	_ = w.refuses(fault.NotFound, create(func(o *acme.Order, as []acme.Authorization) { o.Account, as[0].Account = unknown, unknown }))
	_ = w.refuses(fault.NotFound, create(func(o *acme.Order, _ []acme.Authorization) { o.Profile = unknown }))
	_ = w.refuses(fault.NotFound, create(func(o *acme.Order, _ []acme.Authorization) {
		o.Authorizations = append(o.Authorizations, unknown)
	}))
	_ = w.refuses(fault.NotFound, create(func(o *acme.Order, _ []acme.Authorization) { // another account's proof is none
		o.Authorizations = append(o.Authorizations, strangers.Authorizations[0])
	}))
	_ = w.refuses(fault.Internal, create(func(o *acme.Order, _ []acme.Authorization) { o.Authorizations = nil }))
	_ = w.refuses(fault.Conflict, create(func(o *acme.Order, _ []acme.Authorization) { o.ID = strangers.ID }))

	a := w.Authorization(gone.ID, w.Names("example.com")[0])
	_ = w.refuses(fault.Unauthorized, func() error {
		return w.Store.CreateAuthorization(background(), a, w.Event(event.AuthorizationCreated, a.ID))
	})
	_, err = w.Store.Authorization(background(), a.ID)
	wantKind(t, err, fault.NotFound)
}

func testOrderPages(t *testing.T, w *World) {
	account := w.NewAccount()
	var newestFirst []acme.Order
	for range 5 {
		o, _ := w.NewOrder(account.ID, "example.com")
		newestFirst = append([]acme.Order{o}, newestFirst...)
	}
	id := func(o acme.Order) string { return o.ID }
	for _, connector := range []string{"", w.Connector.ID} {
		pages(t, 2, newestFirst, id, func(before string, limit int) ([]acme.Order, error) {
			return w.Store.ListOrders(background(), connector, before, limit)
		})
	}
	none, err := w.Store.ListOrders(background(), w.NewConnector("other").ID, "", 5)
	must(t, err)
	same(t, "orders of another connector", none, []acme.Order(nil))
}
