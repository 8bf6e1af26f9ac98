package sqlite

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// CreateCredential implements store.Credentials.
func (db *DB) CreateCredential(ctx context.Context, c policy.Credential, e event.Event) error {
	values, err := query.CredentialValues(c)
	if err != nil {
		return err
	}
	return db.declare(ctx, "credentials", query.CredentialColumns, values, credentialTaken(c.Name), e)
}

func credentialTaken(name string) error {
	return fault.New(fault.Conflict, "The connector has a credential named %s already.", name)
}

// Credential implements store.Credentials.
func (db *DB) Credential(ctx context.Context, id string) (policy.Credential, error) {
	return read(ctx, db, func(q query.Querier) (policy.Credential, error) { return query.Credential(ctx, q, id) })
}

// Credentials implements store.Credentials.
func (db *DB) Credentials(ctx context.Context, connector string) ([]policy.Credential, error) {
	return read(ctx, db, func(q query.Querier) ([]policy.Credential, error) { return query.Credentials(ctx, q, connector) })
}

// SetTerms implements store.Credentials.
func (db *DB) SetTerms(ctx context.Context, credential string, old, terms policy.Terms, e event.Event) error {
	scope, err := query.Scope(terms.Scope)
	if err != nil {
		return err
	}
	return execute(ctx, db, func(tx *tx) error {
		c, err := query.Credential(ctx, tx, credential)
		if err != nil {
			return err
		}
		same, err := sameTerms(c.Terms, old)
		if err != nil {
			return err
		}
		if !same {
			return fault.New(fault.Conflict, "The credential %s has other terms by now; read them again.", c.Name)
		}
		_, err = tx.exec("UPDATE credentials SET name = ?, max_accounts = ?, expires = ?, scope = ? WHERE id = ?",
			terms.Name, terms.MaxAccounts, query.Seconds(terms.Expires), scope, credential)
		if isDuplicate(err) {
			return credentialTaken(terms.Name)
		}
		if err != nil {
			return err
		}
		return tx.record(e)
	})
}

// sameTerms compares terms as this version writes them, whatever version wrote the row.
func sameTerms(a, b policy.Terms) (bool, error) {
	left, err := query.Scope(a.Scope)
	if err != nil {
		return false, err
	}
	right, err := query.Scope(b.Scope)
	return a.Name == b.Name && a.MaxAccounts == b.MaxAccounts && a.Expires.Equal(query.Whole(b.Expires)) && left == right, err
}

// RotateCredential implements store.Credentials.
func (db *DB) RotateCredential(ctx context.Context, credential string, old, sealed []byte, former policy.Former, e event.Event) error {
	return execute(ctx, db, func(tx *tx) error {
		c, err := query.Credential(ctx, tx, credential)
		if err != nil {
			return err
		}
		changed, err := tx.exec("UPDATE credentials SET sealed = ?, former = ?, former_until = ? WHERE id = ? AND sealed = ?",
			sealed, append([]byte{}, former.Sealed...), query.Seconds(former.Until), credential, old)
		if err != nil {
			return err
		}
		if changed == 0 {
			return fault.New(fault.Conflict, "The key of the credential %s was rotated meanwhile; read it again.", c.Name)
		}
		return tx.record(e)
	})
}

// SuspendCredential implements store.Credentials.
func (db *DB) SuspendCredential(ctx context.Context, credential string, at time.Time, d *pki.Demand, e event.Event) error {
	return execute(ctx, db, func(tx *tx) error {
		if at.IsZero() {
			if err := tx.requireNoDemand(ctx, credential); err != nil {
				return err
			}
		}
		return tx.stopCredential(d, e, "UPDATE credentials SET suspended = ? WHERE id = ?", query.Seconds(at), credential)
	})
}

// DeleteCredential implements store.Credentials.
func (db *DB) DeleteCredential(ctx context.Context, credential string, d *pki.Demand, e event.Event) error {
	return execute(ctx, db, func(tx *tx) error {
		return tx.stopCredential(d, e, "DELETE FROM credentials WHERE id = ?", credential)
	})
}

// stopCredential runs a statement that changes one credential, and records with it what is to be revoked.
func (t *tx) stopCredential(d *pki.Demand, e event.Event, text string, args ...any) error {
	changed, err := t.exec(text, args...)
	if err != nil {
		return err
	}
	if changed == 0 {
		return query.Missing("credential")
	}
	if d != nil {
		if err := t.demand(*d); err != nil {
			return err
		}
	}
	return t.record(e)
}
