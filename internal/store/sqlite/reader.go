package sqlite

import (
	"context"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// read runs one statement on a free reader. The context ends only the wait for the reader.
func read[T any](ctx context.Context, db *DB, fn func(query.Querier) (T, error)) (T, error) {
	var none T
	reader, err := db.acquire(ctx)
	if err != nil {
		return none, err
	}
	defer func() { db.readers <- reader }()
	result, err := fn(reader)
	return result, translate(err)
}

// snapshot is read for several statements that must see one state.
func snapshot[T any](ctx context.Context, db *DB, fn func(query.Querier) (T, error)) (T, error) {
	var none T
	reader, err := db.acquire(ctx)
	if err != nil {
		return none, err
	}
	defer func() { db.readers <- reader }()
	if err := reader.run("BEGIN"); err != nil {
		return none, translate(err)
	}
	defer reader.run("ROLLBACK") //nolint:errcheck // it ends a transaction that changed nothing
	result, err := fn(reader)
	return result, translate(err)
}

func (db *DB) acquire(ctx context.Context) (*conn, error) {
	select {
	case <-db.closing:
		return nil, errClosed()
	default:
	}
	select {
	case reader := <-db.readers:
		return reader, nil
	case <-db.closing:
		return nil, errClosed()
	case <-ctx.Done():
		return nil, fault.Wrap(context.Cause(ctx), fault.Unavailable, "The request ended before its turn.")
	}
}
