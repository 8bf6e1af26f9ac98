package pki

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Bounds of what a profile may say.
const (
	MinLifetime       = time.Minute
	MaxLifetime       = 10 * 366 * 24 * time.Hour
	MaxBackdate       = 48 * time.Hour     // BR section 7.1.2.7: notBefore lies within 48 hours of the signing
	ShortLived        = 7 * 24 * time.Hour // BR section 1.6.1: up to this, revocation may be left out
	maxDescriptionLen = 500
)

// DefaultSpec returns the profile that an installation starts with: 90 days, for servers.
func DefaultSpec(issuer string) Spec {
	return Spec{
		Description: "Server certificates for 90 days",
		Issuer:      issuer,
		Lifetime:    90 * span.Day,
		Backdate:    span.Of(time.Hour),
		Keys:        SubjectKeyTypes(),
		Usages:      []Usage{ServerAuth},
	}
}

// ShortLivedSpec returns a profile of 160 hours, which needs no revocation.
func ShortLivedSpec(issuer string) Spec {
	spec := DefaultSpec(issuer)
	spec.Description = "Server certificates for 160 hours, without revocation"
	spec.Lifetime = span.Of(160 * time.Hour)
	spec.NoCRL = true
	return spec
}

// Validate returns everything that is wrong with the declaration as one error of kind Malformed, one sentence each.
func (s Spec) Validate() error {
	var found problems
	found.check(s.Issuer != "", "issuer: name the issuer that signs.")
	found.check(len(s.Description) <= maxDescriptionLen && strings.IndexFunc(s.Description, unicode.IsControl) < 0,
		"description: write one line of at most %d octets.", maxDescriptionLen)
	s.checkTimes(&found)
	checkList(&found, "keys", s.Keys, SubjectKeyTypes())
	checkList(&found, "usages", s.Usages, []Usage{ServerAuth, ClientAuth})
	if len(found) > 0 {
		return fault.New(fault.Malformed, "%s", strings.Join(found, " "))
	}
	return nil
}

func (s Spec) checkTimes(found *problems) {
	lifetime, backdate := s.Lifetime.Duration(), s.Backdate.Duration()
	found.check(lifetime >= MinLifetime && lifetime <= MaxLifetime && lifetime%time.Second == 0,
		"lifetime: %s is not a number of whole seconds from %s to %s.", s.Lifetime, span.Of(MinLifetime), span.Of(MaxLifetime))
	found.check(backdate >= 0 && backdate <= MaxBackdate && backdate <= lifetime/2 && backdate%time.Second == 0,
		"backdate: %s is not a number of whole seconds from 0 to %s and to half of the lifetime.", s.Backdate, span.Of(MaxBackdate))
	found.check(!s.NoCRL || lifetime <= ShortLived,
		"no_crl: only certificates of at most %s may do without revocation.", span.Of(ShortLived))
}

// problems collects sentences.
type problems []string

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Sprintf(format, args...))
	}
}

// checkList wants at least one value, each known and none twice.
func checkList[T ~string](found *problems, field string, values, known []T) {
	found.check(len(values) > 0, "%s: name at least one of %v.", field, known)
	for i, value := range values {
		found.check(slices.Contains(known, value), "%s: %q is none of %v.", field, value, known)
		found.check(!slices.Contains(values[:i], value), "%s: %q stands there twice.", field, value)
	}
}
