package issue

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// methodsOf returns the methods by which what an authorization covers can be proven here now: those of the rules, but
// without an external URL none that names the account by its URL.
func (s *Service) methodsOf(c policy.Connector, a acme.Authorization) []acme.Method {
	published := s.options.AccountURL(c, a.Account) != ""
	return slices.DeleteFunc(c.Rules.MethodsOf(a), func(m acme.Method) bool { return m.NamesAccount() && !published })
}

// challenges returns new challenges for what an authorization covers. Error: RejectedIdentifier when there are none.
func (s *Service) challenges(c policy.Connector, a acme.Authorization) ([]acme.Challenge, error) {
	var made []acme.Challenge
	for _, m := range s.methodsOf(c, a) {
		challenge := acme.Challenge{Method: m}
		if m.HasToken() {
			var token [tokenBytes]byte
			fill(token[:])
			challenge.Token = base64.RawURLEncoding.EncodeToString(token[:])
		} else {
			offer := c.Rules.Persist.Offer()
			challenge.Persist = &offer
		}
		made = append(made, challenge)
	}
	if made == nil {
		return nil, policy.Refusal([]fault.Sub{{Kind: fault.RejectedIdentifier, Identifier: a.Covers(), Public: noMethod(a)}})
	}
	return made, nil
}

func noMethod(a acme.Authorization) string {
	if a.Subdomains {
		return fmt.Sprintf("No challenge on offer can prove control of the names below %s; that takes one in DNS. Order without ancestorDomain.", a.Covers())
	}
	return fmt.Sprintf("No challenge on offer can prove control of %s: those of this connector name the account by its URL, and the server has no external URL.", a.Covers())
}

// mayProve judges an open challenge by the rules and the scope of now. Errors: RejectedIdentifier; Unauthorized when the method is
// not accepted any more, or not in the form in which it was offered.
func (s *Service) mayProve(r Requester, a acme.Authorization, challenge acme.Challenge) error {
	c := r.Connector
	if err := r.authority().Judge([]ident.Identifier{a.Covers()}); err != nil {
		return err
	}
	if !slices.Contains(s.methodsOf(c, a), challenge.Method) {
		return fault.New(fault.Unauthorized, "This connector no longer accepts %s; answer another challenge of the authorization, or place a new order.", challenge.Method)
	}
	if challenge.Persist != nil && !challenge.Persist.Equal(c.Rules.Persist.Offer()) {
		return fault.New(fault.Unauthorized, "This connector accepts other records of %s than it offered here; place a new order.", challenge.Method)
	}
	return nil
}

// sought is what a validator is to look for: what proves, for the account, what the authorization covers.
func (s *Service) sought(r Requester, a acme.Authorization, challenge acme.Challenge) policy.Look {
	c := r.Connector
	addresses := c.Rules.Addresses
	addresses.Loopback = addresses.Loopback || s.options.Trial
	return policy.Look{
		Identifier: a.Identifier, Method: challenge.Method, Token: challenge.Token,
		KeyAuthorization: challenge.KeyAuthorization, Addresses: addresses, Rules: c.Rules, Scope: r.Credential.Scope,
		Beyond: a.Wildcard || a.Subdomains, Account: s.inDNS(c, r.Account),
	}
}

// inDNS returns how records in DNS name an account. What stands before hashes of accounts stands before their ids too,
// which look otherwise.
func (s *Service) inDNS(c policy.Connector, a acme.Account) persist.Account {
	url := s.options.AccountURL(c, a.ID)
	if url == "" {
		return persist.Account{}
	}
	return persist.Account{URL: url, HashPrefix: s.options.AccountURL(c, ""), Thumbprints: a.Thumbprints()}
}

// holds finds those authorizations of the requester that prove control of names of a new order already.
func (s *Service) holds(ctx context.Context, r Requester, o acme.Order) ([]acme.Authorization, error) {
	wanted := slices.Clone(o.Identifiers)
	for _, id := range o.Identifiers {
		if r.Connector.Rules.Below(id) {
			wanted = append(wanted, id.Above()...)
		}
	}
	held, err := s.store.Reusable(ctx, r.Account.ID, ident.Set(wanted), o.Created, o.Created.Add(reuseMargin))
	return slices.DeleteFunc(held, func(a acme.Authorization) bool {
		return unusable(r, a) != "" || !reusable(a)
	}), err
}

// reusable reports whether a proof counts for later orders. By draft-01 of dns-persist-01 it counts for no longer than the TTL
// of the record, which is too short a time to rely on: each order is looked up anew, as the CA does that deployed it.
func reusable(a acme.Authorization) bool {
	c, ok := a.Proof()
	return !ok || c.Persist == nil || c.Persist.Draft != persist.Draft01
}

// proving returns the authorization among several that proves control of id by the rules: one for id itself before one
// for a name above it.
func proving(rules policy.Rules, among []acme.Authorization, id ident.Identifier) (acme.Authorization, bool) {
	at := slices.IndexFunc(among, func(a acme.Authorization) bool { return a.Covers() == id })
	if at < 0 {
		at = slices.IndexFunc(among, func(a acme.Authorization) bool { return rules.Accepts(a, id) })
	}
	if at < 0 {
		return acme.Authorization{}, false
	}
	return among[at], true
}

// ancestors reads the names above theirs at which the requester wants to prove names of an order (RFC 9444 section 4.3).
// A connector that does not accept such proofs ignores the wish. Errors tell of every one that is no such name.
func ancestors(authority policy.Authority, names []Name) (map[ident.Identifier]ident.Identifier, error) {
	asked := make(map[ident.Identifier]ident.Identifier)
	var subs []fault.Sub
	for _, n := range names {
		id, err := ident.Parse(n.Type, n.Value)
		if err != nil || n.AncestorDomain == "" || !authority.Connector.Rules.Below(id) {
			continue
		}
		ancestor, err := ident.ParseDNS(n.AncestorDomain)
		switch {
		case err != nil:
			subs = append(subs, fault.Sub{Kind: fault.RejectedIdentifier, Identifier: id, Public: fmt.Sprintf("The ancestorDomain %q of %s cannot be: it %s.", clip(n.AncestorDomain), id, ident.Reason(err))})
		case !id.Below(ancestor):
			subs = append(subs, fault.Sub{Kind: fault.Malformed, Identifier: id, Public: fmt.Sprintf("%s is not below its ancestorDomain %s.", id, ancestor)})
		case authority.Judge([]ident.Identifier{ancestor}) != nil:
			subs = append(subs, fault.Sub{Kind: fault.RejectedIdentifier, Identifier: id, Public: fmt.Sprintf("The ancestorDomain %s of %s may not be proven at this connector.", ancestor, id)})
		default:
			asked[id] = ancestor
		}
	}
	return asked, policy.Refusal(subs)
}
