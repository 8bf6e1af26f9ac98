package sqlite

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// CreateAccount implements store.Accounts.
func (db *DB) CreateAccount(ctx context.Context, a acme.Account, e event.Event, charges ...limit.Charge) (acme.Account, bool, error) {
	values, err := query.AccountValues(a)
	if err != nil {
		return acme.Account{}, false, err
	}
	spki, err := x509.MarshalPKIXPublicKey(a.Key.Public())
	if err != nil {
		return acme.Account{}, false, err
	}
	type result struct {
		account acme.Account
		created bool
	}
	r, err := write(ctx, db, func(tx *tx) (r result, err error) {
		r.account, err = query.AccountByKey(ctx, tx, a.Connector, a.Key.Thumbprint())
		if !fault.Is(err, fault.NotFound) {
			return r, err
		}
		if err := tx.requireFreshKey(ctx, pki.HashKey(spki)); err != nil {
			return r, err
		}
		if err := tx.bindCredential(ctx, a); err != nil {
			return r, err
		}
		if err := tx.take(ctx, a.Connector, charges, a.Created); err != nil {
			return r, err
		}
		if _, err := tx.exec(query.Insert("accounts", query.AccountColumns), values...); err != nil {
			return r, err
		}
		r.created = true
		if r.account, err = query.Account(ctx, tx, a.ID); err != nil {
			return r, err
		}
		return r, tx.record(e)
	})
	return r.account, r.created, err
}

// bindCredential checks that the credential of a new account is usable and has room for one more.
func (t *tx) bindCredential(ctx context.Context, a acme.Account) error {
	if a.Credential == "" {
		return nil
	}
	credential, usable, err := query.UsableCredential(ctx, t, a.Credential, a.Created)
	if err != nil {
		return err
	}
	if !usable || credential.Connector != a.Connector {
		return fault.New(fault.Unauthorized, "The credential of the external account binding is not in force; ask the operator for another.")
	}
	if credential.MaxAccounts == 0 {
		return nil
	}
	bound, err := query.AccountsBound(ctx, t, a.Credential)
	if err == nil && bound >= credential.MaxAccounts {
		err = fault.New(fault.Unauthorized, "The credential of the external account binding was used for %d accounts, which is its limit; "+
			"ask the operator for another.", bound)
	}
	return err
}

// Account implements store.Accounts.
func (db *DB) Account(ctx context.Context, id string) (acme.Account, error) {
	return read(ctx, db, func(q query.Querier) (acme.Account, error) { return query.Account(ctx, q, id) })
}

// AccountByKey implements store.Accounts.
func (db *DB) AccountByKey(ctx context.Context, connector, thumbprint string) (acme.Account, error) {
	return read(ctx, db, func(q query.Querier) (acme.Account, error) {
		return query.AccountByKey(ctx, q, connector, thumbprint)
	})
}

// KeyHasAccount implements store.Accounts.
func (db *DB) KeyHasAccount(ctx context.Context, thumbprint string) (bool, error) {
	return read(ctx, db, func(q query.Querier) (bool, error) { return query.KeyHasAccount(ctx, q, thumbprint) })
}

// Accounts implements store.Accounts.
func (db *DB) Accounts(ctx context.Context, connector, before string, limit int) ([]acme.Account, error) {
	return read(ctx, db, func(q query.Querier) ([]acme.Account, error) {
		return query.Accounts(ctx, q, connector, before, limit)
	})
}

// SetContacts implements store.Accounts.
func (db *DB) SetContacts(ctx context.Context, account string, contacts []string, e event.Event) (acme.Account, error) {
	text, err := query.Contacts(contacts)
	if err != nil {
		return acme.Account{}, err
	}
	return write(ctx, db, func(tx *tx) (acme.Account, error) {
		if err := tx.requireAccount(ctx, account, e.At); err != nil {
			return acme.Account{}, err
		}
		if _, err := tx.exec("UPDATE accounts SET contacts = ? WHERE id = ?", text, account); err != nil {
			return acme.Account{}, err
		}
		if err := tx.record(e); err != nil {
			return acme.Account{}, err
		}
		return query.Account(ctx, tx, account)
	})
}

