package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func testTrim(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"orders":                testTrimOrders,
		"shared authorizations": testTrimShared,
		"pre-authorizations":    testTrimUnnamed,
		"events":                testTrimEvents,
		"steps":                 testTrimSteps,
	})
}

// trim deletes everything that ended before a time, and returns how many rows that were beside events.
func (w *World) trim(before time.Time) int {
	w.Helper()
	events := len(w.events())
	rows := load(w, func() (int, error) { return w.Store.Trim(background(), before, everything) })
	return rows + len(w.events()) - events
}

// events returns the whole log.
func (w *World) events() []event.Event {
	w.Helper()
	return load(w, func() ([]event.Event, error) { return w.Store.Events(background(), "", "", everything) })
}

func (w *World) hasOrder(id string) bool {
	w.Helper()
	_, _, err := w.Store.Order(background(), id)
	if err != nil {
		wantKind(w, err, fault.NotFound)
	}
	return err == nil
}

func (w *World) hasAuthorization(id string) bool {
	w.Helper()
	_, err := w.Store.Authorization(background(), id)
	if err != nil {
		wantKind(w, err, fault.NotFound)
	}
	return err == nil
}

// Proves INC-118.
func testTrimOrders(t *testing.T, w *World) {
	account := w.NewAccount()
	expired, _ := w.NewOrder(account.ID, "expired.example.com") // its expiry is that of its authorization, a day after Noon
	failed := w.NewReadyOrder(account.ID, "failed.example.com")
	i, _ := w.Intent(failed)
	w.Begin(i)
	must(t, w.abandon(i.ID))
	issued := w.Issue(account.ID, "issued.example.com")
	processing := w.NewReadyOrder(account.ID, "processing.example.com")
	i, _ = w.Intent(processing)
	w.Begin(i)
	ended := Noon.Add(24 * time.Hour)

	steps := []struct {
		before time.Time
		rows   int
		left   []string
	}{
		{Noon, 0, []string{expired.ID, failed.ID, issued.Order, processing.ID}},
		{Noon.Add(time.Second), 1, []string{expired.ID, issued.Order, processing.ID}}, // it failed at Noon
		{ended, 0, []string{expired.ID, issued.Order, processing.ID}},
		{ended.Add(time.Second), 3, []string{issued.Order, processing.ID}}, // with its authorization and the failed one's
		{issued.NotAfter, 0, []string{issued.Order, processing.ID}},
		{issued.NotAfter.Add(time.Second), 3, []string{processing.ID}}, // with its authorization and the abandoned intent
		{Noon.AddDate(50, 0, 0), 0, []string{processing.ID}},           // it runs to its end
	}
	for n, step := range steps {
		if rows := w.trim(step.before); rows != step.rows {
			t.Errorf("step %d deleted %d rows; want %d", n, rows, step.rows)
		}
		var left []string
		for _, id := range []string{expired.ID, failed.ID, issued.Order, processing.ID} {
			if w.hasOrder(id) {
				left = append(left, id)
			}
		}
		same(t, fmt.Sprint("what is left after step ", n), left, step.left)
	}
	got, err := w.Store.Certificate(background(), issued.ID) // certificates are never deleted
	must(t, err)
	same(t, "the certificate", got, issued)
	findings, err := w.Store.Check(background(), Noon)
	must(t, err)
	same(t, "the findings", findings, []string(nil))
}

func testTrimShared(t *testing.T, w *World) {
	account := w.NewAccount()
	first, created := w.NewOrder(account.ID, "a.example.com", "b.example.com")
	w.Prove(created...)
	second, _ := w.Order(account.ID)
	second.Authorizations, second.Expires = []string{created[0].ID}, Noon.Add(72*time.Hour)
	must(t, w.Store.CreateOrder(background(), second, nil, w.Event(event.OrderCreated, second.ID)))

	if rows := w.trim(first.Expires.Add(time.Second)); rows != 2 { // the first order and what only it names
		t.Errorf("%d rows were deleted; want 2", rows)
	}
	if w.hasOrder(first.ID) || !w.hasOrder(second.ID) || !w.hasAuthorization(created[0].ID) || w.hasAuthorization(created[1].ID) {
		t.Error("the wrong rows were deleted")
	}
	if rows := w.trim(second.Expires.Add(time.Second)); rows != 2 {
		t.Errorf("%d rows were deleted; want 2", rows)
	}
	if w.hasAuthorization(created[0].ID) {
		t.Error("an authorization is left that no order names")
	}
}

