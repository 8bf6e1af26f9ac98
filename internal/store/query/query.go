// Package query is what every engine of the store shares: how domain objects stand in rows, and the statements that
// read them. Transitions are written by each engine.
//
// The statements keep to SQL that SQLite and PostgreSQL both understand, with "?" for parameters; an engine that wants
// "$1" rewrites them in its [Querier]. A read that takes several statements says so: the engine runs it on one snapshot.
package query

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Querier runs one statement that returns rows. Two calls on one Querier may see different states unless the engine
// says that it is a snapshot.
type Querier interface {
	Query(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// decoder reads the current row.
type decoder[T any] func(*sql.Rows) (T, error)

// all returns every row of a statement. It closes the rows before it returns.
func all[T any](ctx context.Context, q Querier, decode decoder[T], text string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		item, err := decode(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}

// first returns the first row of a statement, and found = false without one.
func first[T any](ctx context.Context, q Querier, decode decoder[T], text string, args ...any) (item T, found bool, err error) {
	list, err := all(ctx, q, decode, text, args...)
	if err != nil || len(list) == 0 {
		return item, false, err
	}
	return list[0], true, nil
}

// one is first, with NotFound for a missing row.
func one[T any](ctx context.Context, q Querier, what string, decode decoder[T], text string, args ...any) (T, error) {
	item, found, err := first(ctx, q, decode, text, args...)
	if err == nil && !found {
		err = Missing(what)
	}
	return item, err
}

// exists reports whether a statement returns a row.
func exists(ctx context.Context, q Querier, text string, args ...any) (bool, error) {
	_, found, err := first(ctx, q, func(*sql.Rows) (struct{}, error) { return struct{}{}, nil }, text, args...)
	return found, err
}

// scalar decodes rows of one column.
func scalar[T any](rows *sql.Rows) (T, error) {
	var value T
	err := rows.Scan(&value)
	return value, err
}

// Missing is the error for a row that is not there.
func Missing(what string) error {
	return fault.New(fault.NotFound, "There is no such %s.", what)
}

// Insert is the statement that adds one row; columns are separated by ", ".
func Insert(table, columns string) string {
	return "INSERT INTO " + table + " (" + columns + ") VALUES (" + marks(strings.Count(columns, ",")+1) + ")"
}

// marks returns n parameters: "?, ?".
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// list turns values into the parameters of an IN list. The length is rounded up to a power of two by repeating the
// last value, so that few statement texts exist whatever the callers ask for. values must not be empty.
func list[T any](values []T) (in string, args []any) {
	size := 1
	for size < len(values) {
		size *= 2
	}
	for i := range size {
		args = append(args, values[min(i, len(values)-1)])
	}
	return "(" + marks(size) + ")", args
}

// limited makes room for "no limit" in a LIMIT parameter.
func limited(limit int) int { return max(limit, 0) }

// Seconds is how a time stands in a row: whole seconds since 1970, 0 for the zero time.
func Seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// Whole cuts a time down to what Seconds keeps of it, in UTC.
func Whole(t time.Time) time.Time { return moment(Seconds(t)) }

func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// document is how a list or a declaration stands in a row: as JSON text.
func document(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}

func parse(what, text string, value any) error {
	if err := json.Unmarshal([]byte(text), value); err != nil {
		return fmt.Errorf("stored %s: %w", what, err)
	}
	return nil
}
