package sqlite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/store"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// CreateAuthorization implements store.Orders.
func (db *DB) CreateAuthorization(ctx context.Context, a acme.Authorization, e event.Event, charges ...limit.Charge) error {
	values, err := query.AuthorizationValues(a)
	if err != nil {
		return err
	}
	return execute(ctx, db, func(tx *tx) error {
		if err := tx.requireAccount(ctx, a.Account, a.Created); err != nil {
			return err
		}
		if err := tx.take(ctx, a.Connector, charges, a.Created); err != nil {
			return err
		}
		if err := tx.insertAuthorization(values, 0); err != nil {
			return err
		}
		return tx.record(e)
	})
}

// Authorization implements store.Orders.
func (db *DB) Authorization(ctx context.Context, id string) (acme.Authorization, error) {
	return read(ctx, db, func(q query.Querier) (acme.Authorization, error) { return query.Authorization(ctx, q, id) })
}

// Reusable implements store.Orders.
func (db *DB) Reusable(ctx context.Context, account string, ids []ident.Identifier, now, until time.Time) ([]acme.Authorization, error) {
	found, err := db.usable(ctx, account, ids, now)
	return slices.DeleteFunc(found, func(a acme.Authorization) bool { return a.Expires.Before(until) }), err
}

// Authorized implements store.Certificates.
func (db *DB) Authorized(ctx context.Context, account string, ids []ident.Identifier, now time.Time) ([]ident.Identifier, error) {
	found, err := db.usable(ctx, account, ids, now)
	if err != nil {
		return nil, err
	}
	var authorized []ident.Identifier
	for _, id := range ids {
		if slices.ContainsFunc(found, func(a acme.Authorization) bool { return !a.Approved() && a.Covers() == id }) {
			authorized = append(authorized, id)
		}
	}
	return authorized, nil
}

func (db *DB) usable(ctx context.Context, account string, ids []ident.Identifier, now time.Time) ([]acme.Authorization, error) {
	return read(ctx, db, func(q query.Querier) ([]acme.Authorization, error) {
		return query.Usable(ctx, q, account, ids, now)
	})
}

// Unfinished implements store.Orders.
func (db *DB) Unfinished(ctx context.Context, before time.Time, limit int) ([]acme.Authorization, error) {
	return read(ctx, db, func(q query.Querier) ([]acme.Authorization, error) {
		return query.Unfinished(ctx, q, before, limit)
	})
}

// Respond implements store.Orders.
func (db *DB) Respond(ctx context.Context, authorization string, m acme.Method, keyAuthorization string, now time.Time) (acme.Authorization, error) {
	now = query.Whole(now)
	return write(ctx, db, func(tx *tx) (acme.Authorization, error) {
		return tx.moveAuthorization(ctx, authorization, now, func(a acme.Authorization) (acme.Authorization, error) {
			next, err := a.Respond(m, keyAuthorization, now)
			if err == nil {
				err = tx.requireAccount(ctx, a.Account, now)
			}
			return next, err
		})
	})
}

// Conclude implements store.Orders.
func (db *DB) Conclude(ctx context.Context, c store.Conclusion, e event.Event) (acme.Authorization, error) {
	c.Now, c.ValidUntil = query.Whole(c.Now), query.Whole(c.ValidUntil)
	return write(ctx, db, func(tx *tx) (acme.Authorization, error) {
		next, err := tx.moveAuthorization(ctx, c.Authorization, c.Now, func(a acme.Authorization) (acme.Authorization, error) {
			next, err := a.Conclude(c)
			if err == nil && c.Outcome.Failure == nil {
				err = tx.requireAccount(ctx, a.Account, c.Now)
			}
			return next, err
		})
		if err != nil {
			return next, err
		}
		if err := tx.prove(ctx, next.Connector, c); err != nil {
			return next, err
		}
		return next, tx.record(e)
	})
}

// EndAuthorization implements store.Orders.
func (db *DB) EndAuthorization(ctx context.Context, authorization string, to acme.Status, now time.Time, e event.Event) (acme.Authorization, error) {
	now = query.Whole(now)
	return write(ctx, db, func(tx *tx) (acme.Authorization, error) {
		next, err := tx.moveAuthorization(ctx, authorization, now, func(a acme.Authorization) (acme.Authorization, error) {
			switch to {
			case acme.Deactivated:
				return a.Deactivate(now)
			case acme.Revoked:
				return a.Revoke(now)
			default:
				return a, fmt.Errorf("an authorization cannot be made %s", to)
			}
		})
		if err != nil {
			return next, err
		}
		return next, tx.record(e)
	})
}

// moveAuthorization loads an authorization, applies a transition of the domain to it and stores what came out.
func (t *tx) moveAuthorization(
	ctx context.Context, id string, now time.Time, move func(acme.Authorization) (acme.Authorization, error),
) (acme.Authorization, error) {
	current, err := query.Authorization(ctx, t, id)
	if err != nil {
		return current, err
	}
	next, err := move(current)
	if err != nil {
		return current, err
	}
	changes, err := query.AuthorizationUpdate(next, now)
	if err != nil {
		return current, err
	}
	_, err = t.exec("UPDATE authorizations SET ("+query.AuthorizationChanges+") = (?, ?, ?, ?, ?, ?, ?) WHERE id = ?", append(changes, id)...)
	return next, err
}
