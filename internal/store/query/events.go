package query

import (
	"context"
	"database/sql"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
)

// EventColumns are the columns of events in the order of EventValues. Beside them a row has its clock: how many times
// the operator had accepted the dates of the log when it was written.
const EventColumns = "id, at, organisation, actor, action, object, detail, routine"

// LastClock selects the clock of the newest events.
const LastClock = "SELECT coalesce(max(clock), 0) FROM events WHERE clock > 0"

const selectEvent = "SELECT id, at, organisation, actor, action, object, detail FROM events "

// EventValues is the row of an event.
func EventValues(e event.Event) []any {
	return []any{e.ID, Seconds(e.At), e.Organisation, e.Actor, e.Action, e.Object, e.Detail, flag(e.Action.Routine())}
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

// LastEvent returns when the newest event under the newest clock happened; the zero time without one.
func LastEvent(ctx context.Context, q Querier) (time.Time, error) {
	at, _, err := first(ctx, q, scalar[int64], "SELECT coalesce("+
		"(SELECT at FROM events WHERE clock > 0 ORDER BY clock DESC, id DESC LIMIT 1), "+
		"(SELECT at FROM events WHERE id < ? ORDER BY id DESC LIMIT 1), 0)", lastID)
	return moment(at), err
}
