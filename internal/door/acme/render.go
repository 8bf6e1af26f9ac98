package acme

import (
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/problem"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// account shows an account to its owner.
func (u urls) renderAccount(a acme.Account) wire.Account {
	return wire.Account{
		Status:                 a.Status(),
		Contact:                a.Contacts,
		TermsOfServiceAgreed:   !a.TermsAgreed.IsZero(),
		ExternalAccountBinding: a.Binding,
		Orders:                 u.orders(a.ID),
	}
}

func (u urls) renderOrder(o issue.OrderView) wire.Order {
	out := wire.Order{
		Status:         o.Status,
		Expires:        wire.Time(o.Expires),
		Identifiers:    []wire.Identifier{},
		NotBefore:      wire.Time(o.NotBefore),
		NotAfter:       wire.Time(o.NotAfter),
		Profile:        o.ProfileName,
		Replaces:       o.ReplacesAs,
		Error:          renderFailure(o.Failure),
		Authorizations: []string{},
		Finalize:       u.finalize(o.ID),
	}
	for _, id := range o.Identifiers {
		out.Identifiers = append(out.Identifiers, problem.From(id))
	}
	for _, id := range o.Authorizations {
		out.Authorizations = append(out.Authorizations, u.authorization(id))
	}
	if o.Certificate != "" {
		out.Certificate = u.certificate(o.Certificate, 0)
	}
	return out
}

func (u urls) renderAuthorization(a issue.AuthorizationView) wire.Authorization {
	out := wire.Authorization{
		Identifier: problem.From(a.Identifier),
		Status:     a.Status,
		Expires:    wire.Time(a.Expires),
		Challenges: []wire.Challenge{},
		Wildcard:   a.Wildcard,

		SubdomainAuthAllowed: a.Subdomains,
	}
	for _, c := range telling(a) {
		out.Challenges = append(out.Challenges, u.renderChallenge(a.Authorization, c))
	}
	return out
}

// telling returns the challenges that an authorization shows, in their fixed order: of a valid one "the challenge that
// was validated", of an invalid one "the challenge that was attempted and failed" (RFC 8555 section 7.1.4), else all.
func telling(a issue.AuthorizationView) []acme.Challenge {
	if a.Status != acme.Valid && a.Status != acme.Invalid {
		return a.Challenges
	}
	var decisive []acme.Challenge
	for _, c := range a.Challenges {
		if c.Status() == a.Status {
			decisive = append(decisive, c)
		}
	}
	if decisive == nil { // it expired before anybody tried
		return a.Challenges
	}
	return decisive
}

func (u urls) renderChallenge(a acme.Authorization, c acme.Challenge) wire.Challenge {
	out := wire.Challenge{
		Type:      c.Method,
		URL:       u.challenge(a.ID, c.Method),
		Status:    c.Status(),
		Token:     c.Token,
		Validated: wire.Time(c.Validated),
		Error:     renderFailure(c.Failure),
	}
	switch {
	case c.Persist == nil:
	case c.Persist.Draft == persist.Draft01:
		out.AccountURI, out.IssuerNames = u.account(a.Account), c.Persist.Issuers
	default:
		out.IssuerDomainNames = c.Persist.Issuers
	}
	return out
}

// renderFailure makes the problem document of a recorded failure. Its identifier goes into a subproblem, the only
// place where RFC 8555 section 6.7.1 lets one stand.
func renderFailure(f *acme.Failure) *problem.Document {
	if f == nil {
		return nil
	}
	err := &fault.Error{Kind: fault.Kind(f.Kind), Public: f.Public}
	subs := f.Subs
	if len(subs) == 0 && !f.Identifier.IsZero() {
		subs = []acme.Failure{*f}
	}
	for _, s := range subs {
		err.Subs = append(err.Subs, fault.Sub{Kind: fault.Kind(s.Kind), Public: s.Public, Identifier: s.Identifier})
	}
	d := problem.FromError(err)
	return &d
}
