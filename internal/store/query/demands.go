package query

import (
	"context"
	"database/sql"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// DemandColumns are the columns of demands in the order of DemandValues.
const DemandColumns = "credential, name, organisation, actor, reason, asked, revoked, ended"

const selectDemand = "SELECT " + DemandColumns + " FROM demands "

// DemandValues is the row of a demand.
func DemandValues(d pki.Demand) []any {
	return []any{d.Credential, d.Name, d.Organisation, d.Actor, int(d.Reason), Seconds(d.Asked), d.Revoked, Seconds(d.Ended)}
}

func demand(rows *sql.Rows) (d pki.Demand, err error) {
	var (
		reason       int
		asked, ended int64
	)
	err = rows.Scan(&d.Credential, &d.Name, &d.Organisation, &d.Actor, &reason, &asked, &d.Revoked, &ended)
	d.Reason, d.Asked, d.Ended = pki.Reason(reason), moment(asked), moment(ended)
	return d, err
}

// Demand returns the last demand on a credential; NotFound without one.
func Demand(ctx context.Context, q Querier, credential string) (pki.Demand, error) {
	return one(ctx, q, "demand", demand, selectDemand+"WHERE credential = ?", credential)
}

// OpenDemands returns the demands that have not ended.
func OpenDemands(ctx context.Context, q Querier) ([]pki.Demand, error) {
	return all(ctx, q, demand, selectDemand+"WHERE ended = 0 AND credential > '' ORDER BY credential")
}

// IssuesFor reports whether an intent of an account that came in by a credential has not ended. Few intents are open.
func IssuesFor(ctx context.Context, q Querier, credential string) (bool, error) {
	return exists(ctx, q, "SELECT 1 FROM intents i CROSS JOIN accounts a ON a.id = i.account WHERE i.abandoned = 0 AND a.credential = ? LIMIT 1", credential)
}

// Unrevoked returns certificates of the accounts that came in by a credential that are neither revoked nor expired at
// now, by account and id, behind the given one. It takes two statements for each account that it looks at.
func Unrevoked(ctx context.Context, q Querier, credential string, after pki.Certificate, now time.Time, limit int) ([]pki.Certificate, error) {
	var found []pki.Certificate
	for len(found) < limit {
		account, some, err := first(ctx, q, scalar[string],
			"SELECT id FROM accounts WHERE credential = ? AND credential <> '' AND id >= ? ORDER BY id LIMIT 1", credential, after.Account)
		if err != nil || !some {
			return found, err
		}
		if account != after.Account {
			after.ID = ""
		}
		page, err := unrevokedOf(ctx, q, account, after.ID, now, limit-len(found))
		if err != nil {
			return nil, err
		}
		found, after = append(found, page...), pki.Certificate{Account: account + lastID}
	}
	return found, nil
}

func unrevokedOf(ctx context.Context, q Querier, account, after string, now time.Time, limit int) ([]pki.Certificate, error) {
	return all(ctx, q, certificate, selectCertificate+"WHERE account = ? AND id > ? AND revoked = 0 AND not_after >= ? ORDER BY id LIMIT ?",
		account, after, Seconds(now), limited(limit))
}
