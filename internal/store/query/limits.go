package query

import (
	"context"
	"database/sql"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/limit"
)

// LevelColumns are the columns of what is kept of a limit, in the order of LevelValues.
const LevelColumns = "connector, kind, subject, arrival, in_a_row"

const selectLevel = "SELECT kind, subject, arrival, in_a_row FROM limits "

// LevelValues is the row of what is kept of a limit.
func LevelValues(connector string, l limit.Level) []any {
	return []any{connector, l.Kind, l.Subject, micros(l.Arrival), l.Row}
}

func level(rows *sql.Rows) (l limit.Level, err error) {
	var arrival int64
	err = rows.Scan(&l.Kind, &l.Subject, &arrival, &l.Row)
	if arrival != 0 {
		l.Arrival = time.UnixMicro(arrival).UTC()
	}
	return l, err
}

// micros is how the time of a limit stands in a row; 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Level returns what is kept of one limit; an empty level without a row.
func Level(ctx context.Context, q Querier, connector string, key limit.Key) (limit.Level, error) {
	l, found, err := first(ctx, q, level, selectLevel+"WHERE connector = ? AND kind = ? AND subject = ?", connector, key.Kind, key.Subject)
	if err == nil && !found {
		l.Key = key
	}
	return l, err
}

// LevelsOf returns what is kept of the limits that charges are for.
func LevelsOf(ctx context.Context, q Querier, connector string, charges []limit.Charge) ([]limit.Level, error) {
	subjects := make(map[limit.Kind][]string)
	for _, c := range charges {
		subjects[c.Kind] = append(subjects[c.Kind], c.Subject)
	}
	var kept []limit.Level
	for kind, wanted := range subjects {
		in, args := list(wanted)
		found, err := all(ctx, q, level, selectLevel+"WHERE connector = ? AND kind = ? AND subject IN "+in, append([]any{connector, kind}, args...)...)
		if err != nil {
			return nil, err
		}
		kept = append(kept, found...)
	}
	return kept, nil
}

// Levels returns what is kept of the limits of a kind ("" for all) of which something is taken at now, or failures are
// remembered, the newest arrival first.
func Levels(ctx context.Context, q Querier, connector string, kind limit.Kind, now time.Time, most int) ([]limit.Level, error) {
	return all(ctx, q, level, selectLevel+"WHERE connector = ? AND (kind = ? OR ? = '') AND (arrival > ? OR in_a_row > 0) "+
		"ORDER BY arrival DESC, kind, subject LIMIT ?", connector, kind, kind, micros(now), limited(most))
}
