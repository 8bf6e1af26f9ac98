package query

import (
	"context"
	"database/sql"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
)

// OrderColumns are the columns of orders in the order of OrderValues.
const OrderColumns = "id, account, connector, profile, profile_name, identifiers, not_before, not_after, created, expires, " +
	"authorizations, begun, failure, certificate, ends"

const selectOrder = "SELECT id, account, connector, profile, profile_name, identifiers, not_before, not_after, created, expires, " +
	"authorizations, begun, failure, certificate FROM orders "

// OrderValues is the row of a new order.
func OrderValues(o acme.Order) ([]any, error) {
	identifiers, err := document(o.Identifiers)
	if err != nil {
		return nil, err
	}
	authorizations, err := document(o.Authorizations)
	if err != nil {
		return nil, err
	}
	failure, err := Failure(o.Failure)
	return []any{
		o.ID, o.Account, o.Connector, o.Profile, o.ProfileName, identifiers, Seconds(o.NotBefore), Seconds(o.NotAfter),
		Seconds(o.Created), Seconds(o.Expires), authorizations, Seconds(o.Begun), failure, o.Certificate, Seconds(o.Expires),
	}, err
}

// Failure is how the failure of an order stands in its row: NULL without one.
func Failure(f *acme.Failure) (any, error) {
	if f == nil {
		return nil, nil
	}
	return document(f)
}

func order(rows *sql.Rows) (acme.Order, error) {
	var (
		o                                            acme.Order
		identifiers, authorizations                  string
		notBefore, notAfter, created, expires, begun int64
		failure                                      sql.NullString
	)
	err := rows.Scan(&o.ID, &o.Account, &o.Connector, &o.Profile, &o.ProfileName, &identifiers, &notBefore, &notAfter,
		&created, &expires, &authorizations, &begun, &failure, &o.Certificate)
	if err != nil {
		return o, err
	}
	o.NotBefore, o.NotAfter, o.Created, o.Expires = moment(notBefore), moment(notAfter), moment(created), moment(expires)
	o.Begun = moment(begun)
	if failure.Valid {
		if err := parse("failure", failure.String, &o.Failure); err != nil {
			return o, err
		}
	}
	if err := parse("identifiers", identifiers, &o.Identifiers); err != nil {
		return o, err
	}
	return o, parse("authorizations", authorizations, &o.Authorizations)
}

// Order returns an order with its authorizations; NotFound without one. It takes two statements.
func Order(ctx context.Context, q Querier, id string) (acme.Order, []acme.Authorization, error) {
	o, err := one(ctx, q, "order", order, selectOrder+"WHERE id = ?", id)
	if err != nil {
		return o, nil, err
	}
	authorizations, err := Authorizations(ctx, q, o.Authorizations)
	return o, authorizations, err
}

// Orders returns a page of orders, newest first.
func Orders(ctx context.Context, q Querier, connector, before string, limit int) ([]acme.Order, error) {
	if connector == "" {
		return all(ctx, q, order, selectOrder+"WHERE id < ? ORDER BY id DESC LIMIT ?", start(before), limited(limit))
	}
	return all(ctx, q, order, selectOrder+"WHERE connector = ? AND id < ? ORDER BY id DESC LIMIT ?",
		connector, start(before), limited(limit))
}

// OrderIDs returns a page of the ids of an account's orders that are not invalid at now, newest first. It takes
// several statements.
func OrderIDs(ctx context.Context, q Querier, account, before string, limit int, now time.Time) ([]string, error) {
	var ids []string
	for len(ids) < limit {
		// What the order's own row says is left to the database; the authorizations are asked here.
		page, err := all(ctx, q, order, selectOrder+"WHERE account = ? AND id < ? AND failure IS NULL AND "+
			"(begun > 0 OR expires > ?) ORDER BY id DESC LIMIT ?", account, start(before), Seconds(now), limit-len(ids))
		if err != nil || len(page) == 0 {
			return ids, err
		}
		for _, o := range page {
			authorizations, err := Authorizations(ctx, q, o.Authorizations)
			if err != nil {
				return nil, err
			}
			if o.Status(authorizations, now) != acme.Invalid {
				ids = append(ids, o.ID)
			}
		}
		before = page[len(page)-1].ID
	}
	return ids, nil
}
