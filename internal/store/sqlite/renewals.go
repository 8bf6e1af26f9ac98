package sqlite

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// claim makes room for an order that replaces a certificate: AlreadyReplaced when another one does. An order that became
// invalid stays so, and its claim goes to the next one; the index of claims keeps them apart.
func (t *tx) claim(ctx context.Context, o acme.Order) error {
	if o.Replaces == "" {
		return nil
	}
	replaced, err := query.Replaced(ctx, t, o.Replaces, query.Whole(o.Created))
	if err != nil {
		return err
	}
	if replaced {
		return fault.New(fault.AlreadyReplaced,
			`Another order replaces the certificate that "replaces" names (RFC 9773 section 5); order without it, or name the newer certificate.`)
	}
	_, err = t.exec("UPDATE orders SET replacing = 0 WHERE replacing = 1 AND replaces = ?", o.Replaces)
	return err
}

// CreateOverride implements store.Renewals.
func (db *DB) CreateOverride(ctx context.Context, o ari.Override, most int, e event.Event) error {
	values, err := query.OverrideValues(o)
	if err != nil {
		return err
	}
	return execute(ctx, db, func(tx *tx) error {
		others, err := query.CountOverrides(ctx, tx)
		if err != nil {
			return err
		}
		if others >= most {
			return fault.New(fault.Conflict, "%d overrides are in force, which is the most that there may be; end one first.", others)
		}
		if _, err := tx.exec(query.Insert("renewal_overrides", query.OverrideColumns), values...); err != nil {
			return err
		}
		return tx.record(e)
	})
}

// Overrides implements store.Renewals.
func (db *DB) Overrides(ctx context.Context, ended bool) ([]ari.Override, error) {
	return read(ctx, db, func(q query.Querier) ([]ari.Override, error) { return query.Overrides(ctx, q, ended) })
}

// EndOverride implements store.Renewals.
func (db *DB) EndOverride(ctx context.Context, id string, at time.Time, e event.Event) (ari.Override, error) {
	return write(ctx, db, func(tx *tx) (ari.Override, error) {
		changed, err := tx.exec("UPDATE renewal_overrides SET ended = ? WHERE id = ? AND ended = 0", query.Seconds(at), id)
		if err != nil {
			return ari.Override{}, err
		}
		if changed > 0 {
			if err := tx.record(e); err != nil {
				return ari.Override{}, err
			}
		}
		return query.Override(ctx, tx, id)
	})
}
