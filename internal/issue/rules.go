package issue

import (
	"fmt"
	"slices"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// stillAllowed judges a ready order by the rules of now, which may be stricter than those under which it was opened:
// "The server MUST return an error if it cannot fulfill the request as specified" (RFC 8555 section 7.4). The order
// stays ready: it can be finalized when the operator allows it again before it expires. Errors: RejectedIdentifier;
// InvalidProfile; Unauthorized for names proven by a method that does not count any more.
func stillAllowed(rules policy.Rules, o OrderView) error {
	if err := rules.Judge(o.Identifiers); err != nil {
		return err
	}
	if _, err := rules.Profile(o.ProfileName); err != nil {
		return err
	}
	var subs []fault.Sub
	for _, a := range o.Parts {
		if !usable(rules, a.Authorization) {
			subs = append(subs, fault.Sub{
				Kind: fault.Unauthorized, Identifier: a.Covers(),
				Public: fmt.Sprintf("The proof of control of %s was by a method that this connector no longer accepts; place a new order.", a.Covers()),
			})
		}
	}
	return policy.Refusal(subs)
}

// usable reports whether an authorization was proven by a method that the connector still accepts.
func usable(rules policy.Rules, a acme.Authorization) bool {
	return slices.ContainsFunc(rules.MethodsFor(a.Covers()), func(m acme.Method) bool {
		c, ok := a.Challenge(m)
		return ok && c.Status() == acme.Valid
	})
}

// mayProve judges an open challenge by the rules of now. Errors: RejectedIdentifier; Unauthorized when the method is
// not accepted any more.
func mayProve(rules policy.Rules, id ident.Identifier, m acme.Method) error {
	if err := rules.Judge([]ident.Identifier{id}); err != nil {
		return err
	}
	if !slices.Contains(rules.MethodsFor(id), m) {
		return fault.New(fault.Unauthorized, "This connector no longer accepts %s; answer another challenge of the authorization, or place a new order.", m)
	}
	return nil
}
