package storetest

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store"
)

func testLog(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"pages":                  testEventPages,
		"newest":                 testLastEvent,
		"an accepted clock":      testAcceptClock,
		"accepted twice":         testAcceptClockAgain,
		"lists of that clock":    testAcceptClockLists,
		"what that clock began":  testAcceptClockUnderWay,
		"an event without an id": testEventWithoutID,
	})
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		testEmptyLog(t, open(t))
	})
}

func testEventPages(t *testing.T, w *World) {
	var all, ofConnector []event.Event
	other := w.NewConnector("other")
	start := load(t, func() ([]event.Event, error) { return w.Store.Events(background(), "", "", everything) })
	for i := range 5 {
		id := []string{w.Connector.ID, other.ID}[i%2]
		e := event.Event{
			ID: w.ID(), At: Noon.Add(time.Duration(i) * time.Second), Organisation: w.Organisation.ID, Actor: "admin:root",
			Action: event.ConnectorSaved, Object: id, Detail: "suspended; ünïcode",
		}
		must(t, w.Store.SuspendConnector(background(), id, Noon, e))
		all = append([]event.Event{e}, all...)
		if i%2 == 0 {
			ofConnector = append([]event.Event{e}, ofConnector...)
		}
	}
	created, err := w.Store.Events(background(), w.Connector.ID, ofConnector[len(ofConnector)-1].ID, 10)
	must(t, err)
	if len(created) != 1 || created[0].Action != event.ConnectorSaved {
		t.Errorf("before the suspensions the connector has the events %v; want its creation", created)
	}
	id := func(e event.Event) string { return e.ID }
	pages(t, 2, append(ofConnector, created...), id, func(before string, limit int) ([]event.Event, error) {
		return w.Store.Events(background(), w.Connector.ID, before, limit)
	})
	got, err := w.Store.Events(background(), "", "", 1)
	must(t, err)
	same(t, "the newest event", got, all[:1])
	got, err = w.Store.Events(background(), "", "", everything)
	must(t, err)
	same(t, "all events", got, append(all, start...))
}

func testLastEvent(t *testing.T, w *World) {
	at, err := w.Store.LastEvent(background())
	must(t, err)
	same(t, "the last event", at, Noon)
	e := w.Event(event.ConnectorSaved, w.Connector.ID)
	e.At = Noon.Add(1500 * time.Millisecond)
	must(t, w.Store.SuspendConnector(background(), w.Connector.ID, Noon, e))
	at, err = w.Store.LastEvent(background())
	must(t, err)
	same(t, "the last event", at, Noon.Add(time.Second))
}

// lastEvent returns the date that the clock must not stand before.
func (w *World) lastEvent() time.Time {
	w.Helper()
	return load(w, func() (time.Time, error) { return w.Store.LastEvent(background()) })
}

// happen writes an event as a clock that shows such a time would.
func (w *World) happen(at time.Time) event.Event {
	w.Helper()
	e := w.at(event.ConnectorSaved, at)
	must(w, w.Store.SuspendConnector(background(), w.Connector.ID, Noon, e))
	return e
}

// at is Event with an id and a time of another moment.
func (w *World) at(action event.Action, at time.Time) event.Event {
	e := w.Event(action, w.Connector.ID)
	e.ID, e.At = idAt(at, w.ticks.Add(1)), at
	return e
}

// A clock that was ahead left events with dates to come. Once they are accepted, the protection begins again from the
// acceptance, and grows with what happens then, though its ids stand among those of the accepted events.
func testAcceptClock(t *testing.T, w *World) {
	ahead := Noon.AddDate(1, 0, 0)
	var future []event.Event
	for i := range 3 {
		future = append(future, w.happen(ahead.Add(time.Duration(i)*time.Hour)))
	}
	same(t, "the newest date", w.lastEvent(), future[2].At)

	before := w.state()
	e := w.at(event.ClockAccepted, Noon.Add(time.Minute))
	must(t, w.Store.AcceptClock(background(), e))
	after := w.state()
	same(t, "the date after the acceptance", after.LastEvent, e.At)
	if got := load(t, func() ([]event.Event, error) { return w.Store.Events(background(), "", future[0].ID, 1) }); got[0] != e {
		t.Errorf("before the accepted events the log has %v; want the acceptance", got)
	}
	before.Events, before.LastEvent, after.Events, after.LastEvent = nil, time.Time{}, nil, time.Time{}
	same(t, "the rest of the store", after, before)

	for _, at := range []time.Time{Noon.Add(time.Hour), Noon.AddDate(0, 6, 0), ahead.Add(time.Hour + time.Minute), ahead.AddDate(1, 0, 0)} {
		w.happen(at)
		same(t, "the newest date", w.lastEvent(), at)
	}
	w.trim(ahead.AddDate(2, 0, 0))
	same(t, "the newest date after retention", w.lastEvent(), ahead.AddDate(1, 0, 0))
}

