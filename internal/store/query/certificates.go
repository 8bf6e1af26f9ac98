package query

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// IssuanceColumns are the columns that an intent and the certificate that it becomes have in common.
const IssuanceColumns = "id, organisation, connector, account, order_id, profile, profile_name, issuer, serial, names, " +
	"not_before, not_after, key_hash, shard, warnings, replaces"

// IntentColumns and CertificateColumns are the columns of intents and certificates in the order of IntentValues and
// CertificateValues; a new certificate is not revoked.
const (
	IntentColumns      = IssuanceColumns + ", begun, tbs"
	CertificateColumns = IssuanceColumns + ", issued, der"
)

const (
	selectIntent      = "SELECT " + IntentColumns + " FROM intents "
	selectCertificate = "SELECT " + CertificateColumns + ", revoked, reason FROM certificates "
)

// IntentValues is the row of an intent.
func IntentValues(i pki.Intent) ([]any, error) {
	values, err := issuanceValues(i.Certificate)
	return append(values, Seconds(i.Begun), i.TBS), err
}

// CertificateValues is the row of a new certificate.
func CertificateValues(c pki.Certificate) ([]any, error) {
	values, err := issuanceValues(c)
	return append(values, Seconds(c.Issued), c.DER), err
}

func issuanceValues(c pki.Certificate) ([]any, error) {
	serial, err := Serial(c.Serial)
	if err != nil {
		return nil, err
	}
	names, err := document(c.Names)
	if err != nil {
		return nil, err
	}
	warnings, err := warningsText(c.Warnings)
	return []any{
		c.ID, c.Organisation, c.Connector, c.Account, c.Order, c.Profile, c.ProfileName, c.Issuer, serial, names,
		Seconds(c.NotBefore), Seconds(c.NotAfter), c.KeyHash[:],
		sql.NullInt64{Int64: int64(c.Shard), Valid: c.Shard != 0},
		warnings, c.Replaces,
	}, err
}

// warningsText is how warnings stand in a row: NULL for none, which is the rule.
func warningsText(warnings []string) (any, error) {
	if len(warnings) == 0 {
		return nil, nil
	}
	return document(warnings)
}

// Serial is how a serial number stands in a row: its octets.
func Serial(s pki.Serial) ([]byte, error) {
	octets, err := hex.DecodeString(string(s))
	if err != nil || len(octets) == 0 {
		return nil, fmt.Errorf("serial number %q is not hexadecimal", s)
	}
	return octets, nil
}

// issuance decodes the common columns, and what follows them into rest.
func issuance(rows *sql.Rows, rest ...any) (pki.Certificate, error) {
	var (
		c                   pki.Certificate
		serial, key         []byte
		names               string
		notBefore, notAfter int64
		shard               sql.NullInt64
		warnings            sql.NullString
	)
	err := rows.Scan(append([]any{
		&c.ID, &c.Organisation, &c.Connector, &c.Account, &c.Order, &c.Profile, &c.ProfileName, &c.Issuer, &serial, &names,
		&notBefore, &notAfter, &key, &shard, &warnings, &c.Replaces,
	}, rest...)...)
	if err != nil {
		return c, err
	}
	if copy(c.KeyHash[:], key) != len(c.KeyHash) || len(key) != len(c.KeyHash) {
		return c, fmt.Errorf("stored key hash of certificate %s has %d octets", c.ID, len(key))
	}
	c.Serial = pki.Serial(hex.EncodeToString(serial))
	c.NotBefore, c.NotAfter, c.Shard = moment(notBefore), moment(notAfter), int(shard.Int64)
	if warnings.Valid {
		if err := parse("warnings", warnings.String, &c.Warnings); err != nil {
			return c, err
		}
	}
	return c, parse("names", names, &c.Names)
}

func intent(rows *sql.Rows) (i pki.Intent, err error) {
	var begun int64
	i.Certificate, err = issuance(rows, &begun, &i.TBS)
	i.Begun = moment(begun)
	return i, err
}

func certificate(rows *sql.Rows) (pki.Certificate, error) {
	var (
		issued, revoked int64
		reason          int
		der             []byte
	)
	c, err := issuance(rows, &issued, &der, &revoked, &reason)
	c.Issued, c.Revoked, c.Reason, c.DER = moment(issued), moment(revoked), pki.Reason(reason), der
	return c, err
}

// Intent returns an intent that has not ended, and found = false without one.
func Intent(ctx context.Context, q Querier, id string) (i pki.Intent, found bool, err error) {
	return first(ctx, q, intent, selectIntent+"WHERE abandoned = 0 AND id = ?", id)
}