// requireAccount returns Unauthorized when an account may do nothing at now: it ended, or the credential by which it came
// in is suspended, expired or gone. NotFound when there is none.
func (t *tx) requireAccount(ctx context.Context, account string, now time.Time) error {
	valid, usable, err := query.AccountStanding(ctx, t, account, now)
	switch {
	case err != nil:
		return err
	case !valid:
		return fault.New(fault.Unauthorized, "The account was deactivated or revoked.")
	case !usable:
		return fault.New(fault.Unauthorized, "The account is stopped: the credential by which it came in is no longer in force.")
	default:
		return nil
	}
}

// ChangeKey implements store.Accounts.
func (db *DB) ChangeKey(ctx context.Context, account, oldThumbprint string, key jws.Key, e event.Event) (acme.Account, error) {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return acme.Account{}, err
	}
	return write(ctx, db, func(tx *tx) (acme.Account, error) {
		current, err := query.Account(ctx, tx, account)
		if err != nil {
			return current, err
		}
		if err := tx.requireAccount(ctx, account, e.At); err != nil {
			return current, err
		}
		if err := tx.requireFreshKey(ctx, pki.HashKey(spki)); err != nil {
			return current, err
		}
		if err := tx.requireUnboundKey(ctx, current, key); err != nil {
			return current, err
		}
		former, err := query.Former(current.Rekey(key).Former)
		if err != nil {
			return current, err
		}
		changed, err := tx.exec("UPDATE accounts SET thumbprint = ?, jwk = ?, former = ? WHERE id = ? AND thumbprint = ?",
			key.Thumbprint(), string(key.JWK()), former, account, oldThumbprint)
		if err != nil {
			return current, err
		}
		if changed == 0 {
			return current, fault.New(fault.Conflict, "The account has another key by now; read it again.")
		}
		if err := tx.record(e); err != nil {
			return current, err
		}
		return query.Account(ctx, tx, account)
	})
}

// requireFreshKey returns BadPublicKey for a key that is blocked or has a certificate.
func (t *tx) requireFreshKey(ctx context.Context, key pki.KeyHash) error {
	if err := t.requireUnblockedKey(ctx, key); err != nil {
		return err
	}
	used, err := query.KeyHasCertificate(ctx, t, key)
	if err == nil && used {
		err = fault.New(fault.BadPublicKey, "A certificate was issued for this key; an account needs a key of its own.")
	}
	return err
}

func (t *tx) requireUnblockedKey(ctx context.Context, key pki.KeyHash) error {
	blocked, err := query.KeyBlocked(ctx, t, key)
	if err == nil && blocked {
		err = fault.New(fault.BadPublicKey, "This key is blocked because it was compromised; make a new one.")
	}
	return err
}

// requireUnboundKey returns Conflict with the account that has a key already, at the connector of the one that wants it.
func (t *tx) requireUnboundKey(ctx context.Context, account acme.Account, key jws.Key) error {
	other, err := query.AccountByKey(ctx, t, account.Connector, key.Thumbprint())
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil {
		whose := "Another account"
		if other.ID == account.ID {
			whose = "The account"
		}
		conflict := fault.New(fault.Conflict, "%s has this key already.", whose)
		conflict.Location = other.ID
		err = conflict
	}
	return err
}

// EndAccount implements store.Accounts.
func (db *DB) EndAccount(ctx context.Context, account string, to acme.Status, e event.Event) (acme.Account, error) {
	column, err := endColumn(to)
	if err != nil {
		return acme.Account{}, err
	}
	return write(ctx, db, func(tx *tx) (acme.Account, error) {
		changed, err := tx.exec("UPDATE accounts SET "+column+" = ? WHERE id = ? AND deactivated = 0 AND revoked = 0", query.Seconds(e.At), account)
		if err != nil {
			return acme.Account{}, err
		}
		if changed > 0 {
			if err := tx.record(e); err != nil {
				return acme.Account{}, err
			}
		}
		return query.Account(ctx, tx, account)
	})
}

// endColumn is where the row of an account says since when it has a status that ends it.
func endColumn(to acme.Status) (string, error) {
	switch to {
	case acme.Deactivated:
		return "deactivated", nil
	case acme.Revoked:
		return "revoked", nil
	default:
		return "", fmt.Errorf("an account cannot become %s", to)
	}
}