func testAcceptClockAgain(t *testing.T, w *World) {
	for i := range 3 {
		w.happen(Noon.AddDate(10-i, 0, 0))
		e := w.at(event.ClockAccepted, Noon.AddDate(0, 0, i+1))
		must(t, w.Store.AcceptClock(background(), e))
		same(t, "the newest date", w.lastEvent(), e.At)
	}
	earlier := w.at(event.ClockAccepted, Noon.AddDate(0, 0, -1)) // the clock before was ahead as well
	must(t, w.Store.AcceptClock(background(), earlier))
	same(t, "the newest date", w.lastEvent(), earlier.At)

	for _, e := range []event.Event{{}, w.Event(event.ConnectorSaved, ""), {ID: w.ID(), Action: event.ClockAccepted}} {
		_ = w.refuses(fault.Internal, func() error { return w.Store.AcceptClock(background(), e) })
	}
	_ = w.refuses(fault.Conflict, func() error { return w.Store.AcceptClock(background(), earlier) })
}

// A list that is dated by the clock that was ahead would stay for as long as that date says.
func testAcceptClockLists(t *testing.T, w *World) {
	w.publish(1, 0)
	due := func() int {
		return len(load(t, func() ([]pki.CRL, error) { return w.Store.CRLsDue(background(), Noon) }))
	}
	must(t, w.Store.AcceptClock(background(), w.at(event.ClockAccepted, w.list(1).ThisUpdate)))
	same(t, "the lists due when none is ahead", due(), 0)
	must(t, w.Store.AcceptClock(background(), w.at(event.ClockAccepted, Noon)))
	same(t, "the lists due when one is ahead", due(), 1)
	w.publish(2, 0)
	same(t, "the lists due after it was made anew", due(), 0)
}

// What was proven lasts by the dates of the clock that was ahead, and what it began would look too young to be resumed.
func testAcceptClockUnderWay(t *testing.T, w *World) {
	account := w.NewAccount().ID
	proven := w.preAuthorize(account, "proven.example.com")
	w.Prove(proven)
	answered := w.preAuthorize(account, "answered.example.com")
	_, err := w.respond(answered.ID, answered.Challenges[0].Method, Noon)
	must(t, err)
	intent, der := w.Intent(w.NewReadyOrder(account, "begun.example.com"))
	w.Begin(intent)

	accepted, later := Noon.Add(-time.Hour), Noon.Add(-time.Minute)
	must(t, w.Store.AcceptClock(background(), w.at(event.ClockAccepted, accepted)))
	for _, id := range []ident.Identifier{proven.Identifier, intent.Names[0]} {
		held := load(t, func() ([]acme.Authorization, error) {
			return w.Store.Reusable(background(), account, []ident.Identifier{id}, later, later)
		})
		if len(held) > 0 {
			t.Errorf("the proof of control of %s lasts until %s", id, held[0].Expires)
		}
	}
	unfinished := load(t, func() ([]acme.Authorization, error) { return w.Store.Unfinished(background(), later, 10) })
	if len(unfinished) != 1 || unfinished[0].ID != answered.ID {
		t.Errorf("unfinished are %v", unfinished)
	}
	intents := load(t, func() ([]pki.Intent, error) { return w.Store.Intents(background(), later, "", 10) })
	if len(intents) != 1 || intents[0].ID != intent.ID {
		t.Errorf("the intents are %v", intents)
	}
	w.Complete(intent, der)
	if got := w.orderStatus(intent.Order, later); got != acme.Valid {
		t.Errorf("the order that was begun is %s", got)
	}
}

// What cannot be told does not happen.
func testEventWithoutID(t *testing.T, w *World) {
	a := w.NewAccount()
	for _, e := range []event.Event{{}, {At: Noon}, {ID: w.ID()}} {
		_ = w.refuses(fault.Internal, func() error {
			_, err := w.Store.SetContacts(background(), a.ID, nil, e)
			return err
		})
		_ = w.refuses(fault.Internal, func() error {
			_, err := w.Store.EndAccount(background(), a.ID, acme.Deactivated, e)
			return err
		})
	}
	twice := load(t, func() ([]event.Event, error) { return w.Store.Events(background(), a.ID, "", 1) })[0]
	_ = w.refuses(fault.Conflict, func() error {
		_, err := w.Store.SetContacts(background(), a.ID, nil, twice)
		return err
	})
}

func testEmptyLog(t *testing.T, s store.Store) {
	defer func() { must(t, s.Close()) }()
	at, err := s.LastEvent(background())
	must(t, err)
	if !at.IsZero() {
		t.Errorf("the last event of an empty store happened at %s", at)
	}
	events, err := s.Events(background(), "", "", 10)
	must(t, err)
	if len(events) != 0 {
		t.Errorf("an empty store has the events %v", events)
	}
}
