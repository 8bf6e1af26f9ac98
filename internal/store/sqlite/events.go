package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// record writes the event of a transition into its transaction.
func (t *tx) record(e event.Event) error {
	if e.ID == "" || e.At.IsZero() {
		return errors.New("the event of a transition has no id or no time")
	}
	_, err := t.exec(insertEvent, query.EventValues(e)...)
	return err
}

const (
	insertEvent = "INSERT INTO events (" + query.EventColumns + ", clock) VALUES (?, ?, ?, ?, ?, ?, ?, ?, (" + query.LastClock + "))"
	// The new clock counts from its own event on.
	startClock = "UPDATE events SET clock = clock + 1 WHERE id = ?"
)

// AcceptClock implements store.Log.
func (db *DB) AcceptClock(ctx context.Context, e event.Event) error {
	if e.Action != event.ClockAccepted {
		return fmt.Errorf("the event of an accepted clock is %s", e.Action)
	}
	return execute(ctx, db, func(tx *tx) error {
		if err := tx.record(e); err != nil {
			return err
		}
		if _, err := tx.exec(startClock, e.ID); err != nil {
			return err
		}
		_, err := tx.exec("UPDATE crl_shards SET stale = 1 WHERE this_update > ?", query.Seconds(e.At))
		return err
	})
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
