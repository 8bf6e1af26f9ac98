package query

import (
	"context"
	"database/sql"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
)

// EventColumns are the columns of events in the order of EventValues.
const EventColumns = "id, at, organisation, actor, action, object, detail"

const selectEvent = "SELECT " + EventColumns + " FROM events "

// EventValues is the row of an event.
func EventValues(e event.Event) []any {
	return []any{e.ID, Seconds(e.At), e.Organisation, e.Actor, e.Action, e.Object, e.Detail}
}

// Events returns a page of events, newest first.
func Events(ctx context.Context, q Querier, object, before string, limit int) ([]event.Event, error) {
	decode := func(rows *sql.Rows) (e event.Event, err error) {
		var at int64
		err = rows.Scan(&e.ID, &at, &e.Organisation, &e.Actor, &e.Action, &e.Object, &e.Detail)
		e.At = moment(at)
		return e, err
	}
	if object == "" {
		return all(ctx, q, decode, selectEvent+"WHERE id < ? ORDER BY id DESC LIMIT ?", start(before), limited(limit))
	}
	return all(ctx, q, decode, selectEvent+"WHERE object = ? AND id < ? ORDER BY id DESC LIMIT ?",
		object, start(before), limited(limit))
}

// LastEvent returns when the newest event happened; the zero time without one.
func LastEvent(ctx context.Context, q Querier) (time.Time, error) {
	at, _, err := first(ctx, q, scalar[int64], "SELECT at FROM events ORDER BY id DESC LIMIT 1")
	return moment(at), err
}
