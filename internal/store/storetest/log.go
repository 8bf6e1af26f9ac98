package storetest

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/store"
)

func testLog(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"pages":                  testEventPages,
		"newest":                 testLastEvent,
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
