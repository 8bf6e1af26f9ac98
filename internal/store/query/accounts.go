package query

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
)

// AccountColumns are the columns of accounts in the order of AccountValues.
const AccountColumns = "id, connector, thumbprint, jwk, former, contacts, terms_agreed, credential, binding, created, deactivated, revoked"

const selectAccount = "SELECT " + AccountColumns + " FROM accounts "

// AccountValues is the row of an account.
func AccountValues(a acme.Account) ([]any, error) {
	contacts, err := Contacts(a.Contacts)
	if err != nil {
		return nil, err
	}
	former, err := Former(a.Former)
	return []any{
		a.ID, a.Connector, a.Key.Thumbprint(), string(a.Key.JWK()), former, contacts, Seconds(a.TermsAgreed), a.Credential,
		a.Binding, Seconds(a.Created), Seconds(a.Deactivated), Seconds(a.Revoked),
	}, err
}

// Contacts is how an account's contacts stand in its row.
func Contacts(contacts []string) (string, error) { return document(contacts) }

// Former is how the thumbprints of an account's former keys stand in its row.
func Former(thumbprints []string) (string, error) { return document(thumbprints) }

func account(rows *sql.Rows) (acme.Account, error) {
	var (
		a                                  acme.Account
		thumbprint, jwk, former, contacts  string
		agreed, created, deactivated, gone int64
	)
	err := rows.Scan(&a.ID, &a.Connector, &thumbprint, &jwk, &former, &contacts, &agreed, &a.Credential,
		&a.Binding, &created, &deactivated, &gone)
	if err != nil {
		return a, err
	}
	if a.Key, err = jws.ParseKey([]byte(jwk)); err != nil {
		return a, fmt.Errorf("stored key of account %s: %w", a.ID, err)
	}
	if err := parse("former keys", former, &a.Former); err != nil {
		return a, err
	}
	a.TermsAgreed, a.Created, a.Deactivated, a.Revoked = moment(agreed), moment(created), moment(deactivated), moment(gone)
	return a, parse("contacts", contacts, &a.Contacts)
}

// Account returns an account; NotFound without one.
func Account(ctx context.Context, q Querier, id string) (acme.Account, error) {
	return one(ctx, q, "account", account, selectAccount+"WHERE id = ?", id)
}

// AccountByKey returns the account with a key at a connector; NotFound without one.
func AccountByKey(ctx context.Context, q Querier, connector, thumbprint string) (acme.Account, error) {
	return one(ctx, q, "account", account, selectAccount+"WHERE thumbprint = ? AND connector = ?", thumbprint, connector)
}

// KeyHasAccount reports whether any connector knows the key.
func KeyHasAccount(ctx context.Context, q Querier, thumbprint string) (bool, error) {
	return exists(ctx, q, "SELECT 1 FROM accounts WHERE thumbprint = ? LIMIT 1", thumbprint)
}

// AccountStanding returns what may stop an account at now: whether it is valid, neither deactivated nor revoked, and
// whether the credential by which it came in opens the door, if it came in by one. NotFound without an account. It is
// one statement.
func AccountStanding(ctx context.Context, q Querier, id string, now time.Time) (valid, usable bool, err error) {
	type standing struct{ valid, usable bool }
	const opens = "EXISTS (SELECT 1 FROM credentials c WHERE c.id = a.credential AND c.suspended = 0 AND (c.expires = 0 OR c.expires > ?))"
	s, err := one(ctx, q, "account", func(rows *sql.Rows) (s standing, err error) {
		err = rows.Scan(&s.valid, &s.usable)
		return s, err
	}, "SELECT a.deactivated = 0 AND a.revoked = 0, a.credential = '' OR "+opens+" FROM accounts a WHERE a.id = ?", Seconds(now), id)
	return s.valid, s.usable, err
}

// AccountsBound returns how many accounts came in by a credential, whatever their status.
func AccountsBound(ctx context.Context, q Querier, credential string) (int, error) {
	return one(ctx, q, "credential", scalar[int],
		"SELECT count(*) FROM accounts WHERE credential = ? AND credential <> ''", credential)
}

// Accounts returns a page of accounts, newest first.
func Accounts(ctx context.Context, q Querier, connector, before string, limit int) ([]acme.Account, error) {
	if connector == "" {
		return all(ctx, q, account, selectAccount+"WHERE id < ? ORDER BY id DESC LIMIT ?", start(before), limited(limit))
	}
	return all(ctx, q, account, selectAccount+"WHERE connector = ? AND id < ? ORDER BY id DESC LIMIT ?",
		connector, start(before), limited(limit))
}

// start is the id that a page begins below: before, or above everything.
func start(before string) string {
	if before == "" {
		return lastID
	}
	return before
}

// lastID sorts after every id.
const lastID = "~"
