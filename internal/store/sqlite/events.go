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

// undate returns what takes from a clock that is no longer believed all that would last by its dates: lists, proofs of
// control, what was taken of limits, what overrides cover, and the age of what is under way.
func undate() []string {
	return []string{
		"UPDATE crl_shards SET stale = 1 WHERE this_update > ?1",
		"UPDATE authorizations SET expires = min(expires, ?1), ends = min(ends, ?1) WHERE valid = 1",
		"UPDATE authorizations SET processing = ?1 WHERE processing > 0 AND processing > ?1",
		"UPDATE intents SET begun = ?1 WHERE abandoned = 0 AND begun > ?1",
		"UPDATE limits SET arrival = ?1 * 1000000 WHERE arrival > ?1 * 1000000",
		"UPDATE renewal_overrides SET created = ?1 WHERE id > '' AND ended = 0 AND created > ?1",
	}
}

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
		for _, statement := range undate() {
			if _, err := tx.exec(statement, query.Seconds(e.At)); err != nil {
				return err
			}
		}
		return nil
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
