package sqlite

import (
	"context"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// CreateIssuer implements store.Declarations.
func (db *DB) CreateIssuer(ctx context.Context, i pki.Issuer, e event.Event) error {
	return execute(ctx, db, func(tx *tx) error {
		if _, err := tx.exec(query.Insert("issuers", query.IssuerColumns), query.IssuerValues(i)...); err != nil {
			return err
		}
		if err := tx.insertShard(i.ID, i.Shard, i.Room); err != nil {
			return err
		}
		return tx.record(e)
	})
}

func (t *tx) insertShard(issuer string, s pki.Shard, room int) error {
	_, err := t.exec("INSERT INTO crl_shards (issuer, number, url, room) VALUES (?, ?, ?, ?)", issuer, s.Number, s.URL, room)
	return err
}

// OpenShard implements store.Declarations.
func (db *DB) OpenShard(ctx context.Context, issuer string, s pki.Shard, room int) error {
	return execute(ctx, db, func(tx *tx) error {
		current, err := query.Issuer(ctx, tx, issuer)
		if err != nil {
			return err
		}
		if s.Number != current.Shard.Number+1 {
			return fault.New(fault.Conflict, "The newest shard of the issuer is %d by now; read it again.", current.Shard.Number)
		}
		if err := tx.insertShard(issuer, s, room); err != nil {
			return err
		}
		_, err = tx.exec("UPDATE issuers SET shard = ? WHERE id = ?", s.Number, issuer)
		return err
	})
}

// Issuer implements store.Declarations.
func (db *DB) Issuer(ctx context.Context, id string) (pki.Issuer, error) {
	return read(ctx, db, func(q query.Querier) (pki.Issuer, error) { return query.Issuer(ctx, q, id) })
}

// Issuers implements store.Declarations.
func (db *DB) Issuers(ctx context.Context) ([]pki.Issuer, error) {
	return read(ctx, db, func(q query.Querier) ([]pki.Issuer, error) { return query.Issuers(ctx, q) })
}
