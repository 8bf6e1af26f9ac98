package sqlite

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// demand records what is to be revoked. One that is open stays as it is.
func (t *tx) demand(d pki.Demand) error {
	_, err := t.exec(query.Insert("demands", query.DemandColumns)+
		" ON CONFLICT (credential) DO UPDATE SET (actor, reason, asked, revoked, ended) = "+
		"(excluded.actor, excluded.reason, excluded.asked, 0, 0) WHERE ended > 0", query.DemandValues(d)...)
	return err
}

// requireNoDemand refuses to let a credential in again while its certificates are being revoked.
func (t *tx) requireNoDemand(ctx context.Context, credential string) error {
	d, err := query.Demand(ctx, t, credential)
	switch {
	case fault.Is(err, fault.NotFound) || err == nil && !d.Ended.IsZero():
		return nil
	case err != nil:
		return err
	default:
		return fault.New(fault.Conflict, "The certificates of the credential %s are being revoked, %d so far; resume it when that has ended.", d.Name, d.Revoked)
	}
}

// Demand implements store.Demands.
func (db *DB) Demand(ctx context.Context, credential string) (pki.Demand, error) {
	return read(ctx, db, func(q query.Querier) (pki.Demand, error) { return query.Demand(ctx, q, credential) })
}

// OpenDemands implements store.Demands.
func (db *DB) OpenDemands(ctx context.Context) ([]pki.Demand, error) {
	return read(ctx, db, func(q query.Querier) ([]pki.Demand, error) { return query.OpenDemands(ctx, q) })
}

// IssuesFor implements store.Demands.
func (db *DB) IssuesFor(ctx context.Context, credential string) (bool, error) {
	return read(ctx, db, func(q query.Querier) (bool, error) { return query.IssuesFor(ctx, q, credential) })
}

// Unrevoked implements store.Demands.
func (db *DB) Unrevoked(ctx context.Context, credential string, after pki.Certificate, now time.Time, limit int) ([]pki.Certificate, error) {
	return read(ctx, db, func(q query.Querier) ([]pki.Certificate, error) {
		return query.Unrevoked(ctx, q, credential, after, now, limit)
	})
}

// RevokeDemanded implements store.Demands.
func (db *DB) RevokeDemanded(ctx context.Context, credential string, events []event.Event) (int, error) {
	return write(ctx, db, func(tx *tx) (int, error) {
		d, err := query.Demand(ctx, tx, credential)
		if err != nil {
			return 0, err
		}
		revoked := 0
		for _, e := range events {
			c, err := query.Certificate(ctx, tx, e.Object)
			if err != nil {
				return 0, err
			}
			switch err := tx.revoke(c, e.At, d.Reason, d.Reason == pki.KeyCompromise, e); {
			case err == nil:
				revoked++
			case !fault.Is(err, fault.AlreadyRevoked):
				return 0, err
			}
		}
		_, err = tx.exec("UPDATE demands SET revoked = revoked + ? WHERE credential = ?", revoked, credential)
		return revoked, err
	})
}

// EndDemand implements store.Demands.
func (db *DB) EndDemand(ctx context.Context, credential string, e event.Event) error {
	return execute(ctx, db, func(tx *tx) error {
		ended, err := tx.exec("UPDATE demands SET ended = ? WHERE credential = ? AND ended = 0", query.Seconds(e.At), credential)
		if err != nil {
			return err
		}
		if ended == 0 {
			return fault.New(fault.Conflict, "The demand was ended already.")
		}
		return tx.record(e)
	})
}