// Intents returns the intents begun before the given time that have not ended and follow an id, oldest first.
func Intents(ctx context.Context, q Querier, before time.Time, after string, limit int) ([]pki.Intent, error) {
	return all(ctx, q, intent, selectIntent+"WHERE abandoned = 0 AND id > ? AND begun < ? ORDER BY id LIMIT ?",
		after, Seconds(before), limited(limit))
}

// Certificate returns a certificate; NotFound without one.
func Certificate(ctx context.Context, q Querier, id string) (pki.Certificate, error) {
	return one(ctx, q, "certificate", certificate, selectCertificate+"WHERE id = ?", id)
}

// CertificateBySerial returns the certificate with a serial number; issuer "" means any issuer, and Conflict that
// several used the number.
func CertificateBySerial(ctx context.Context, q Querier, issuer string, serial pki.Serial) (pki.Certificate, error) {
	octets, err := Serial(serial)
	if err != nil {
		return pki.Certificate{}, Missing("certificate")
	}
	if issuer != "" {
		return one(ctx, q, "certificate", certificate, selectCertificate+"WHERE serial = ? AND issuer = ?", octets, issuer)
	}
	found, err := all(ctx, q, certificate, selectCertificate+"WHERE serial = ? LIMIT 2", octets)
	switch {
	case err != nil:
		return pki.Certificate{}, err
	case len(found) == 0:
		return pki.Certificate{}, Missing("certificate")
	case len(found) > 1:
		return pki.Certificate{}, fault.New(fault.Conflict,
			"Several issuers have a certificate with the serial number %s; name the issuer too.", serial)
	}
	return found[0], nil
}

// SerialUsed reports whether a certificate of an issuer has a serial number.
func SerialUsed(ctx context.Context, q Querier, issuer string, serial pki.Serial) (bool, error) {
	octets, err := Serial(serial)
	if err != nil {
		return false, err
	}
	return exists(ctx, q, "SELECT 1 FROM certificates WHERE serial = ? AND issuer = ?", octets, issuer)
}

// Standing returns what is known of a serial number of an issuer; NotFound for one that nobody has. It is one statement, so
// that an intent that becomes a certificate meanwhile is not missed.
func Standing(ctx context.Context, q Querier, issuer string, serial pki.Serial) (pki.Standing, error) {
	octets, err := Serial(serial)
	if err != nil {
		return pki.Standing{}, Missing("certificate")
	}
	return one(ctx, q, "certificate", func(rows *sql.Rows) (s pki.Standing, err error) {
		var revoked int64
		err = rows.Scan(&s.Pending, &revoked, &s.Reason)
		s.Revoked = moment(revoked)
		return s, err
	}, "SELECT 0, revoked, reason FROM certificates WHERE serial = ?1 AND issuer = ?2 "+
		"UNION ALL SELECT abandoned = 0, abandoned, 0 FROM intents WHERE serial = ?1 AND issuer = ?2", octets, issuer)
}

// KeyHasCertificate reports whether a certificate was issued for a key, is being issued, or may have been signed.
func KeyHasCertificate(ctx context.Context, q Querier, key pki.KeyHash) (bool, error) {
	return exists(ctx, q, "SELECT 1 FROM certificates WHERE substr(key_hash, 1, 8) = ? AND key_hash = ? "+
		"UNION ALL SELECT 1 FROM intents WHERE abandoned = 0 AND key_hash = ? "+
		"UNION ALL SELECT 1 FROM intents WHERE abandoned > 0 AND key_hash = ? LIMIT 1", key[:8], key[:], key[:], key[:])
}

// KeyBlocked reports whether a key is blocked.
func KeyBlocked(ctx context.Context, q Querier, key pki.KeyHash) (bool, error) {
	return exists(ctx, q, "SELECT 1 FROM blocked_keys WHERE key_hash = ?", key[:])
}

// BlockedKeys returns the blocked keys that follow one, in the order of their hashes.
func BlockedKeys(ctx context.Context, q Querier, after pki.KeyHash, limit int) ([]pki.BlockedKey, error) {
	return all(ctx, q, func(rows *sql.Rows) (k pki.BlockedKey, err error) {
		var hash []byte
		var since int64
		if err := rows.Scan(&hash, &since); err != nil {
			return k, err
		}
		copy(k.Key[:], hash)
		k.Since = moment(since)
		return k, nil
	}, "SELECT key_hash, since FROM blocked_keys WHERE key_hash > ? ORDER BY key_hash LIMIT ?", after[:], limited(limit))
}

// Compromised returns certificates of blocked keys that are neither revoked nor expired at now.
func Compromised(ctx context.Context, q Querier, now time.Time, limit int) ([]pki.Certificate, error) {
	return all(ctx, q, certificate, selectCertificate+"WHERE id IN (SELECT c.id FROM blocked_keys b JOIN certificates c "+
		"ON substr(c.key_hash, 1, 8) = substr(b.key_hash, 1, 8) AND c.key_hash = b.key_hash "+
		"WHERE b.open > 0 AND b.open >= ? AND c.revoked = 0 AND c.not_after >= ? LIMIT ?)",
		Seconds(now), Seconds(now), limited(limit))
}

