package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// record writes the event of a transition into its transaction.
func (t *tx) record(e event.Event) error {
	if e.ID == "" || e.At.IsZero() {
		return errors.New("the event of a transition has no id or no time")
	}
	_, err := t.exec(query.Insert("events", query.EventColumns), query.EventValues(e)...)
	return err
}

// Events implements store.Log.
func (db *DB) Events(ctx context.Context, object, before string, limit int) ([]event.Event, error) {
	return read(ctx, db, func(q query.Querier) ([]event.Event, error) {
		return query.Events(ctx, q, object, before, limit)
	})
}

// LastEvent implements store.Log.
func (db *DB) LastEvent(ctx context.Context) (time.Time, error) {
	return read(ctx, db, func(q query.Querier) (time.Time, error) { return query.LastEvent(ctx, q) })
}
