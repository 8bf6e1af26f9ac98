package query

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// AuthorizationColumns are the columns of authorizations in the order of AuthorizationValues.
// AuthorizationChanges are those that can change, in the order of AuthorizationUpdate.
const (
	AuthorizationColumns = "id, account, connector, covers, subdomains, created, approval, " + AuthorizationChanges
	AuthorizationChanges = "expires, deactivated, revoked, challenges, valid, processing, ends"
)

const selectAuthorization = "SELECT id, account, connector, covers, subdomains, created, approval, expires, deactivated, revoked, challenges FROM authorizations "

// AuthorizationValues is the row of an authorization that nothing happened to yet.
func AuthorizationValues(a acme.Authorization) ([]any, error) {
	covers, err := a.Covers().MarshalText()
	if err != nil {
		return nil, err
	}
	approval, err := approvalValue(a)
	if err != nil {
		return nil, err
	}
	changes, err := AuthorizationUpdate(a, a.Created)
	return append([]any{a.ID, a.Account, a.Connector, string(covers), flag(a.Subdomains), Seconds(a.Created), approval}, changes...), err
}

// approvalValue is how an approval stands in its row: NULL without one.
func approvalValue(a acme.Authorization) (any, error) {
	if !a.Approved() {
		return nil, nil
	}
	a.Approval.At = Whole(a.Approval.At)
	return document(a.Approval)
}

// AuthorizationUpdate is the changeable part of the row of an authorization that last changed at now.
func AuthorizationUpdate(a acme.Authorization, now time.Time) ([]any, error) {
	challenges, err := document(a.Challenges)
	status := a.Status(now)
	return []any{
		Seconds(a.Expires), Seconds(a.Deactivated), Seconds(a.Revoked), challenges,
		flag(status == acme.Valid), Seconds(processingSince(a, status)), Seconds(ends(a, status, now)),
	}, err
}

// ends is when an authorization that has this status at now stops, or stopped, to be pending or valid.
func ends(a acme.Authorization, status acme.Status, now time.Time) time.Time {
	if status == acme.Pending || status == acme.Valid || now.After(a.Expires) {
		return a.Expires
	}
	return now
}

// processingSince is when the oldest challenge was answered that still waits for its outcome.
func processingSince(a acme.Authorization, status acme.Status) (since time.Time) {
	if status != acme.Pending {
		return time.Time{}
	}
	for _, c := range a.Challenges {
		if c.Status() == acme.Processing && (since.IsZero() || c.Begun.Before(since)) {
			since = c.Begun
		}
	}
	return since
}

func flag(set bool) int {
	if set {
		return 1
	}
	return 0
}

func authorization(rows *sql.Rows) (acme.Authorization, error) {
	var (
		a                                      acme.Authorization
		covers, challenges                     string
		approval                               sql.NullString
		created, expires, deactivated, revoked int64
	)
	err := rows.Scan(&a.ID, &a.Account, &a.Connector, &covers, &a.Subdomains, &created, &approval, &expires, &deactivated, &revoked, &challenges)
	if err != nil {
		return a, err
	}
	var covered ident.Identifier
	if err := covered.UnmarshalText([]byte(covers)); err != nil {
		return a, err
	}
	if approval.Valid {
		if err := parse("approval", approval.String, &a.Approval); err != nil {
			return a, err
		}
	}
	a.Identifier, a.Wildcard = covered.Base(), covered.IsWildcard()
	a.Created, a.Expires, a.Deactivated, a.Revoked = moment(created), moment(expires), moment(deactivated), moment(revoked)
	return a, parse("challenges", challenges, &a.Challenges)
}

// Authorization returns an authorization; NotFound without one.
func Authorization(ctx context.Context, q Querier, id string) (acme.Authorization, error) {
	return one(ctx, q, "authorization", authorization, selectAuthorization+"WHERE id = ?", id)
}

// Authorizations returns the authorizations with these ids, in their sequence; NotFound when one is missing.
func Authorizations(ctx context.Context, q Querier, ids []string) ([]acme.Authorization, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, args := list(ids)
	found, err := all(ctx, q, authorization, selectAuthorization+"WHERE id IN "+in, args...)
	if err != nil {
		return nil, err
	}
	ordered := make([]acme.Authorization, len(ids))
	for i, id := range ids {
		at := slices.IndexFunc(found, func(a acme.Authorization) bool { return a.ID == id })
		if at < 0 {
			return nil, Missing("authorization")
		}
		ordered[i] = found[at]
	}
	return ordered, nil
}

// Usable returns those authorizations of an account that are valid at now and cover exactly one of ids: for each
// identifier one, proven rather than approved and of these the one that lasts longest, and of those that cover the names
// below it besides one more, chosen alike.
func Usable(ctx context.Context, q Querier, account string, ids []ident.Identifier, now time.Time) ([]acme.Authorization, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	covers := make([]string, len(ids))
	for i, id := range ids {
		text, err := id.MarshalText()
		if err != nil {
			return nil, err
		}
		covers[i] = string(text)
	}
	in, args := list(covers)
	found, err := all(ctx, q, authorization,
		selectAuthorization+"WHERE valid = 1 AND account = ? AND expires > ? AND covers IN "+in+" ORDER BY covers, subdomains, approval IS NOT NULL, expires DESC, id DESC",
		append([]any{account, Seconds(now)}, args...)...)
	return slices.CompactFunc(found, func(a, b acme.Authorization) bool { return a.Covers() == b.Covers() && a.Subdomains == b.Subdomains }), err
}

// Unfinished returns the authorizations with a challenge that is processing since before the given time and that had
// not expired then, oldest first.
func Unfinished(ctx context.Context, q Querier, before time.Time, limit int) ([]acme.Authorization, error) {
	return all(ctx, q, authorization,
		selectAuthorization+"WHERE processing > 0 AND processing < ? AND ends > ? ORDER BY processing, id LIMIT ?",
		Seconds(before), Seconds(before), limited(limit))
}
