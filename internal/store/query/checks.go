package query

import (
	"context"
	"database/sql"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
)

// CheckList is how the checks of an order stand in their row: NULL, and no row, without any.
func CheckList(checks []acme.Check) (any, error) {
	if len(checks) == 0 {
		return nil, nil
	}
	return document(checks)
}

func checks(rows *sql.Rows) ([]acme.Check, error) {
	var text string
	if err := rows.Scan(&text); err != nil {
		return nil, err
	}
	var list []acme.Check
	err := parse("checks", text, &list)
	return list, err
}

// Checks returns the checks of an order; none without any.
func Checks(ctx context.Context, q Querier, order string) ([]acme.Check, error) {
	list, _, err := first(ctx, q, checks, "SELECT checks FROM order_checks WHERE order_id = ?", order)
	return list, err
}
