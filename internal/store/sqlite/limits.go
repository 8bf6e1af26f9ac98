package sqlite

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/store"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

const putLevel = "INSERT INTO limits (" + query.LevelColumns + ") VALUES (?, ?, ?, ?, ?) " +
	"ON CONFLICT (connector, kind, subject) DO UPDATE SET (arrival, in_a_row) = (excluded.arrival, excluded.in_a_row)"

// take charges limits, all or none.
func (t *tx) take(ctx context.Context, connector string, charges []limit.Charge, now time.Time) error {
	if len(charges) == 0 {
		return nil
	}
	kept, err := query.LevelsOf(ctx, t, connector, charges)
	if err != nil {
		return err
	}
	next, err := limit.Judge(charges, kept, query.Whole(now))
	if err != nil {
		return err
	}
	for _, l := range next {
		if _, err := t.exec(putLevel, query.LevelValues(connector, l)...); err != nil {
			return err
		}
	}
	return nil
}

// prove counts a failed proof of control, or forgets those before a success.
func (t *tx) prove(ctx context.Context, connector string, c store.Conclusion) error {
	switch {
	case c.Proof.Kind == "":
		return nil
	case c.Outcome.Failure == nil:
		_, err := t.exec(deleteLevel, connector, c.Proof.Kind, c.Proof.Subject)
		return err
	}
	kept, err := query.Level(ctx, t, connector, c.Proof.Key)
	if err != nil {
		return err
	}
	next, pauses := kept.Fail(c.Proof, c.Now)
	if _, err := t.exec(putLevel, query.LevelValues(connector, next)...); err != nil || !pauses {
		return err
	}
	return t.record(c.Pause)
}

const deleteLevel = "DELETE FROM limits WHERE connector = ? AND kind = ? AND subject = ?"

// Levels implements store.Limits.
func (db *DB) Levels(ctx context.Context, connector string, kind limit.Kind, now time.Time, most int) ([]limit.Level, error) {
	return read(ctx, db, func(q query.Querier) ([]limit.Level, error) {
		return query.Levels(ctx, q, connector, kind, now, most)
	})
}

// Level implements store.Limits.
func (db *DB) Level(ctx context.Context, connector string, key limit.Key) (limit.Level, error) {
	return read(ctx, db, func(q query.Querier) (limit.Level, error) { return query.Level(ctx, q, connector, key) })
}

// ResetLevel implements store.Limits.
func (db *DB) ResetLevel(ctx context.Context, connector string, key limit.Key, e event.Event) error {
	return db.change(ctx, "limit", e, deleteLevel, connector, key.Kind, key.Subject)
}
