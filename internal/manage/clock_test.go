package manage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// TestAcceptClock lets a clock that was a year ahead go back.
func TestAcceptClock(t *testing.T) {
	i := newReady(t)
	accept := func(want manage.ClockView) {
		t.Helper()
		got, err := i.AcceptClock(t.Context(), operator)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	right := i.Clock.Now()
	accept(manage.ClockView{Now: right, Newest: right})

	ahead := right.Add(365 * day)
	i.Clock.Set(ahead)
	if _, err := i.CreateOrganisation(t.Context(), operator, "future"); err != nil {
		t.Fatal(err)
	}
	i.Clock.Set(right.Add(time.Minute))
	accept(manage.ClockView{Now: i.Clock.Now(), Newest: ahead, Accepted: true})
	accept(manage.ClockView{Now: i.Clock.Now(), Newest: i.Clock.Now()})

	events, _, err := i.Events(t.Context(), "", manage.Page{})
	if err != nil {
		t.Fatal(err)
	}
	want := manage.EventView{Event: event.Event{
		At: i.Clock.Now(), Actor: string(operator), Action: event.ClockAccepted, Detail: "instead of " + ahead.Format(time.RFC3339),
	}}
	var got []manage.EventView
	for _, e := range events {
		if e.ID = ""; e.Action == event.ClockAccepted {
			got = append(got, e)
		}
	}
	if diff := cmp.Diff([]manage.EventView{want}, got); diff != "" {
		t.Errorf("events of acceptance (-want +got):\n%s", diff)
	}

	i.Clock.Set(right)
	accept(manage.ClockView{Now: right, Newest: right.Add(time.Minute), Accepted: true})
}
