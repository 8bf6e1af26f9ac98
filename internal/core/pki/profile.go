package pki

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/everleaf-pki/everleaf/internal/core/baseline"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Bounds of what a profile may say.
const (
	MinLifetime       = time.Minute
	MaxLifetime       = 10 * 366 * 24 * time.Hour
	MaxBackdate       = 48 * time.Hour     // BR section 7.1.2.7: notBefore lies within 48 hours of the signing
	ShortLived        = 7 * 24 * time.Hour // BR section 1.6.1: up to this, revocation may be left out
	maxDescriptionLen = 500
	maxLifetimes      = 20
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
	s.checkLifetimes(&found)
	checkList(&found, "keys", s.Keys, SubjectKeyTypes())
	s.checkUsages(&found)
	s.checkKeyUsages(&found)
	s.checkSubject(&found)
	s.checkPolicies(&found)
	s.checkExtensions(&found)
	s.checkPublic(&found)
	return found.err()
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

func (s Spec) checkLifetimes(found *problems) {
	found.check(len(s.Lifetimes) <= maxLifetimes, "lifetimes: %d are more than %d.", len(s.Lifetimes), maxLifetimes)
	last := Lifetime{Lifetime: s.Lifetime}
	for _, l := range s.Lifetimes {
		from, err := time.Parse(time.DateOnly, l.From)
		found.check(err == nil, "lifetimes: %q is no date; write it like 2027-03-15.", l.From)
		found.check(err != nil || l.From > last.From, "lifetimes: %s does not come after the date before it.", l.From)
		d := l.Lifetime.Duration()
		found.check(d >= MinLifetime && d < last.Lifetime.Duration() && d%time.Second == 0 && s.Backdate.Duration() <= d/2,
			"lifetimes: from %s on %s is not a number of whole seconds, at least twice the backdate, and shorter than what holds before.",
			from.Format(time.DateOnly), l.Lifetime)
		last = l
	}
}

// LifetimeAt returns the longest validity that the profile gives to a certificate issued at a time: of its lifetimes the
// one that has begun last, and for a public one no more than the CA/Browser Forum permits then.
func (s Spec) LifetimeAt(issued time.Time) time.Duration {
	longest := s.Lifetime.Duration()
	for _, l := range s.Lifetimes {
		if from, err := time.Parse(time.DateOnly, l.From); err == nil && !issued.Before(from) {
			longest = l.Lifetime.Duration()
		}
	}
	if s.Public {
		longest = min(longest, baseline.Lifetime(issued).Duration())
	}
	return longest
}

// checkPublic adds what the CA/Browser Forum demands of a profile for TLS certificates (BR section 7.1.2.7).
func (s Spec) checkPublic(found *problems) {
	if !s.Public {
		return
	}
	found.check(!slices.Contains(s.Keys, Ed25519), "public: keys of type %s are not permitted in public certificates.", Ed25519)
	found.check(slices.Equal(s.Usages, []Usage{ServerAuth}), "public: the usages are %s and nothing else.", ServerAuth)
	found.check(len(s.KeyUsages) == 0, "public: leave key_usages to the type of the key.")
	found.check(len(s.Subject) == 0, "public: only control of names is proven, so the subject says nothing else.")
	found.check(len(s.Extensions) == 0, "public: a profile adds no extensions of its own.")
	found.check(!s.NoIssuerURL, "public: no_issuer_url leaves out what clients need to complete the chain.")
	reserved := 0
	for _, p := range s.Policies {
		if strings.HasPrefix(p.OID, "2.23.140.1.") {
			reserved++
		}
	}
	domain := slices.ContainsFunc(s.Policies, func(p Policy) bool { return p.OID == PolicyDomainValidated })
	found.check(!slices.ContainsFunc(s.Policies, func(p Policy) bool { return p.OID == oidAnyPolicy }),
		"public: no leaf stands for every policy (%s).", oidAnyPolicy)
	found.check(domain && reserved == 1, "public: the policies need %s (domain validated) and no other reserved one.", PolicyDomainValidated)
}

// RefuseName says why the profile cannot certify a name, as the end of a sentence that begins with it; "" when it can.
// What its list of names says is not looked at.
func (s Spec) RefuseName(id ident.Identifier) string {
	if !s.Public {
		return ""
	}
	return refusePublicly(id)
}

// Clone returns a declaration that shares nothing with s.
func (s Spec) Clone() Spec {
	s.Keys, s.Usages, s.KeyUsages = slices.Clone(s.Keys), slices.Clone(s.Usages), slices.Clone(s.KeyUsages)
	s.Lifetimes, s.Subject, s.Names = slices.Clone(s.Lifetimes), slices.Clone(s.Subject), slices.Clone(s.Names)
	s.Policies, s.Extensions = slices.Clone(s.Policies), slices.Clone(s.Extensions)
	for i, e := range s.Extensions {
		s.Extensions[i].Value = slices.Clone(e.Value)
	}
	return s
}

// problems collects sentences.
type problems []string

// err returns the sentences as one error of kind Malformed; nil without any.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return fault.New(fault.Malformed, "%s", strings.Join(p, " "))
}

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
