package sqlite

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// Certificate implements store.Certificates.
func (db *DB) Certificate(ctx context.Context, id string) (pki.Certificate, error) {
	return read(ctx, db, func(q query.Querier) (pki.Certificate, error) { return query.Certificate(ctx, q, id) })
}

// CertificateBySerial implements store.Certificates.
func (db *DB) CertificateBySerial(ctx context.Context, issuer string, serial pki.Serial) (pki.Certificate, error) {
	return read(ctx, db, func(q query.Querier) (pki.Certificate, error) {
		return query.CertificateBySerial(ctx, q, issuer, serial)
	})
}

// FindCertificates implements store.Certificates.
func (db *DB) FindCertificates(ctx context.Context, f store.CertificateFilter) ([]pki.Certificate, error) {
	return read(ctx, db, func(q query.Querier) ([]pki.Certificate, error) { return query.Certificates(ctx, q, f) })
}

// CountCertificates implements store.Certificates.
func (db *DB) CountCertificates(ctx context.Context, f store.CertificateFilter, most int) (int, error) {
	return read(ctx, db, func(q query.Querier) (int, error) { return query.CountCertificates(ctx, q, f, most) })
}

// KeyBlocked implements store.Certificates.
func (db *DB) KeyBlocked(ctx context.Context, key pki.KeyHash) (bool, error) {
	return read(ctx, db, func(q query.Querier) (bool, error) { return query.KeyBlocked(ctx, q, key) })
}

// BlockKeys implements store.Certificates.
func (db *DB) BlockKeys(ctx context.Context, keys []pki.KeyHash, at time.Time, e event.Event) (int, error) {
	return write(ctx, db, func(tx *tx) (int, error) {
		total := 0
		for _, key := range keys {
			added, err := tx.addBlocked(key, at)
			if err != nil {
				return 0, err
			}
			if added == 0 {
				continue
			}
			total++
			if err := tx.watchKey(key); err != nil {
				return 0, err
			}
		}
		if total == 0 {
			return 0, nil
		}
		return total, tx.record(e)
	})
}

// addBlocked returns 0 for a key that is blocked already.
func (t *tx) addBlocked(key pki.KeyHash, at time.Time) (int64, error) {
	return t.exec("INSERT INTO blocked_keys (key_hash, since) VALUES (?, ?) ON CONFLICT DO NOTHING", key[:], query.Seconds(at))
}

// BlockedKeys implements store.Certificates.
func (db *DB) BlockedKeys(ctx context.Context, after pki.KeyHash, limit int) ([]pki.BlockedKey, error) {
	return read(ctx, db, func(q query.Querier) ([]pki.BlockedKey, error) { return query.BlockedKeys(ctx, q, after, limit) })
}

// Compromised implements store.Certificates.
func (db *DB) Compromised(ctx context.Context, now time.Time, limit int) ([]pki.Certificate, error) {
	return read(ctx, db, func(q query.Querier) ([]pki.Certificate, error) { return query.Compromised(ctx, q, now, limit) })
}

// KeyHasCertificate implements store.Certificates.
func (db *DB) KeyHasCertificate(ctx context.Context, key pki.KeyHash) (bool, error) {
	return read(ctx, db, func(q query.Querier) (bool, error) { return query.KeyHasCertificate(ctx, q, key) })
}

// Revoke implements store.Certificates.
func (db *DB) Revoke(
	ctx context.Context, certificate string, at time.Time, reason pki.Reason, block bool, e event.Event,
) (pki.Certificate, error) {
	return write(ctx, db, func(tx *tx) (pki.Certificate, error) {
		c, err := query.Certificate(ctx, tx, certificate)
		if err != nil {
			return c, err
		}
		if err := tx.revoke(c, at, reason, block, e); err != nil {
			return c, err
		}
		return query.Certificate(ctx, tx, certificate)
	})
}

// revoke revokes a certificate, and blocks its key when told so.
func (t *tx) revoke(c pki.Certificate, at time.Time, reason pki.Reason, block bool, e event.Event) error {
	changed := t.markRevoked(c, query.Seconds(at), reason)
	if block {
		changed = t.blockKey(c, at, changed)
	}
	if changed != nil {
		return changed
	}
	if err := t.watchKey(c.KeyHash); err != nil {
		return err
	}
	return t.record(e)
}

// blockKey adds a certificate's key to the blocked keys. That a certificate was revoked before is no error when its key
// becomes blocked now: a claim without proof came first, the proof came later.
func (t *tx) blockKey(c pki.Certificate, at time.Time, revoked error) error {
	if revoked != nil && !fault.Is(revoked, fault.AlreadyRevoked) {
		return revoked
	}
	added, err := t.addBlocked(c.KeyHash, at)
	if err == nil && added == 0 {
		err = revoked
	}
	return err
}

