package sqlite

import (
	"context"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// saveChecks keeps what CAA records said of an order whose issuance has not begun; nil: nobody asked.
func (t *tx) saveChecks(order string, checks any) error {
	if checks == nil {
		return nil
	}
	_, err := t.exec("INSERT INTO order_checks (order_id, checks) SELECT id, ? FROM orders WHERE id = ? AND begun = 0 "+
		"ON CONFLICT (order_id) DO UPDATE SET checks = excluded.checks", checks, order)
	return err
}

// RefuseIssuance implements store.Issuance.
func (db *DB) RefuseIssuance(ctx context.Context, order string, checks []acme.Check, e event.Event) error {
	list, err := query.CheckList(checks)
	if err != nil {
		return err
	}
	return execute(ctx, db, func(tx *tx) error {
		if err := tx.saveChecks(order, list); err != nil {
			return err
		}
		return tx.record(e)
	})
}

// Checks implements store.Issuance.
func (db *DB) Checks(ctx context.Context, order string) ([]acme.Check, error) {
	return read(ctx, db, func(q query.Querier) ([]acme.Check, error) { return query.Checks(ctx, q, order) })
}
