package issue

import (
	"fmt"
	"slices"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// stillAllowed judges a ready order by the rules and the scope of now, which may be stricter than those under which it was opened:
// "The server MUST return an error if it cannot fulfill the request as specified" (RFC 8555 section 7.4). The order
// stays ready: it can be finalized when the operator allows it again before it expires. Errors: RejectedIdentifier;
// InvalidProfile; Unauthorized for names proven by a method that does not count any more, or pre-approved no longer.
func stillAllowed(r Requester, o OrderView) error {
	authority := r.authority()
	if err := authority.Judge(o.Identifiers); err != nil {
		return err
	}
	if _, err := authority.Profile(o.ProfileName); err != nil {
		return err
	}
	var subs []fault.Sub
	for _, a := range o.Parts {
		if reason := unusable(r, a.Authorization); reason != "" {
			subs = append(subs, fault.Sub{Kind: fault.Unauthorized, Identifier: a.Covers(), Public: reason})
		}
	}
	return policy.Refusal(append(subs, unproven(authority.Connector.Rules, o)...))
}

// unproven tells of identifiers that nothing proves any more, because proofs at names above theirs are not accepted.
func unproven(rules policy.Rules, o OrderView) (subs []fault.Sub) {
	parts := o.proofs()
	for _, id := range o.Identifiers {
		if _, ok := proving(rules, parts, id); !ok {
			subs = append(subs, fault.Sub{
				Kind: fault.Unauthorized, Identifier: id,
				Public: fmt.Sprintf("Control of %s was proven at a name above it, which this connector no longer accepts; place a new order.", id),
			})
		}
	}
	return subs
}

// unusable says why an authorization counts no more: it was proven by a method that the connector does not accept any
// more, was seen from too few places for the profile, or rests on a pre-approval that was withdrawn. "" when it counts.
func unusable(r Requester, a acme.Authorization) string {
	authority := r.authority()
	if a.Approved() {
		if stillApproved(authority, a) {
			return ""
		}
		return fmt.Sprintf("%s is no longer pre-approved; place a new order and answer a challenge.", a.Covers())
	}
	c, ok := a.Proof()
	accepted := ok && slices.Contains(authority.Connector.Rules.MethodsOf(a), c.Method)
	if accepted && r.seen(c) {
		return ""
	}
	if accepted {
		return fmt.Sprintf("The proof of control of %s was not seen from as many places as the profile demands; place a new order.", a.Covers())
	}
	return fmt.Sprintf("The proof of control of %s was by a method that this connector no longer accepts; place a new order.", a.Covers())
}
