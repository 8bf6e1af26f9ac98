package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// Free pages are given back to the file system when there are more than freeShare of the file's and than freeFloor,
// freeStep at a time: fewer are taken again by the next inserts.
const (
	freeShare = 4 // a quarter
	freeFloor = 1024
	freeStep  = 256
)

// Ping implements store.Maintenance: it writes one row.
func (db *DB) Ping(ctx context.Context) error {
	return execute(ctx, db, func(tx *tx) error {
		_, err := tx.exec("UPDATE pulse SET beat = 1 - beat")
		return err
	})
}

// Trim implements store.Maintenance.
func (db *DB) Trim(ctx context.Context, before time.Time, limit int) (int, error) {
	until := query.Seconds(before)
	return write(ctx, db, func(tx *tx) (int, error) {
		if _, err := tx.exec(trimChecks, until, max(limit, 0)); err != nil { // of the same orders, before they go
			return 0, err
		}
		orders, err := tx.trimOrders(ctx, until, limit)
		if err != nil {
			return 0, err
		}
		rows := orders
		for _, statement := range []string{trimAuthorizations, trimIntents, trimEvents, trimLimits} {
			deleted, err := tx.exec(statement, until, max(limit-rows, 0))
			if err != nil {
				return 0, err
			}
			rows += int(deleted)
		}
		return rows, tx.giveBack(ctx)
	})
}

const (
	endedOrders        = "(SELECT id FROM orders WHERE ends IS NOT NULL AND ends < ? ORDER BY ends LIMIT ?)"
	trimChecks         = "DELETE FROM order_checks WHERE order_id IN " + endedOrders
	trimOrders         = "DELETE FROM orders WHERE id IN " + endedOrders + " RETURNING authorizations"
	trimAuthorizations = "DELETE FROM authorizations WHERE id IN " +
		"(SELECT id FROM authorizations WHERE orders = 0 AND ends < ? ORDER BY ends LIMIT ?)"
	trimIntents = "DELETE FROM intents WHERE rowid IN " +
		"(SELECT rowid FROM intents WHERE abandoned > 0 AND not_after < ? ORDER BY not_after LIMIT ?)"
	// Their times are microseconds.
	trimLimits = "DELETE FROM limits WHERE (connector, kind, subject) IN " +
		"(SELECT connector, kind, subject FROM limits WHERE arrival < ? * 1000000 ORDER BY arrival LIMIT ?)"
	trimEvents = "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE routine = 1 AND at < ? ORDER BY at LIMIT ?)"
)

// trimOrders deletes orders, and lets go of the authorizations that they named.
func (t *tx) trimOrders(ctx context.Context, until int64, limit int) (int, error) {
	t.changed = true
	lists, err := t.column(ctx, trimOrders, until, max(limit, 0))
	if err != nil {
		return 0, err
	}
	for _, text := range lists {
		var ids []string
		if err := json.Unmarshal([]byte(text), &ids); err != nil {
			return 0, fmt.Errorf("stored authorizations of an order: %w", err)
		}
		for _, id := range ids {
			if _, err := t.exec("UPDATE authorizations SET orders = orders - 1 WHERE id = ?", id); err != nil {
				return 0, err
			}
		}
	}
	return len(lists), nil
}

// giveBack shrinks the file by a step when much of it is free.
func (t *tx) giveBack(ctx context.Context) error {
	const much = "SELECT 'much' FROM pragma_freelist_count, pragma_page_count WHERE freelist_count > max(?, page_count / ?)"
	free, err := t.column(ctx, much, freeFloor, freeShare)
	if err != nil || len(free) == 0 {
		return err
	}
	_, err = t.exec(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", freeStep))
	return err
}

// column returns the rows of a statement with one column of text.
func (t *tx) column(ctx context.Context, text string, args ...any) ([]string, error) {
	rows, err := t.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values []string
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}
