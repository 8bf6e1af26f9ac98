package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// findingsLimit bounds what a check of a badly damaged store returns.
const findingsLimit = 1000

// checker collects findings. It reads on connections of its own, in pieces, so that neither memory nor the log grows
// with the store, and stops when its context ends.
type checker struct {
	pool     *sql.DB
	findings []string
}

// Check implements store.Maintenance.
func (db *DB) Check(ctx context.Context, stuck time.Time) ([]string, error) {
	pool, err := openPool(db.path, readOnly)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	k := &checker{pool: pool}
	steps := []func(context.Context) error{
		k.checkFile, k.checkReferences, k.checkInvariants, k.checkCertificates,
		func(ctx context.Context) error { return k.checkIntents(ctx, stuck) },
	}
	for _, step := range steps {
		err := step(ctx)
		if Damaged(err) { // what comes after it cannot be read either
			k.find("%s is damaged: %v; restore a backup.", db.path, err)
			break
		}
		if err != nil {
			return k.findings, translate(err)
		}
	}
	return k.findings, nil
}

// find adds a finding and reports whether there is room for more.
func (k *checker) find(format string, args ...any) bool {
	if len(k.findings) < findingsLimit {
		k.findings = append(k.findings, fmt.Sprintf(format, args...))
	}
	return len(k.findings) < findingsLimit
}

func (k *checker) checkFile(ctx context.Context) error {
	damage, err := damages(ctx, k.pool, "PRAGMA integrity_check")
	for _, line := range damage {
		k.find("The database file is damaged: %s.", line)
	}
	return err
}

func (k *checker) checkReferences(ctx context.Context) error {
	return k.each(ctx, "A row of %s refers to a missing row of %s.", `SELECT "table", parent FROM pragma_foreign_key_check`)
}

// invariant is a statement that selects what must not be, and the sentence for what it finds.
type invariant struct{ sentence, statement string }

func invariants() []invariant {
	return []invariant{
		{
			"Certificate %s has no event that tells of its issuance.",
			`SELECT id FROM certificates c WHERE NOT EXISTS
			(SELECT 1 FROM events e WHERE e.object = c.id AND e.action = 'certificate.issued')`,
		},
		{
			"The serial number %s was used twice by issuer %s.",
			`SELECT lower(hex(serial)), issuer FROM certificates GROUP BY serial, issuer HAVING count(*) > 1`,
		},
		{
			"Intent %s has the serial number of certificate %s.",
			`SELECT i.id, c.id FROM intents i JOIN certificates c ON c.serial = i.serial AND c.issuer = i.issuer`,
		},
		{
			"Certificate %s is in use with a blocked key, and nothing will find and revoke it.",
			`SELECT c.id FROM blocked_keys b JOIN certificates c
			ON substr(c.key_hash, 1, 8) = substr(b.key_hash, 1, 8) AND c.key_hash = b.key_hash
			WHERE c.revoked = 0 AND c.not_after > b.open`,
		},
		{
			"Order %s has %s certificates.",
			`SELECT order_id, count(*) FROM certificates WHERE order_id <> '' GROUP BY order_id HAVING count(*) > 1`,
		},
		{
			"Order %s names certificate %s, which is not there or belongs to another order.",
			`SELECT id, certificate FROM orders o WHERE certificate <> '' AND NOT EXISTS
			(SELECT 1 FROM certificates c WHERE c.id = o.certificate AND c.order_id = o.id)`,
		},
		{
			"Certificate %s belongs to order %s, which does not name it.",
			`SELECT c.id, o.id FROM certificates c JOIN orders o ON o.id = c.order_id WHERE o.certificate <> c.id`,
		},
		{
			"Order %s is processing, and no intent will end it.",
			`SELECT id FROM orders o WHERE begun > 0 AND certificate = '' AND failure IS NULL AND NOT EXISTS
			(SELECT 1 FROM intents i WHERE i.order_id = o.id AND i.abandoned = 0)`,
		},
		{
			"Order %s names authorization %s, which is not there.",
			`SELECT o.id, named.value FROM orders o, json_each(o.authorizations) named WHERE NOT EXISTS
			(SELECT 1 FROM authorizations a WHERE a.id = named.value)`,
		},
	}
}

func (k *checker) checkInvariants(ctx context.Context) error {
	for _, rule := range invariants() {
		if err := k.each(ctx, rule.sentence, rule.statement); err != nil {
			return err
		}
	}
	return nil
}

func (k *checker) checkIntents(ctx context.Context, stuck time.Time) error {
	return k.each(ctx, "Intent %s was begun at %s and did not end.",
		"SELECT id, datetime(begun, 'unixepoch') || ' UTC' FROM intents WHERE abandoned = 0 AND begun < ?", query.Seconds(stuck))
}

// each adds a finding for every row of a statement; the columns fill the sentence.
func (k *checker) each(ctx context.Context, sentence, statement string, args ...any) error {
	rows, err := k.pool.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, targets := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		words := make([]any, len(values))
		for i, value := range values {
			words[i] = value.String
		}
		if !k.find(sentence, words...) {
			break
		}
	}
	return rows.Err()
}
