package manage

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Bounds of a connector's rules.
const (
	maxIdentifiers = 1000 // in one order
	maxList        = 1000 // elements of a list
	minLife        = time.Minute
	maxOrderLife   = 30 * 24 * time.Hour
	maxReuseLife   = 398 * 24 * time.Hour // BR section 4.2.1, as it was at its longest
)

// edit returns the rules as change makes them, once they can hold in the organisation. Error: Malformed with
// everything that cannot.
func (s *Service) edit(ctx context.Context, organisation string, rules policy.Rules, change Change[policy.Rules]) (policy.Rules, error) {
	rules = ownLists(rules)
	if change != nil {
		if err := change(&rules); err != nil {
			return rules, err
		}
	}
	profiles, err := s.store.Profiles(ctx, organisation)
	if err != nil {
		return rules, err
	}
	var known []string
	for _, p := range profiles {
		known = append(known, p.Name)
	}
	found := findings(checkRules(rules, known))
	perspectives, err := s.perspectiveNames(ctx)
	if err != nil {
		return rules, err
	}
	checkQuorum(&found, rules.Quorum, perspectives)
	if len(found) > 0 {
		return rules, fault.New(fault.Malformed, "%s", strings.Join(found, " "))
	}
	return rules, nil
}

// ownLists returns the rules with lists of their own: a change may write into them.
func ownLists(r policy.Rules) policy.Rules {
	r.Profiles, r.Names, r.Methods = slices.Clone(r.Profiles), slices.Clone(r.Names), slices.Clone(r.Methods)
	r.CAAIdentities, r.Quorum.Perspectives = slices.Clone(r.CAAIdentities), slices.Clone(r.Quorum.Perspectives)
	r.Persist.Issuers = slices.Clone(r.Persist.Issuers)
	r.Addresses.Allow, r.Addresses.Deny = slices.Clone(r.Addresses.Allow), slices.Clone(r.Addresses.Deny)
	r.Limits = r.Limits.Clone()
	return r
}

// findings collects sentences.
type findings []string

func (f *findings) expect(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

// checkRules returns one sentence for each thing in the rules that cannot be; profiles are the names that exist.
func checkRules(r policy.Rules, profiles []string) []string {
	var found findings
	found.expect(len(r.Profiles) > 0, "profiles: name at least one; there are: %s.", strings.Join(profiles, ", "))
	checkEach(&found, "profiles", r.Profiles, func(name string) string {
		return unless(slices.Contains(profiles, name), "there is none of this name; there are: "+strings.Join(profiles, ", "))
	})
	checkEach(&found, "names", r.Names, wrongPattern)
	checkEach(&found, "methods", r.Methods, func(m acme.Method) string {
		return unless(slices.Contains(acme.Methods(), m), fmt.Sprintf("it is none of %v", acme.Methods()))
	})
	checkProofs(&found, r)
	checkEach(&found, "caa_identities", r.CAAIdentities, wrongHost)
	found.expect(r.TermsOfService == "" || isWebAddress(r.TermsOfService), "terms_of_service: %q is no http or https URL.", clip(r.TermsOfService))
	found.expect(r.Website == "" || isWebAddress(r.Website), "website: %q is no http or https URL.", clip(r.Website))
	found.expect(r.MaxIdentifiers >= 1 && r.MaxIdentifiers <= maxIdentifiers, "max_identifiers: %d is not from 1 to %d.", r.MaxIdentifiers, maxIdentifiers)
	checkLife(&found, "order_life", r.OrderLife, maxOrderLife)
	checkLife(&found, "reuse_life", r.ReuseLife, maxReuseLife)
	checkEach(&found, "addresses.allow", r.Addresses.Allow, wrongPrefix)
	checkEach(&found, "addresses.deny", r.Addresses.Deny, wrongPrefix)
	return append(found, r.Limits.Check()...)
}

// checkEach judges every element of a list, and that none stands there twice. wrong returns the reason, "" for none.
func checkEach[T comparable](found *findings, field string, values []T, wrong func(T) string) {
	if len(values) > maxList {
		found.expect(false, "%s: %d elements are more than %d.", field, len(values), maxList)
		return
	}
	for i, value := range values {
		shown := clip(fmt.Sprint(value))
		if reason := wrong(value); reason != "" {
			found.expect(false, "%s: %q: %s.", field, shown, reason)
		}
		found.expect(!slices.Contains(values[:i], value), "%s: %q stands there twice.", field, shown)
	}
}

func unless(ok bool, reason string) string {
	if ok {
		return ""
	}
	return reason
}

// checkProofs judges what is said about proofs that stand for long or reach far.
func checkProofs(found *findings, r policy.Rules) {
	p := r.Persist
	found.expect(p.Draft != "" || !slices.Contains(r.Methods, acme.DNSPersist01),
		"methods: dns-persist-01 needs to know the form of its records; set persist.draft to one of %v, and persist.issuers.", persist.Drafts())
	found.expect(p.Draft == "" || slices.Contains(persist.Drafts(), p.Draft), "persist.draft: %q is none of %v.", clip(string(p.Draft)), persist.Drafts())
	found.expect(p.Draft == "" || len(p.Issuers) > 0 && len(p.Issuers) <= persist.MaxIssuers,
		"persist.issuers: name 1 to %d domain names that mean this CA in records; there are %d.", persist.MaxIssuers, len(p.Issuers))
	checkEach(found, "persist.issuers", p.Issuers, wrongHost)
	if p.ReuseLife != 0 {
		checkLife(found, "persist.reuse_life", p.ReuseLife, policy.MaxPersistReuse)
	}
	below := []policy.Subdomains{policy.NoSubdomains, policy.NamesBelow, policy.AllBelow}
	found.expect(slices.Contains(below, r.Subdomains), "subdomains: %q is neither %q nor %q.", clip(string(r.Subdomains)), policy.NamesBelow, policy.AllBelow)
}

// wrongPattern says why a rule for names covers nothing that can be certified; see [policy.Pattern].
func wrongPattern(rule string) string {
	if rule == "*" {
		return ""
	}
	if strings.Contains(rule, "/") {
		return wrongNetwork(rule)
	}
	if _, err := netip.ParseAddr(rule); err == nil {
		_, err = ident.ParseIP(rule)
		return reasonOf(err)
	}
	if suffix, below := strings.CutPrefix(rule, "."); below {
		_, err := ident.ParseDNS("name." + suffix)
		return unless(err == nil, `no name below it can be certified; write it like ".example.com"`)
	}
	_, err := ident.ParseDNS(rule)
	return reasonOf(err)
}

func wrongHost(name string) string {
	id, err := ident.ParseDNS(name)
	if err != nil {
		return reasonOf(err)
	}
	return unless(id.Value() == name && !id.IsWildcard(), "write the name of a host, in lower case")
}

func wrongPrefix(p netip.Prefix) string {
	switch {
	case !p.IsValid():
		return `write addresses like "192.0.2.0/24" or "2001:db8::/32"`
	case p.Addr().Is4In6():
		return "write an IPv4 network as such"
	default:
		return unless(p == p.Masked(), "it has bits beyond its length; it would be "+p.Masked().String())
	}
}

func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	return ident.Reason(err)
}

func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && len(text) <= 2000
}

func checkLife(found *findings, field string, life span.Span, most time.Duration) {
	d := life.Duration()
	found.expect(d >= minLife && d <= most && d%time.Second == 0,
		"%s: %s is not a number of whole seconds from %s to %s.", field, life, span.Of(minLife), span.Of(most))
}
