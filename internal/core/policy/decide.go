package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// Pattern tells whether a rule covers an identifier. A rule is "*" (everything), an exact name, a wildcard name,
// an address or "*.example.com" (exactly that wildcard), or ".example.com": every name below example.com, wildcards included.
func Pattern(rule string, id ident.Identifier) bool {
	switch {
	case rule == "*":
		return true
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
	if len(ids) == 0 {
		return fault.New(fault.Malformed, "The order names no identifiers; name at least one.")
	}
	if len(ids) > r.MaxIdentifiers {
		return fault.New(fault.RejectedIdentifier, "The order names %d identifiers; %d are allowed in one certificate.", len(ids), r.MaxIdentifiers)
	}
	var subs []fault.Sub
	for _, id := range ids {
		if reason := r.refuse(id); reason != "" {
			subs = append(subs, fault.Sub{Kind: fault.RejectedIdentifier, Public: reason, Identifier: id})
		}
	}
	return Refusal(subs)
}

func (r Rules) refuse(id ident.Identifier) string {
	allowed := len(r.Names) == 0 || slices.ContainsFunc(r.Names, func(rule string) bool { return Pattern(rule, id) })
	switch {
	case !allowed:
		return fmt.Sprintf("%s is not among the names that this connector may certify.", id)
	case len(r.MethodsFor(id)) == 0:
		return fmt.Sprintf("No challenge on offer can prove control of %s.", id)
	default:
		return ""
	}
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
