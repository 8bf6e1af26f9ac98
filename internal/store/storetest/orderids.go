package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
)

func testOrderIDs(t *testing.T, w *World) {
	account := w.NewAccount()
	later := Noon.Add(time.Hour)
	pending, _ := w.NewOrder(account.ID, "pending.example.com")
	ready := w.NewReadyOrder(account.ID, "ready.example.com")
	valid := w.Issue(account.ID, "valid.example.com").Order
	begun := w.NewReadyOrder(account.ID, "begun.example.com")
	intent, _ := w.Intent(begun)
	w.Begin(intent)
	for i := range 4 { // these are invalid at the time asked
		o, created := w.Order(account.ID, "invalid.example.com")
		switch i {
		case 0:
			o.Expires = later
		case 1:
			created[0].Expires = later
		case 2:
			o.Failure = &acme.Failure{Kind: "caa", Public: "CAA forbids it."}
		}
		must(t, w.Store.CreateOrder(background(), o, created, w.Event(event.OrderCreated, o.ID)))
		if i == 3 {
			_, err := w.Store.EndAuthorization(background(), created[0].ID, acme.Deactivated, Noon, w.Event(event.AuthorizationDeactivated, created[0].ID))
			must(t, err)
		}
	}
	last, _ := w.NewOrder(account.ID, "last.example.com")
	w.NewOrder(w.NewAccount().ID, "others.example.com")

	want := []string{last.ID, begun.ID, valid, ready.ID, pending.ID}
	for size := 1; size <= 10; size++ {
		same(t, fmt.Sprint("all pages of ", size), w.orderIDs(account.ID, size, later), want)
	}
	if early := w.orderIDs(account.ID, 100, later.Add(-time.Second)); len(early) != 7 {
		t.Errorf("a second earlier there are %d orders; want 7", len(early))
	}
	for _, before := range []string{"", last.ID} {
		ids, _, err := w.Store.OrderIDs(background(), account.ID, before, 0, later)
		must(t, err)
		same(t, "a page of none", ids, []string(nil))
	}
	ids, next, err := w.Store.OrderIDs(background(), account.ID, "", 9, later)
	must(t, err)
	same(t, "a page that ends with the oldest order", ids, want)
	if next != "" {
		t.Errorf("behind the oldest order there is %q", next)
	}
}

// orderIDs reads the ids of an account's orders page by page.
func (w *World) orderIDs(account string, size int, now time.Time) (all []string) {
	w.Helper()
	before := ""
	for range 1000 {
		ids, next, err := w.Store.OrderIDs(background(), account, before, size, now)
		must(w, err)
		if len(ids) > size {
			w.Fatalf("a page of %d has %d ids", size, len(ids))
		}
		all = append(all, ids...)
		if next == "" {
			return all
		}
		if before != "" && next >= before {
			w.Fatalf("behind %s the pages go on with %s", before, next)
		}
		before = next
	}
	w.Fatal("the pages do not end")
	return nil
}

// Many invalid orders make pages short and no page long: each looks at ten orders for each id that it may have.
func testOrderIDsBounded(t *testing.T, w *World) {
	account := w.NewAccount()
	oldest, _ := w.NewOrder(account.ID, "oldest.example.com")
	var invalid []string
	for i := range 45 {
		o, created := w.Order(account.ID, "invalid.example.com")
		if i%2 == 0 {
			o.Expires = Noon
		} else {
			created[0].Expires = Noon
		}
		must(t, w.Store.CreateOrder(background(), o, created, w.Event(event.OrderCreated, o.ID)))
		invalid = append(invalid, o.ID)
	}
	before := ""
	for page := 1; page <= 2; page++ {
		ids, next, err := w.Store.OrderIDs(background(), account.ID, before, 2, Noon)
		must(t, err)
		if reached := invalid[len(invalid)-page*20]; len(ids) != 0 || next < reached {
			t.Fatalf("page %d has %d ids and goes on with %q; want none, and not to go behind %s", page, len(ids), next, reached)
		}
		before = next
	}
	for _, size := range []int{1, 2, 3, 4, 5, 100} {
		same(t, fmt.Sprint("all pages of ", size), w.orderIDs(account.ID, size, Noon), []string{oldest.ID})
	}
}
