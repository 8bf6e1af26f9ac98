package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// BeginIssuance implements store.Issuance.
func (db *DB) BeginIssuance(ctx context.Context, i pki.Intent, charges ...limit.Charge) error {
	values, err := query.IntentValues(i)
	if err != nil {
		return err
	}
	checks, err := query.CheckList(i.Checks)
	if err != nil {
		return err
	}
	return execute(ctx, db, func(tx *tx) error {
		if i.Account != "" {
			if err := tx.requireAccount(ctx, i.Account, i.Begun); err != nil {
				return err
			}
			if err := tx.requireOpen(ctx, i.Connector); err != nil {
				return err
			}
		}
		if err := tx.take(ctx, i.Connector, charges, i.Begun); err != nil {
			return err
		}
		if i.Order != "" {
			if err := tx.saveChecks(i.Order, checks); err != nil {
				return err
			}
			if err := tx.beginOrder(ctx, i.Order, query.Whole(i.Begun)); err != nil {
				return err
			}
		}
		if err := tx.requireUnblockedKey(ctx, i.KeyHash); err != nil {
			return err
		}
		if err := tx.requireNoAccount(ctx, i.Thumbprint); err != nil {
			return err
		}
		if err := tx.insertIntent(ctx, i, values); err != nil {
			return err
		}
		return tx.joinShard(i.Certificate)
	})
}

// requireOpen returns Unauthorized when a connector is suspended.
func (t *tx) requireOpen(ctx context.Context, connector string) error {
	suspended, err := query.ConnectorSuspended(ctx, t, connector)
	if err == nil && suspended {
		err = fault.New(fault.Unauthorized, "This connector is suspended; ask the operator of the CA.")
	}
	return err
}

// joinShard takes a place in the shard that will list the certificate.
func (t *tx) joinShard(c pki.Certificate) error {
	if c.Shard == 0 {
		return nil
	}
	changed, err := t.exec("UPDATE crl_shards SET room = room - 1 WHERE issuer = ? AND number = ? AND room > 0", c.Issuer, c.Shard)
	if err == nil && changed == 0 {
		err = fault.New(fault.Conflict, "The shard %d of the issuer is full.", c.Shard)
	}
	return err
}

// requireNoAccount refuses the key of an account for a certificate.
func (t *tx) requireNoAccount(ctx context.Context, thumbprint string) error {
	if thumbprint == "" {
		return nil
	}
	taken, err := query.KeyHasAccount(ctx, t, thumbprint)
	if err == nil && taken {
		err = fault.New(fault.BadPublicKey, "The key is that of an ACME account; make a separate key for the certificate.")
	}
	return err
}

// beginOrder moves an order from ready to processing.
func (t *tx) beginOrder(ctx context.Context, id string, now time.Time) error {
	current, authorizations, err := query.Order(ctx, t, id)
	if err != nil {
		return err
	}
	next, err := current.Finalize(authorizations, now)
	if err != nil {
		return err
	}
	return t.moveOrder("UPDATE orders SET begun = ?, ends = NULL WHERE id = ? AND begun = 0 AND failure IS NULL",
		fault.NotReady, query.Seconds(next.Begun), id)
}

// moveOrder runs a guarded change of one order; the kind says what it means that the guard did not hold.
func (t *tx) moveOrder(text string, kind fault.Kind, args ...any) error {
	changed, err := t.exec(text, args...)
	if err == nil && changed == 0 {
		err = fault.New(kind, "The order is in another state by now; read it again.")
	}
	return err
}

// insertIntent claims the serial number together with the intent.
func (t *tx) insertIntent(ctx context.Context, i pki.Intent, values []any) error {
	used, err := query.SerialUsed(ctx, t, i.Issuer, i.Serial)
	if err != nil {
		return err
	}
	if !used {
		_, err = t.exec(query.Insert("intents", query.IntentColumns), values...)
		used = isDuplicate(err)
	}
	if used {
		return fault.Wrap(err, fault.Conflict, "The serial number %s is in use already.", i.Serial)
	}
	return err
}

// CompleteIssuance implements store.Issuance.
func (db *DB) CompleteIssuance(ctx context.Context, intent string, der []byte, issued time.Time, e event.Event) error {
	if e.Action != event.CertificateIssued || e.Object != intent {
		return fmt.Errorf("the event of certificate %s is %s of %q", intent, e.Action, e.Object)
	}
	return execute(ctx, db, func(tx *tx) error {
		i, err := tx.requireIntent(ctx, intent)
		if err != nil {
			return err
		}
		c := i.Certificate
		c.Issued, c.DER = issued, der
		if err := tx.insertCertificate(c); err != nil {
			return err
		}
		if i.Order != "" {
			err := tx.moveOrder("UPDATE orders SET certificate = ?, ends = ? WHERE id = ? AND begun > 0 AND failure IS NULL AND certificate = ''",
				fault.Internal, intent, query.Seconds(i.NotAfter), i.Order)
			if err != nil {
				return err
			}
		}
		if _, err := tx.exec("DELETE FROM intents WHERE abandoned = 0 AND id = ?", intent); err != nil {
			return err
		}
		return tx.record(e)
	})
}

func (t *tx) insertCertificate(c pki.Certificate) error {
	values, err := query.CertificateValues(c)
	if err != nil {
		return err
	}
	if _, err := t.exec(query.Insert("certificates", query.CertificateColumns), values...); err != nil {
		if isDuplicate(err) { // no race of callers: the store contradicts itself
			err = fmt.Errorf("certificate %s: %v", c.ID, err) //nolint:errorlint // so that nobody takes it for a Conflict
		}
		return err
	}
	for _, name := range query.SearchNames(c.Names) {
		if _, err := t.exec("INSERT INTO certificate_names (name, certificate) VALUES (?, ?)", name, c.ID); err != nil {
			return err
		}
	}
	return t.watchKey(c.KeyHash)
}

// AbandonIssuance implements store.Issuance.
func (db *DB) AbandonIssuance(ctx context.Context, intent string, f acme.Failure, e event.Event) error {
	failure, err := query.Failure(&f)
	if err != nil {
		return err
	}
	return execute(ctx, db, func(tx *tx) error {
		i, err := tx.requireIntent(ctx, intent)
		if err != nil {
			return err
		}
		if i.Order != "" {
			err := tx.moveOrder("UPDATE orders SET failure = ?, ends = ? WHERE id = ? AND begun > 0 AND failure IS NULL AND certificate = ''",
				fault.Internal, failure, query.Seconds(e.At), i.Order)
			if err != nil {
				return err
			}
		}
		if _, err := tx.exec("UPDATE intents SET abandoned = ? WHERE abandoned = 0 AND id = ?", query.Seconds(e.At), intent); err != nil {
			return err
		}
		if _, err := tx.exec(markShard, i.Issuer, i.Shard); err != nil {
			return err
		}
		return tx.record(e)
	})
}

func (t *tx) requireIntent(ctx context.Context, id string) (pki.Intent, error) {
	i, found, err := query.Intent(ctx, t, id)
	if err == nil && !found {
		err = fault.New(fault.Conflict, "This issuance was ended already.")
	}
	return i, err
}

// Intents implements store.Issuance.
func (db *DB) Intents(ctx context.Context, before time.Time, after string, limit int) ([]pki.Intent, error) {
	return read(ctx, db, func(q query.Querier) ([]pki.Intent, error) { return query.Intents(ctx, q, before, after, limit) })
}