// watchKey notes with a key, if it is blocked, until when it has a certificate that is valid and not revoked. It follows
// every change of what a key's certificates are.
func (t *tx) watchKey(key pki.KeyHash) error {
	_, err := t.exec(watchKey, key[:])
	return err
}

const watchKey = "UPDATE blocked_keys SET open = coalesce((SELECT c.not_after FROM certificates c " +
	"WHERE substr(c.key_hash, 1, 8) = substr(blocked_keys.key_hash, 1, 8) AND c.key_hash = blocked_keys.key_hash AND c.revoked = 0 " +
	"ORDER BY c.not_after DESC LIMIT 1), 0) WHERE key_hash = ?"

// markRevoked revokes a certificate, or gives a revoked one the reason keyCompromise, and marks its shard.
func (t *tx) markRevoked(c pki.Certificate, at int64, reason pki.Reason) error {
	changed, err := t.exec("UPDATE certificates SET revoked = ?, reason = ? WHERE id = ? AND revoked = 0", at, reason, c.ID)
	if err != nil {
		return err
	}
	mark := markShard
	if changed == 0 && reason == pki.KeyCompromise {
		mark = "UPDATE crl_shards SET stale = 1, amended = 1 WHERE issuer = ? AND number = ?"
		changed, err = t.exec("UPDATE certificates SET reason = ? WHERE id = ? AND revoked > 0 AND reason <> ?", reason, c.ID, reason)
		if err != nil {
			return err
		}
	}
	if changed == 0 {
		return fault.New(fault.AlreadyRevoked, "The certificate is revoked already.")
	}
	_, err = t.exec(mark, c.Issuer, c.Shard)
	return err
}

// Standing implements store.Revocations.
func (db *DB) Standing(ctx context.Context, issuer string, serial pki.Serial) (pki.Standing, error) {
	return read(ctx, db, func(q query.Querier) (pki.Standing, error) { return query.Standing(ctx, q, issuer, serial) })
}

// markShard says that the list of a shard lacks something.
const markShard = "UPDATE crl_shards SET stale = 1 WHERE issuer = ? AND number = ? AND stale = 0"

// Entries implements store.Revocations.
func (db *DB) Entries(ctx context.Context, issuer string, shard int, since time.Time) ([]pki.Entry, error) {
	return read(ctx, db, func(q query.Querier) ([]pki.Entry, error) { return query.Entries(ctx, q, issuer, shard, since) })
}

// CRL implements store.Revocations.
func (db *DB) CRL(ctx context.Context, issuer string, shard int) (pki.CRL, error) {
	return read(ctx, db, func(q query.Querier) (pki.CRL, error) { return query.CRL(ctx, q, issuer, shard) })
}

// CRLsDue implements store.Revocations.
func (db *DB) CRLsDue(ctx context.Context, before time.Time) ([]pki.CRL, error) {
	return read(ctx, db, func(q query.Querier) ([]pki.CRL, error) { return query.CRLsDue(ctx, q, before) })
}

// SaveCRL implements store.Revocations.
//
// Whether the list is complete is told by counting, not by clocks: a revocation that waited for its turn in the
// database is dated before it was stored. A changed reason does not change the count, so after one the next list
// leaves the shard stale.
func (db *DB) SaveCRL(ctx context.Context, crl pki.CRL, since time.Time, entries int, e event.Event) error {
	return execute(ctx, db, func(tx *tx) error {
		if _, err := query.CRL(ctx, tx, crl.Issuer, crl.Shard.Number); err != nil {
			return err
		}
		due, err := query.CountEntries(ctx, tx, crl.Issuer, crl.Shard.Number, since)
		if err != nil {
			return err
		}
		changed, err := tx.exec(saveShard, crl.Number, query.Seconds(crl.ThisUpdate), query.Seconds(crl.NextUpdate), due != entries,
			crl.Issuer, crl.Shard.Number, crl.Number-1)
		if err != nil {
			return err
		}
		if changed == 0 {
			return fault.New(fault.Conflict, "The revocation list number %d was published already, or one before it was not.", crl.Number)
		}
		if _, err := tx.exec(saveList, crl.Issuer, crl.Shard.Number, crl.DER); err != nil {
			return err
		}
		return tx.record(e)
	})
}

const (
	saveShard = "UPDATE crl_shards SET crl_number = ?, this_update = ?, next_update = ?, stale = ? OR amended, amended = 0 " +
		"WHERE issuer = ? AND number = ? AND crl_number = ?"
	saveList = "INSERT INTO crls (issuer, number, der) VALUES (?, ?, ?) " +
		"ON CONFLICT (issuer, number) DO UPDATE SET der = excluded.der"
)
