package cli

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// addRules adds a flag for each rule of a connector.
func addRules(flags *pflag.FlagSet, r *adminapi.RulesChange) {
	methods := acme.Methods()
	flags.BoolFunc("require-eab", "new accounts need a credential (external account binding)", optional(&r.ExternalBinding, yesNo))
	flags.Func("profiles", "`names` of the profiles on offer; the first is the default", optionalList(&r.Profiles, plain))
	flags.Func("names", "`names` that may be certified: example.com, .example.com for all below it, *.example.com, addresses, networks; empty is all", optionalList(&r.Names, plain))
	flags.Func("methods", "challenge `methods` on offer: "+joined(methods)+"; empty is "+joined(policy.DefaultMethods()), optionalList(&r.Methods, oneOf(methods...)))
	flags.Func("max-identifiers", "`number` of names in one order", optional(&r.MaxIdentifiers, number))
	flags.Func("order-life", "`time` after which an order that is not finished ends, like 1d", optional(&r.OrderLife, span.Parse))
	flags.Func("reuse-life", "`time` for which a proof of control may be used again, like 30d", optional(&r.ReuseLife, span.Parse))
	flags.BoolFunc("pre-authorize", "offer proofs of control ahead of orders (newAuthz)", optional(&r.PreAuthorize, yesNo))
	flags.BoolFunc("not-before-after", "let orders ask for notBefore and notAfter", optional(&r.NotBeforeAfter, yesNo))
	flags.Func("terms-of-service", "`URL` that new accounts must agree to; empty is none", optional(&r.TermsOfService, plain))
	flags.Func("website", "`URL` about this CA, in the directory", optional(&r.Website, plain))
	flags.Func("caa-identities", "`names` in CAA records that mean this CA, which is then checked for every DNS name; empty checks nothing", optionalList(&r.CAAIdentities, plain))
	flags.BoolFunc("caa-may-fail", "a CAA look-up that fails twice is passed over where DNSSEC proves the zone to be unsigned", optional(&r.CAAMayFail, yesNo))
	addProofs(flags, r)
	addAddresses(flags, r)
	addLimits(flags, r)
	addQuorum(flags, r)
}

// off is how a rule is written that allows nothing.
const off = "off"

// orOff reads one of the known words, or the one for none.
func orOff[T ~string](known ...T) func(string) (T, error) {
	one := oneOf(append(known, off)...)
	return func(text string) (T, error) {
		value, err := one(text)
		if value == off {
			return "", nil
		}
		return value, err
	}
}

// addProofs adds the flags for proofs that stand for long or reach far.
func addProofs(flags *pflag.FlagSet, r *adminapi.RulesChange) {
	var p adminapi.PersistChange
	given := func(set func(string) error) func(string) error {
		return func(text string) error {
			r.Persist = &p
			return set(text)
		}
	}
	flags.Func("persist-draft", "`form` of the records of dns-persist-01: draft-01, draft-02 or off", given(optional(&p.Draft, orOff(persist.Drafts()...))))
	flags.Func("persist-issuers", "domain `names` that mean this CA in records of dns-persist-01, at most 10", given(optionalList(&p.Issuers, plain)))
	flags.Func("persist-reuse-life", "`time` for which a proof by dns-persist-01 may be used again, at most 10d; 0s is 10d", given(optional(&p.ReuseLife, span.Parse)))
	flags.Func("subdomains", "`what` a proof in DNS may cover below its name, if the client asks for that (RFC 9444): names, wildcards too, or off",
		optional(&r.Subdomains, orOff(policy.NamesBelow, policy.AllBelow)))
}

// addAddresses adds the flags that say where validation may connect.
func addAddresses(flags *pflag.FlagSet, r *adminapi.RulesChange) {
	var a adminapi.AddressesChange
	given := func(set func(string) error) func(string) error {
		return func(text string) error {
			r.Addresses = &a
			return set(text)
		}
	}
	flags.BoolFunc("allow-private", "validation may connect to private addresses", given(optional(&a.Private, yesNo)))
	flags.BoolFunc("allow-loopback", "validation may connect to this machine", given(optional(&a.Loopback, yesNo)))
	flags.Func("allow-networks", "`networks` that validation may connect to besides", given(optionalList(&a.Allow, network)))
	flags.Func("deny-networks", "`networks` that validation must not connect to, whatever else allows it", given(optionalList(&a.Deny, network)))
}

// addRuleFacts shows the rules of a connector.
func addRuleFacts(f *render.Facts, r policy.Rules) {
	f.Add("Profiles", render.Words(r.Profiles))
	f.Add("Names", orAll(render.Words(r.Names)))
	f.Add("Methods", render.Words(r.Offered()))
	f.Add("Persistent records", persistent(r.Persist)...)
	f.Add("Proofs reach below", string(r.Subdomains))
	f.Add("External binding", required(r.ExternalBinding))
	f.Add("Terms of service", r.TermsOfService)
	f.Add("Website", r.Website)
	f.Add("CAA", checksCAA(r)...)
	f.Add("Names per order", strconv.Itoa(r.MaxIdentifiers))
	f.Add("Order life", r.OrderLife.String())
	f.Add("Reuse of proofs", r.ReuseLife.String())
	f.Add("Pre-authorization", render.YesNo(r.PreAuthorize))
	f.Add("notBefore, notAfter", render.YesNo(r.NotBeforeAfter))
	f.Add("Validation may reach", reachable(r.Addresses)...)
	f.Add("Limits", limitLines(r.Limits)...)
	f.Add("Proofs are seen from", quorumOf(r.Quorum)...)
}

func persistent(p policy.Persist) []string {
	if p.Draft == "" {
		return nil
	}
	lines := []string{string(p.Draft) + ", for " + render.Words(p.Issuers)}
	if p.ReuseLife > 0 {
		lines = append(lines, "reuse of proofs "+p.ReuseLife.String())
	}
	return lines
}

// checksCAA says whether CAA records are obeyed, and how.
func checksCAA(r policy.Rules) []string {
	if len(r.CAAIdentities) == 0 {
		return []string{"not checked, because no identity is set"}
	}
	failure := "a look-up that fails refuses"
	if r.CAAMayFail {
		failure = "a look-up that fails twice is passed over in zones that are proven to be unsigned"
	}
	return []string{"checked for " + render.Words(r.CAAIdentities), failure}
}

func reachable(a policy.Addresses) []string {
	lines := []string{"public addresses"}
	if a.Private {
		lines = append(lines, "private addresses")
	}
	if a.Loopback {
		lines = append(lines, "this machine")
	}
	for _, one := range a.Allow {
		lines = append(lines, one.String())
	}
	return append(lines, denied(a.Deny)...)
}

func denied(networks []netip.Prefix) []string {
	var lines []string
	for _, one := range networks {
		lines = append(lines, fmt.Sprintf("never %s", one))
	}
	return lines
}

func required(b bool) string {
	if b {
		return "required"
	}
	return "not required"
}

// orAll names what an empty rule means.
func orAll(text string) string {
	if text == "" {
		return "all"
	}
	return text
}
