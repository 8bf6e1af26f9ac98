package pki

import (
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// Matches reports whether the filter selects a certificate, as a store does; pages are not its affair.
// By a credential it selects none: a certificate does not tell by which its account came in.
func (f Filter) Matches(c Certificate) bool {
	return f.Credential == "" && matches(f.Account, c.Account) && matches(f.Connector, c.Connector) && matches(f.Order, c.Order) &&
		matches(f.Profile, c.ProfileName) && matches(f.Replaces, c.Replaces) && matches(f.KeyHash, c.KeyHash) &&
		(len(f.Issuers) == 0 || slices.Contains(f.Issuers, c.Issuer)) &&
		within(c.Issued, f.IssuedAfter, f.IssuedBefore) && within(c.NotAfter, f.ExpiresAfter, f.ExpiresBefore) &&
		(!f.Revoked || !c.Revoked.IsZero()) && (f.Name == "" || slices.ContainsFunc(c.Names, f.named))
}

// matches reports whether a value is the one that is asked for; the zero value asks for none.
func matches[T comparable](asked, value T) bool {
	var anything T
	return asked == anything || asked == value
}

// within reports whether t is neither before the first time nor at or after the second; zero times say nothing.
func within(t, from, before time.Time) bool {
	return (from.IsZero() || !t.Before(from)) && (before.IsZero() || t.Before(before))
}

func (f Filter) named(name ident.Identifier) bool {
	asked := strings.ToLower(f.Name)
	if strings.HasPrefix(asked, ".") {
		return name.Type() == ident.DNS && strings.HasSuffix(name.Value(), asked)
	}
	return name.Value() == asked
}
