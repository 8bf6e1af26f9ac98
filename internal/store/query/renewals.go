package query

import (
	"context"
	"database/sql"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ari"
)

// OverrideColumns are the columns of renewal_overrides in the order of OverrideValues.
const OverrideColumns = "id, selects, starts, ends, explanation, created, ended"

const selectOverride = "SELECT " + OverrideColumns + " FROM renewal_overrides "

// OverrideValues is the row of an override.
func OverrideValues(o ari.Override) ([]any, error) {
	selects, err := document(o.Set)
	return []any{
		o.ID, selects, Seconds(o.Window.Start), Seconds(o.Window.End), o.Explanation, Seconds(o.Created), Seconds(o.Ended),
	}, err
}

func override(rows *sql.Rows) (o ari.Override, err error) {
	var (
		selects                      string
		starts, ends, created, ended int64
	)
	if err := rows.Scan(&o.ID, &selects, &starts, &ends, &o.Explanation, &created, &ended); err != nil {
		return o, err
	}
	o.Window = ari.Window{Start: moment(starts), End: moment(ends)}
	o.Created, o.Ended = moment(created), moment(ended)
	return o, parse("set of an override", selects, &o.Set)
}

// Override returns an override; NotFound without one.
func Override(ctx context.Context, q Querier, id string) (ari.Override, error) {
	return one(ctx, q, "override", override, selectOverride+"WHERE id = ?", id)
}

// Overrides returns the overrides in force, or with ended all, newest first.
func Overrides(ctx context.Context, q Querier, ended bool) ([]ari.Override, error) {
	if ended {
		return all(ctx, q, override, selectOverride+"WHERE id > '' ORDER BY id DESC")
	}
	return all(ctx, q, override, selectOverride+"WHERE ended = 0 AND id > '' ORDER BY id DESC")
}

// CountOverrides returns how many overrides are in force.
func CountOverrides(ctx context.Context, q Querier) (int, error) {
	n, _, err := first(ctx, q, scalar[int], "SELECT count(*) FROM renewal_overrides WHERE ended = 0 AND id > ''")
	return n, err
}

// Replaced reports whether a certificate was replaced, or an order that is not invalid at now replaces it. It takes
// several statements.
func Replaced(ctx context.Context, q Querier, certificate string, now time.Time) (bool, error) {
	done, err := exists(ctx, q, "SELECT 1 FROM certificates WHERE replaces = ? AND replaces <> ''", certificate)
	if err != nil || done {
		return done, err
	}
	claim, found, err := first(ctx, q, order, selectOrder+"WHERE o.replaces = ? AND o.replacing = 1", certificate)
	if err != nil || !found {
		return false, err
	}
	invalid, err := claim.invalid(ctx, q, now)
	return !invalid, err
}
