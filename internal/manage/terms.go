package manage

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Bounds of a credential's terms.
const (
	maxAccounts     = 1_000_000 // that a credential may admit when it does not admit any number
	maxOrdersPerDay = 1_000_000
)

// SetTerms changes the terms of a credential. They hold for the next request of its accounts; orders that are open are
// judged by them when they are finalized. Of operators who change terms at once none undoes what another did, as with
// SetRules. Errors: NotFound; Malformed for a term that cannot be; Conflict when the connector has one of that name, or
// others were always faster.
func (s *Service) SetTerms(ctx context.Context, by Actor, id string, change Change[policy.Terms]) (CredentialView, error) {
	var err error
	for range rulesTries {
		if err = s.setTerms(ctx, by, id, change); !fault.Is(err, fault.Conflict) {
			break
		}
	}
	if err != nil {
		return CredentialView{}, err
	}
	return s.Credential(ctx, id)
}

// setTerms changes the terms once. Error beyond those of SetTerms: Conflict when they were changed meanwhile.
func (s *Service) setTerms(ctx context.Context, by Actor, id string, change Change[policy.Terms]) error {
	c, err := s.credential(ctx, id)
	if err != nil {
		return err
	}
	terms, err := s.editTerms(ctx, c, change)
	if err != nil {
		return err
	}
	e, err := s.happening(by, event.CredentialSaved, c.Organisation, c.ID, terms.Name)
	if err != nil {
		return err
	}
	return s.store.SetTerms(ctx, c.ID, c.Terms, terms, e)
}

// editTerms returns the terms of a credential as change makes them, once they can hold; nil changes nothing. Error:
// Malformed with everything that cannot.
func (s *Service) editTerms(ctx context.Context, c policy.Credential, change Change[policy.Terms]) (policy.Terms, error) {
	old, terms := c.Terms, c.Terms
	terms.Scope.Names, terms.Scope.Profiles = slices.Clone(terms.Scope.Names), slices.Clone(terms.Scope.Profiles)
	terms.Scope.PreApproved = slices.Clone(terms.Scope.PreApproved)
	if change != nil {
		if err := change(&terms); err != nil {
			return terms, err
		}
	}
	if !terms.Expires.IsZero() {
		terms.Expires = terms.Expires.UTC().Truncate(time.Second)
	}
	if err := checkLabel("a credential", terms.Name); err != nil {
		return terms, err
	}
	profiles, err := s.store.Profiles(ctx, c.Organisation)
	if err != nil {
		return terms, err
	}
	var known []string
	for _, p := range profiles {
		known = append(known, p.Name)
	}
	found := checkScope(terms.Scope, known)
	found.expect(terms.MaxAccounts >= 0 && terms.MaxAccounts <= maxAccounts,
		"max_accounts: a credential admits 1 to %d accounts, or any number with 0; not %d.", maxAccounts, terms.MaxAccounts)
	renewed := c.ID == "" || !terms.Expires.Equal(old.Expires)
	found.expect(terms.Expires.IsZero() || !renewed || terms.Expires.After(s.now()),
		"expires: the credential would have expired already; give a time to come, or suspend it.")
	if len(found) > 0 {
		return terms, fault.New(fault.Malformed, "%s", strings.Join(found, " "))
	}
	return terms, nil
}

// checkScope returns one sentence for each thing in a scope that cannot be; profiles are the names that exist.
func checkScope(scope policy.Scope, profiles []string) findings {
	var found findings
	checkEach(&found, "names", scope.Names, wrongPattern)
	checkEach(&found, "profiles", scope.Profiles, func(name string) string {
		return unless(slices.Contains(profiles, name), "there is none of this name; there are: "+strings.Join(profiles, ", "))
	})
	found.expect(scope.OrdersPerDay >= 0 && scope.OrdersPerDay <= maxOrdersPerDay,
		"orders_per_day: %d is not from 0 (any number) to %d.", scope.OrdersPerDay, maxOrdersPerDay)
	checkEach(&found, "pre_approved", scope.PreApproved, wrongApproval)
	return found
}

// wrongApproval says why an operator cannot vouch for what a rule covers. Nobody controls every name, a whole public
// suffix, or every address.
func wrongApproval(rule string) string {
	if reason := wrongPattern(rule); reason != "" {
		return reason
	}
	const tooWide = "nobody controls all of that; name domains and networks of yours"
	if network, err := netip.ParsePrefix(rule); err == nil {
		return unless(network.Bits() > 0, tooWide)
	}
	suffix, below := strings.CutPrefix(strings.ToLower(rule), ".")
	return unless(rule != "*" && !(below && ident.IsPublicSuffix(suffix)), tooWide)
}

// wrongNetwork says why a rule covers no addresses that can be certified.
func wrongNetwork(rule string) string {
	network, err := netip.ParsePrefix(rule)
	if err != nil {
		return `it is no network; write it like "192.0.2.0/24" or "2001:db8::/32"`
	}
	if reason := wrongPrefix(network); reason != "" {
		return reason
	}
	return unless(network.String() == rule, "write it as "+network.String())
}
