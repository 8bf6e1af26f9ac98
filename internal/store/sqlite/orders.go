package sqlite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// CreateOrder implements store.Orders.
func (db *DB) CreateOrder(ctx context.Context, o acme.Order, created []acme.Authorization, e event.Event, charges ...limit.Charge) error {
	values, err := query.OrderValues(o)
	if err != nil {
		return err
	}
	authorizations := make([][]any, len(created))
	for i, a := range created {
		if !slices.Contains(o.Authorizations, a.ID) {
			return fmt.Errorf("order %s does not name its new authorization %s", o.ID, a.ID)
		}
		if authorizations[i], err = query.AuthorizationValues(a); err != nil {
			return err
		}
	}
	return execute(ctx, db, func(tx *tx) error {
		if err := tx.requireAccount(ctx, o.Account, o.Created); err != nil {
			return err
		}
		if err := tx.take(ctx, o.Connector, charges, o.Created); err != nil {
			return err
		}
		for _, values := range authorizations {
			if err := tx.insertAuthorization(values, 1); err != nil {
				return err
			}
		}
		for _, id := range reused(o, created) {
			if err := tx.nameAuthorization(id, o.Account); err != nil {
				return err
			}
		}
		if err := tx.claim(ctx, o); err != nil {
			return err
		}
		if _, err := tx.exec(query.Insert("orders", query.OrderColumns), values...); err != nil {
			return err
		}
		return tx.record(e)
	})
}

// reused returns the ids of the authorizations that an order names and that are not new.
func reused(o acme.Order, created []acme.Authorization) []string {
	return slices.DeleteFunc(slices.Clone(o.Authorizations), func(id string) bool {
		return slices.ContainsFunc(created, func(a acme.Authorization) bool { return a.ID == id })
	})
}

// insertAuthorization stores an authorization that so many orders name.
func (t *tx) insertAuthorization(values []any, orders int) error {
	_, err := t.exec(query.Insert("authorizations", query.AuthorizationColumns+", orders"), append(slices.Clip(values), orders)...)
	return err
}

// nameAuthorization counts one more order that names an authorization of an account.
func (t *tx) nameAuthorization(id, account string) error {
	changed, err := t.exec("UPDATE authorizations SET orders = orders + 1 WHERE id = ? AND account = ?", id, account)
	if err == nil && changed == 0 {
		err = query.Missing("authorization")
	}
	return err
}

// Order implements store.Orders.
func (db *DB) Order(ctx context.Context, id string) (acme.Order, []acme.Authorization, error) {
	type result struct {
		order          acme.Order
		authorizations []acme.Authorization
	}
	r, err := snapshot(ctx, db, func(q query.Querier) (r result, err error) {
		r.order, r.authorizations, err = query.Order(ctx, q, id)
		return r, err
	})
	return r.order, r.authorizations, err
}

// OrderIDs implements store.Orders.
func (db *DB) OrderIDs(ctx context.Context, account, before string, limit int, now time.Time) (ids []string, next string, err error) {
	ids, err = snapshot(ctx, db, func(q query.Querier) (ids []string, err error) {
		ids, next, err = query.OrderIDs(ctx, q, account, before, limit, now)
		return ids, err
	})
	return ids, next, err
}

// ListOrders implements store.Orders.
func (db *DB) ListOrders(ctx context.Context, connector, before string, limit int) ([]acme.Order, error) {
	return snapshot(ctx, db, func(q query.Querier) ([]acme.Order, error) {
		return query.Orders(ctx, q, connector, before, limit)
	})
}
