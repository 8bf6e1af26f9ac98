package query

import (
	"context"
	"database/sql"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
)

// OrderColumns are the columns of orders in the order of OrderValues.
const OrderColumns = "id, account, connector, profile, profile_name, identifiers, not_before, not_after, created, expires, " +
	"authorizations, begun, failure, certificate, ends, replaces, replaces_as, replacing"

// selectOrder joins what an order's account says about it.
const selectOrder = "SELECT o.id, o.account, o.connector, o.profile, o.profile_name, o.identifiers, o.not_before, o.not_after, " +
	"o.created, o.expires, o.authorizations, o.begun, o.failure, o.certificate, o.replaces, o.replaces_as, a.deactivated, a.revoked " +
	"FROM orders o JOIN accounts a ON a.id = o.account "

// ownedOrder is an order as its row has it, and the end of its account.
type ownedOrder struct {
	acme.Order
	owner acme.Account
}

// open reports whether the order's own row leaves open what became of it.
func (o ownedOrder) open() bool {
	return o.Certificate == "" && o.Failure == nil && o.Begun.IsZero()
}

// whole returns an order as it is, with its authorizations.
func (o ownedOrder) whole(ctx context.Context, q Querier) (acme.Order, []acme.Authorization, error) {
	authorizations, err := Authorizations(ctx, q, o.Authorizations)
	return o.Orphan(o.owner, authorizations), authorizations, err
}

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
		o.Replaces, o.ReplacesAs, o.Replaces != "",
	}, err
}

// Failure is how the failure of an order stands in its row: NULL without one.
func Failure(f *acme.Failure) (any, error) {
	if f == nil {
		return nil, nil
	}
	return document(f)
}

func order(rows *sql.Rows) (ownedOrder, error) {
	var (
		o                                            ownedOrder
		identifiers, authorizations                  string
		notBefore, notAfter, created, expires, begun int64
		deactivated, revoked                         int64
		failure                                      sql.NullString
	)
	err := rows.Scan(&o.ID, &o.Account, &o.Connector, &o.Profile, &o.ProfileName, &identifiers, &notBefore, &notAfter,
		&created, &expires, &authorizations, &begun, &failure, &o.Certificate,
		&o.Replaces, &o.ReplacesAs, &deactivated, &revoked)
	if err != nil {
		return o, err
	}
	o.NotBefore, o.NotAfter, o.Created, o.Expires = moment(notBefore), moment(notAfter), moment(created), moment(expires)
	o.Begun, o.owner.Deactivated, o.owner.Revoked = moment(begun), moment(deactivated), moment(revoked)
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
	o, err := one(ctx, q, "order", order, selectOrder+"WHERE o.id = ?", id)
	if err != nil {
		return acme.Order{}, nil, err
	}
	return o.whole(ctx, q)
}

// Orders returns a page of orders, newest first. It may take several statements.
func Orders(ctx context.Context, q Querier, connector, before string, limit int) ([]acme.Order, error) {
	page, err := ownedOrders(ctx, q, connector, before, limit)
	if err != nil {
		return nil, err
	}
	orders := make([]acme.Order, len(page))
	for i, o := range page {
		orders[i] = o.Order
		if o.open() && o.owner.Status() != acme.Valid {
			if orders[i], _, err = o.whole(ctx, q); err != nil {
				return nil, err
			}
		}
	}
	return orders, nil
}

func ownedOrders(ctx context.Context, q Querier, connector, before string, limit int) ([]ownedOrder, error) {
	if connector == "" {
		return all(ctx, q, order, selectOrder+"WHERE o.id < ? ORDER BY o.id DESC LIMIT ?", start(before), limited(limit))
	}
	return all(ctx, q, order, selectOrder+"WHERE o.connector = ? AND o.id < ? ORDER BY o.id DESC LIMIT ?",
		connector, start(before), limited(limit))
}

// looks is how many orders a page of ids looks at for each id that is asked for.
const looks = 10

// OrderIDs returns a page of the ids of an account's orders that are not invalid at now, newest first, and the id
// before which the next page begins; "" at the end. It takes several statements, whose number depends on limit alone.
func OrderIDs(ctx context.Context, q Querier, account, before string, limit int, now time.Time) (ids []string, next string, err error) {
	for range looks {
		page, more, err := accountOrders(ctx, q, account, before, limit-len(ids))
		if err != nil {
			return nil, "", err
		}
		for _, o := range page {
			invalid, err := o.invalid(ctx, q, now)
			if err != nil {
				return nil, "", err
			}
			if !invalid {
				ids = append(ids, o.ID)
			}
			before = o.ID
		}
		if !more {
			return ids, "", nil
		}
		if len(ids) >= limit {
			break
		}
	}
	return ids, before, nil
}

// accountOrders returns a page of an account's orders, newest first, and whether there are more.
func accountOrders(ctx context.Context, q Querier, account, before string, limit int) (page []ownedOrder, more bool, err error) {
	limit = limited(limit)
	page, err = all(ctx, q, order, selectOrder+"WHERE o.account = ? AND o.id < ? ORDER BY o.id DESC LIMIT ?", account, start(before), limit+1)
	if len(page) > limit {
		return page[:limit], true, err
	}
	return page, false, err
}

// invalid reports whether an order is invalid at now. Its authorizations are read when they matter.
func (o ownedOrder) invalid(ctx context.Context, q Querier, now time.Time) (bool, error) {
	status := o.Status(nil, now)
	if status != acme.Ready {
		return status == acme.Invalid, nil
	}
	whole, authorizations, err := o.whole(ctx, q)
	return whole.Status(authorizations, now) == acme.Invalid, err
}
