package query

import (
	"context"
	"database/sql"
	"encoding/hex"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// IssuerColumns are the columns of issuers in the order of IssuerValues.
const IssuerColumns = "id, organisation, name, parent, certificate, key, created, not_before, not_after, shard"

const selectIssuer = "SELECT i.id, i.organisation, i.name, i.parent, i.certificate, i.key, i.created, i.not_before, i.not_after, " +
	"s.number, s.url, s.room FROM issuers i JOIN crl_shards s ON s.issuer = i.id AND s.number = i.shard "

const selectCRL = "SELECT s.issuer, s.number, s.url, s.crl_number, s.this_update, s.next_update, s.stale"

// IssuerValues is the row of an issuer.
func IssuerValues(i pki.Issuer) []any {
	return []any{
		i.ID, i.Organisation, i.Name,
		sql.NullString{String: i.Parent, Valid: i.Parent != ""},
		i.Certificate, i.Key,
		Seconds(i.Created), Seconds(i.NotBefore), Seconds(i.NotAfter), i.Shard.Number,
	}
}

func issuer(rows *sql.Rows) (i pki.Issuer, err error) {
	var (
		parent                       sql.NullString
		created, notBefore, notAfter int64
	)
	err = rows.Scan(&i.ID, &i.Organisation, &i.Name, &parent, &i.Certificate, &i.Key, &created, &notBefore, &notAfter,
		&i.Shard.Number, &i.Shard.URL, &i.Room)
	i.Parent, i.Created, i.NotBefore, i.NotAfter = parent.String, moment(created), moment(notBefore), moment(notAfter)
	return i, err
}

// Issuer returns an issuer; NotFound without one.
func Issuer(ctx context.Context, q Querier, id string) (pki.Issuer, error) {
	return one(ctx, q, "issuer", issuer, selectIssuer+"WHERE i.id = ?", id)
}

// Issuers returns all issuers, newest first.
func Issuers(ctx context.Context, q Querier) ([]pki.Issuer, error) {
	return all(ctx, q, issuer, selectIssuer+"ORDER BY i.id DESC")
}

// crl decodes a shard's columns, and what follows them into rest.
func crl(rows *sql.Rows, rest ...any) (c pki.CRL, err error) {
	var thisUpdate, nextUpdate int64
	err = rows.Scan(append([]any{
		&c.Issuer, &c.Shard.Number, &c.Shard.URL, &c.Number, &thisUpdate, &nextUpdate, &c.Stale,
	}, rest...)...)
	c.ThisUpdate, c.NextUpdate = moment(thisUpdate), moment(nextUpdate)
	return c, err
}

// CRL returns the newest list of a shard; NotFound without such a shard.
func CRL(ctx context.Context, q Querier, issuer string, shard int) (pki.CRL, error) {
	decode := func(rows *sql.Rows) (pki.CRL, error) {
		var der []byte
		c, err := crl(rows, &der)
		c.DER = der
		return c, err
	}
	return one(ctx, q, "revocation list", decode, selectCRL+", l.der FROM crl_shards s "+
		"LEFT JOIN crls l ON l.issuer = s.issuer AND l.number = s.number WHERE s.issuer = ? AND s.number = ?", issuer, shard)
}

// CRLsDue returns the shards whose list is missing, stale, or has a NextUpdate at or before the given time, without
// the lists' bytes.
func CRLsDue(ctx context.Context, q Querier, before time.Time) ([]pki.CRL, error) {
	return all(ctx, q, func(rows *sql.Rows) (pki.CRL, error) { return crl(rows) },
		selectCRL+" FROM crl_shards s WHERE crl_number = 0 OR stale = 1 OR next_update <= ? ORDER BY s.issuer, s.number",
		Seconds(before))
}

// Every revoked certificate that expired no earlier than after since, or was revoked after it; and every abandoned intent
// likewise, which counts as revoked since then.
const (
	fromRevoked   = " FROM certificates WHERE issuer = ?1 AND shard = ?2 AND revoked > 0 AND (not_after > ?3 OR revoked > ?3)"
	fromAbandoned = " FROM intents WHERE issuer = ?1 AND shard = ?2 AND abandoned > 0 AND (not_after > ?3 OR abandoned > ?3)"
)

// Entries returns what a list of a shard must name: what expires after since, or was revoked after it.
func Entries(ctx context.Context, q Querier, issuer string, shard int, since time.Time) ([]pki.Entry, error) {
	return all(ctx, q, func(rows *sql.Rows) (e pki.Entry, err error) {
		var (
			serial []byte
			at     int64
		)
		err = rows.Scan(&serial, &at, &e.Reason)
		e.Serial, e.At = pki.Serial(hex.EncodeToString(serial)), moment(at)
		return e, err
	}, "SELECT serial, revoked, reason"+fromRevoked+" UNION ALL SELECT serial, abandoned, 0"+fromAbandoned+" ORDER BY serial",
		issuer, shard, Seconds(since))
}

// CountEntries returns how many entries Entries returns.
func CountEntries(ctx context.Context, q Querier, issuer string, shard int, since time.Time) (int, error) {
	return one(ctx, q, "shard", scalar[int], "SELECT (SELECT count(*)"+fromRevoked+") + (SELECT count(*)"+fromAbandoned+")",
		issuer, shard, Seconds(since))
}