func testTrimUnnamed(t *testing.T, w *World) {
	account := w.NewAccount()
	pending, proven := w.preAuthorize(account.ID, "a.example.com"), w.preAuthorize(account.ID, "b.example.com")
	deactivated, refused := w.preAuthorize(account.ID, "c.example.com"), w.preAuthorize(account.ID, "d.example.com")
	c := w.Success(proven)
	c.ValidUntil = Noon.Add(100 * time.Hour)
	_, err := w.conclude(c)
	must(t, err)
	_, err = w.end(deactivated.ID, acme.Deactivated)
	must(t, err)
	_, err = w.conclude(w.failure(refused))
	must(t, err)

	for n, step := range []struct {
		before time.Time
		rows   int
	}{{Noon, 0}, {Noon.Add(time.Second), 2}, {pending.Expires, 0}, {pending.Expires.Add(time.Second), 1}, {c.ValidUntil, 0}, {c.ValidUntil.Add(time.Second), 1}} {
		if rows := w.trim(step.before); rows != step.rows {
			t.Errorf("step %d deleted %d rows; want %d", n, rows, step.rows)
		}
	}
	for _, a := range []acme.Authorization{pending, proven, deactivated, refused} {
		if w.hasAuthorization(a.ID) {
			t.Errorf("the authorization for %s is left", a.Identifier)
		}
	}
}

// Events of orders, authorizations and revocation lists leave; what tells of certificates, accounts and operators stays.
func testTrimEvents(t *testing.T, w *World) {
	w.Populate()
	later := Noon.Add(time.Hour)
	young := w.Event(event.AuthorizationCreated, w.ID())
	young.At = later
	a := w.Authorization(w.NewAccount().ID, w.Names("young.example.com")[0])
	must(t, w.Store.CreateAuthorization(background(), a, young))
	var stay []event.Event
	left := map[bool]int{}
	for _, e := range w.events() {
		kind, _, _ := strings.Cut(string(e.Action), ".")
		leaves := kind == "order" || kind == "authorization" || kind == "crl"
		if leaves = leaves && e.ID != young.ID; !leaves {
			stay = append(stay, e)
		}
		left[leaves]++
	}
	if left[true] < 10 || left[false] < 10 {
		t.Fatalf("there are too few events to tell: %v", left)
	}
	last := load(t, func() (time.Time, error) { return w.Store.LastEvent(background()) })
	w.trim(Noon)
	if n := len(w.events()); n != left[true]+left[false] {
		t.Errorf("of %d events %d are left, and none is old", left[true]+left[false], n)
	}
	w.trim(later)
	same(t, "the log", w.events(), stay)
	same(t, "the newest date", load(t, func() (time.Time, error) { return w.Store.LastEvent(background()) }), last)
	findings, err := w.Store.Check(background(), Noon)
	must(t, err)
	same(t, "the findings", findings, []string(nil))
}

func testTrimSteps(t *testing.T, w *World) {
	account := w.NewAccount()
	for i := range 5 {
		w.NewOrder(account.ID, fmt.Sprintf("a%d.example.com", i), fmt.Sprintf("b%d.example.com", i))
	}
	later := Noon.Add(25 * time.Hour)
	total := 0
	for range 20 {
		rows, err := w.Store.Trim(background(), later, 2)
		must(t, err)
		if rows > 2 {
			t.Fatalf("a step of 2 deleted %d rows", rows)
		}
		total += rows
		if rows < 2 {
			break
		}
	}
	if total != 20 || w.trim(later) != 0 {
		t.Errorf("%d rows were deleted in steps; want 5 orders with 2 authorizations and one event each", total)
	}
	for _, limit := range []int{0, -1} {
		rows, err := w.Store.Trim(background(), later, limit)
		must(t, err)
		if rows != 0 {
			t.Errorf("a step of %d deleted %d rows", limit, rows)
		}
	}
}