// CertificatesAfter returns the certificates that follow an id, oldest first; "" starts at the beginning.
func CertificatesAfter(ctx context.Context, q Querier, id string, limit int) ([]pki.Certificate, error) {
	return all(ctx, q, certificate, selectCertificate+"WHERE id > ? ORDER BY id LIMIT ?", id, limited(limit))
}

// NameIndexed reports whether a search for a name finds a certificate.
func NameIndexed(ctx context.Context, q Querier, name, certificate string) (bool, error) {
	return exists(ctx, q, "SELECT 1 FROM certificate_names WHERE name = ? AND certificate = ?", name, certificate)
}

// defaultPage is how many certificates a filter without a limit selects.
const defaultPage = 100

// Certificates returns the certificates that a filter selects, newest first.
func Certificates(ctx context.Context, q Querier, f pki.Filter) ([]pki.Certificate, error) {
	where, args := selected(f)
	limit := f.Limit
	if limit == 0 {
		limit = defaultPage
	}
	return all(ctx, q, certificate, selectCertificate+"WHERE "+where+" ORDER BY id DESC LIMIT ?", append(args, limited(limit))...)
}

// CountCertificates returns how many certificates a filter selects, at most so many.
func CountCertificates(ctx context.Context, q Querier, f pki.Filter, most int) (int, error) {
	where, args := selected(f)
	n, _, err := first(ctx, q, scalar[int], "SELECT count(*) FROM (SELECT 1 FROM certificates WHERE "+where+" LIMIT ?)",
		append(args, limited(most))...)
	return n, err
}

// selected is the condition of a filter.
func selected(f pki.Filter) (condition string, args []any) {
	where, args := []string{"id < ?"}, []any{start(f.Before)}
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if f.Name != "" {
		condition, values := nameCondition(f.Name)
		add("id IN (SELECT certificate FROM certificate_names WHERE "+condition+")", values...)
	}
	if f.Account != "" {
		add("account = ?", f.Account)
	}
	if f.Credential != "" {
		add("id IN (SELECT c.id FROM accounts a CROSS JOIN certificates c ON c.account = a.id WHERE a.credential = ? AND a.credential <> '')", f.Credential)
	}
	if f.Connector != "" {
		add("connector = ?", f.Connector)
	}
	if f.Order != "" {
		add("order_id = ? AND order_id <> ''", f.Order)
	}
	if f.KeyHash != (pki.KeyHash{}) {
		add("substr(key_hash, 1, 8) = ? AND key_hash = ?", f.KeyHash[:8], f.KeyHash[:])
	}
	if f.Profile != "" {
		add("profile_name = ?", f.Profile)
	}
	if len(f.Issuers) > 0 {
		in, values := list(f.Issuers)
		add("issuer IN "+in, values...)
	}
	if f.Replaces != "" {
		add("replaces = ? AND replaces <> ''", f.Replaces)
	}
	if !f.IssuedBefore.IsZero() {
		add("issued < ?", Seconds(f.IssuedBefore))
	}
	if !f.IssuedAfter.IsZero() {
		add("issued >= ?", Seconds(f.IssuedAfter))
	}
	if !f.ExpiresBefore.IsZero() {
		add("not_after < ?", Seconds(f.ExpiresBefore))
	}
	if !f.ExpiresAfter.IsZero() {
		add("not_after >= ?", Seconds(f.ExpiresAfter))
	}
	if f.Revoked {
		add("revoked > 0")
	}
	return strings.Join(where, " AND "), args
}

// nameCondition selects rows of certificate_names: one name, or with a leading dot everything below a domain.
func nameCondition(name string) (condition string, args []any) {
	domain, below := strings.CutPrefix(strings.ToLower(name), ".")
	if !below {
		return "name = ?", []any{searchName(domain)}
	}
	// "/" follows "." in ASCII, and no name has either beside a label.
	return "name >= ? AND name < ?", []any{searchName(domain) + ".", searchName(domain) + "/"}
}

// SearchNames are the rows of a certificate in certificate_names.
func SearchNames(names []ident.Identifier) []string {
	var search []string
	for _, name := range names {
		search = append(search, searchName(name.Value()))
	}
	slices.Sort(search)
	return slices.Compact(search)
}

// searchName reverses the labels of a DNS name: names of one domain stand together. Addresses stay as they are; none
// looks like a reversed name, because no top-level domain is numeric or has a colon.
func searchName(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return name
	}
	labels := strings.Split(name, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}
