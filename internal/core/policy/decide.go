package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// Pattern tells whether a rule covers an identifier. A rule is "*" (everything), an exact name, a wildcard name,
// an address, "*.example.com" (exactly that wildcard), ".example.com": every name below example.com, wildcards included,
// or a network like "192.0.2.0/24": every address in it.
func Pattern(rule string, id ident.Identifier) bool {
	switch {
	case rule == "*":
		return true
	case strings.Contains(rule, "/"):
		network, err := netip.ParsePrefix(rule)
		return err == nil && network.Contains(id.Addr())
	case strings.HasPrefix(rule, "."):
		return id.Type() == ident.DNS && strings.HasSuffix(id.Base().Value(), rule) ||
			id.IsWildcard() && "."+id.Base().Value() == rule
	default:
		return id.Value() == strings.ToLower(rule)
	}
}

// Profile returns the name of the profile that an order gets: the one asked for, or the default.
// Error: InvalidProfile when the connector does not offer it.
func (r Rules) Profile(asked string) (string, error) {
	if asked == "" && len(r.Profiles) > 0 {
		return r.Profiles[0], nil
	}
	if !slices.Contains(r.Profiles, asked) {
		return "", fault.New(fault.InvalidProfile, "The profile %q is not offered here; the directory lists the profiles on offer.", asked)
	}
	return asked, nil
}

// Judge decides whether ids may be ordered together. The error names each refused identifier with its reason;
// nil means that all may.
func (r Rules) Judge(ids []ident.Identifier) error {
	return Authority{Connector: Connector{Rules: r}}.Judge(ids)
}

// Refusal joins what is wrong with single identifiers into one error; nil when nothing is.
func Refusal(subs []fault.Sub) error {
	switch len(subs) {
	case 0:
		return nil
	case 1:
		return &fault.Error{Kind: subs[0].Kind, Public: subs[0].Public, Subs: subs}
	default:
		return &fault.Error{
			Kind:   subs[0].Kind,
			Public: fmt.Sprintf("%d of the identifiers are refused; each with its reason in the subproblems.", len(subs)),
			Subs:   subs,
		}
	}
}
