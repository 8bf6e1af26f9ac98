package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// testOrphans tests what the end of an account means for its orders.
func testOrphans(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"deactivated": func(t *testing.T, w *World) { testOrphan(t, w, acme.Deactivated, "The account was deactivated.") },
		"revoked": func(t *testing.T, w *World) {
			testOrphan(t, w, acme.Revoked, "The account was revoked by the operator.")
		},
		"late outcomes": testOrphanOutcomes,
		"finalize":      testOrphanFinalize,
		"retention":     testOrphanTrim,
	})
}

func testOrphan(t *testing.T, w *World, to acme.Status, sentence string) {
	a := w.NewAccount()
	want := w.ordersInEveryState(a.ID)
	others, _ := w.NewOrder(w.NewAccount().ID, "others.example.com")
	want[others.ID] = acme.Pending

	e := w.Event(event.AccountDeactivated, a.ID)
	e.At = Noon.Add(time.Minute)
	w.tells(e, func() {
		got, err := w.Store.EndAccount(background(), a.ID, to, e)
		must(t, err)
		if to == acme.Deactivated {
			a.Deactivated = e.At
		} else {
			a.Revoked = e.At
		}
		same(t, "the ended account", got, a)
	})
	failure := &acme.Failure{Kind: string(fault.Unauthorized), Public: sentence}
	listed := w.state().Orders
	for id, before := range want {
		o, authorizations, err := w.Store.Order(background(), id)
		must(t, err)
		status, after := o.Status(authorizations, e.At), before
		switch {
		case id != others.ID && (before == acme.Pending || before == acme.Ready):
			after = acme.Invalid
			same(t, "the failure of the "+string(before)+" order", o.Failure, failure)
		case o.Failure != nil: // what was invalid stays so for its own reason
			t.Errorf("an order that was %s has the failure %v", before, o.Failure)
		}
		if status != after {
			t.Errorf("an order that was %s is %s; want %s", before, status, after)
		}
		if !slices.ContainsFunc(listed, func(l acme.Order) bool { return l.ID == id }) {
			t.Errorf("the order that was %s is not listed", before)
		}
	}
	for _, l := range listed {
		o, _, err := w.Store.Order(background(), l.ID)
		must(t, err)
		same(t, "the listed order", l, o)
	}
	left := w.orderIDs(a.ID, 100, e.At)
	for _, id := range left {
		if want[id] != acme.Valid && want[id] != acme.Processing {
			t.Errorf("the ids have an order that was %s", want[id])
		}
	}
	if len(left) != 2 {
		t.Errorf("there are %d ids; want the valid order and the one that is processing", len(left))
	}
}

// ordersInEveryState stores orders of an account, several for each way to be invalid, and returns their statuses at Noon.
func (w *World) ordersInEveryState(account string) map[string]acme.Status {
	w.Helper()
	pending, _ := w.NewOrder(account, "pending.example.com")
	ready := w.NewReadyOrder(account, "ready.example.com")
	valid := w.Issue(account, "valid.example.com")
	begun := w.NewReadyOrder(account, "begun.example.com")
	intent, _ := w.Intent(begun)
	w.Begin(intent)
	expired, _ := w.Order(account)
	expired.Expires = Noon
	must(w, w.Store.CreateOrder(background(), expired, nil, w.Event(event.OrderCreated, expired.ID)))
	lapsed, created := w.Order(account, "lapsed.example.com")
	created[0].Expires = Noon
	must(w, w.Store.CreateOrder(background(), lapsed, created, w.Event(event.OrderCreated, lapsed.ID)))
	refused, lost := w.NewOrder(account, "refused.example.com")
	_, err := w.Store.Conclude(background(), w.failure(lost[0]), w.Event(event.AuthorizationInvalid, lost[0].ID))
	must(w, err)
	return map[string]acme.Status{
		pending.ID: acme.Pending, ready.ID: acme.Ready, valid.Order: acme.Valid, begun.ID: acme.Processing,
		expired.ID: acme.Invalid, lapsed.ID: acme.Invalid, refused.ID: acme.Invalid,
	}
}

func (w *World) endAccount(id string) {
	w.Helper()
	_, err := w.Store.EndAccount(background(), id, acme.Deactivated, w.Event(event.AccountDeactivated, id))
	must(w, err)
}

// Outcomes that come after the end of the account do not bring an order back.
func testOrphanOutcomes(t *testing.T, w *World) {
	account := w.NewAccount()
	proven, provenLate := w.NewOrder(account.ID, "proven.example.com")
	refused, refusedLate := w.NewOrder(account.ID, "refused.example.com")
	begun := w.NewReadyOrder(account.ID, "begun.example.com")
	i, der := w.Intent(begun)
	w.Begin(i)
	stopped := w.NewReadyOrder(account.ID, "stopped.example.com")
	abandoned, _ := w.Intent(stopped)
	w.Begin(abandoned)
	w.endAccount(account.ID)
	_ = w.refuses(fault.Unauthorized, func() error { _, err := w.conclude(w.Success(provenLate[0])); return err })
	_, err := w.conclude(w.failure(refusedLate[0]))
	must(t, err)
	w.Complete(i, der)
	must(t, w.abandon(abandoned.ID))
	for id, want := range map[string]acme.Status{
		proven.ID: acme.Invalid, refused.ID: acme.Invalid, begun.ID: acme.Valid, stopped.ID: acme.Invalid,
	} {
		if got := w.orderStatus(id, Noon); got != want {
			t.Errorf("order %s is %s; want %s", id, got, want)
		}
	}
	got, _, err := w.Store.Order(background(), stopped.ID)
	must(t, err)
	if got.Failure == nil || got.Failure.Kind != "internal" {
		t.Errorf("the abandoned order has the failure %v; want its own", got.Failure)
	}
}

// No order of an ended account is ready, whoever asks.
func testOrphanFinalize(t *testing.T, w *World) {
	account := w.NewAccount()
	i, _ := w.Intent(w.NewReadyOrder(account.ID, "example.com"))
	w.endAccount(account.ID)
	_ = w.refuses(fault.Unauthorized, func() error { return w.begin(i) })
	i.Account = ""
	_ = w.refuses(fault.NotReady, func() error { return w.begin(i) })
}

// Orders of an ended account leave when they expire, and their authorizations with them.
func testOrphanTrim(t *testing.T, w *World) {
	account := w.NewAccount()
	pending, _ := w.NewOrder(account.ID, "pending.example.com")
	ready := w.NewReadyOrder(account.ID, "ready.example.com")
	w.endAccount(account.ID)
	if rows := w.trim(pending.Expires); rows != 0 {
		t.Errorf("%d rows were deleted before the orders expired", rows)
	}
	if rows := w.trim(pending.Expires.Add(time.Second)); rows != 4 || w.hasOrder(pending.ID) || w.hasOrder(ready.ID) {
		t.Errorf("%d rows were deleted; want 2 orders with their authorizations", rows)
	}
}
