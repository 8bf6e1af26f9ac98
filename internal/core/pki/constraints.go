package pki

import (
	"cmp"
	"crypto/x509"
	"encoding/asn1"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// Constraints are the name constraints of a CA certificate (RFC 5280 section 4.2.1.10). A domain stands for itself and
// everything below it, with a leading dot only for what is below it. Empty: the CA may certify every name.
type Constraints struct {
	PermittedNames    []string
	ExcludedNames     []string
	PermittedNetworks []netip.Prefix
	ExcludedNetworks  []netip.Prefix
}

func (c Constraints) check(found *problems) {
	for field, list := range map[string][]string{"permitted names": c.PermittedNames, "excluded names": c.ExcludedNames} {
		for _, domain := range list {
			id, err := ident.ParseDNS("name." + strings.TrimPrefix(domain, "."))
			found.check(err == nil && id.Value() == "name."+strings.TrimPrefix(domain, "."), "%s: %q is no domain in lower case; write it like example.com.", field, domain)
		}
	}
	for field, list := range map[string][]netip.Prefix{"permitted networks": c.PermittedNetworks, "excluded networks": c.ExcludedNetworks} {
		for _, p := range list {
			found.check(p.IsValid() && p == p.Masked() && !p.Addr().Is4In6(), "%s: %s is no network; write it like 192.0.2.0/24.", field, p)
		}
	}
}

// Closed returns the constraints as they stand in a certificate: one that permits some names or networks permits nothing
// of the other kind that it does not permit by itself (BR section 7.1.2.5.2). A list of domains alone would leave every
// address open.
func (c Constraints) Closed() Constraints {
	names, networks := len(c.PermittedNames) > 0, len(c.PermittedNetworks) > 0
	has := func(four bool) bool {
		return slices.ContainsFunc(c.PermittedNetworks, func(p netip.Prefix) bool { return p.Addr().Is4() == four })
	}
	if (names || networks) && !has(true) {
		c.ExcludedNetworks = with(c.ExcludedNetworks, netip.MustParsePrefix("0.0.0.0/0"))
	}
	if (names || networks) && !has(false) {
		c.ExcludedNetworks = with(c.ExcludedNetworks, netip.MustParsePrefix("::/0"))
	}
	if networks && !names {
		c.ExcludedNames = with(c.ExcludedNames, "")
	}
	return c
}

// with returns a list that holds one, which a certificate that was read back does already.
func with[T comparable](list []T, one T) []T {
	if slices.Contains(list, one) {
		return list
	}
	return append(slices.Clone(list), one)
}

// Equal reports whether two are the same, whatever the sequence of their lists.
func (c Constraints) Equal(o Constraints) bool {
	return sameSet(c.PermittedNames, o.PermittedNames, cmp.Compare[string]) && sameSet(c.ExcludedNames, o.ExcludedNames, cmp.Compare[string]) &&
		sameSet(c.PermittedNetworks, o.PermittedNetworks, netip.Prefix.Compare) && sameSet(c.ExcludedNetworks, o.ExcludedNetworks, netip.Prefix.Compare)
}

func sameSet[T comparable](a, b []T, compare func(T, T) int) bool {
	sorted := func(list []T) []T { return slices.Compact(slices.SortedFunc(slices.Values(list), compare)) }
	return slices.Equal(sorted(a), sorted(b))
}

func (c Constraints) apply(template *x509.Certificate) {
	c = c.Closed()
	template.PermittedDNSDomains, template.ExcludedDNSDomains = c.PermittedNames, c.ExcludedNames
	template.PermittedIPRanges, template.ExcludedIPRanges = networks(c.PermittedNetworks), networks(c.ExcludedNetworks)
	template.PermittedDNSDomainsCritical = true
}

func networks(list []netip.Prefix) []*net.IPNet {
	var all []*net.IPNet
	for _, p := range list {
		all = append(all, &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	return all
}

// ConstraintsOf returns the constraints of a CA certificate on names and addresses.
func ConstraintsOf(ca *x509.Certificate) Constraints {
	prefixes := func(list []*net.IPNet) []netip.Prefix {
		var all []netip.Prefix
		for _, n := range list {
			addr, _ := netip.AddrFromSlice(n.IP)
			bits, _ := n.Mask.Size()
			all = append(all, netip.PrefixFrom(addr, bits))
		}
		return all
	}
	return Constraints{
		ca.PermittedDNSDomains, ca.ExcludedDNSDomains, prefixes(ca.PermittedIPRanges), prefixes(ca.ExcludedIPRanges),
	}
}

// Permits reports whether the name constraints of a CA certificate let it certify a name (RFC 5280 section 4.2.1.10).
// A wildcard is excluded by every exclusion at or below its base, since it stands for the names there (CVE-2025-61727).
func Permits(ca *x509.Certificate, name ident.Identifier) bool {
	if name.Type() == ident.IP {
		return permitsAddress(ca, net.IP(name.Addr().AsSlice()))
	}
	base := name.Base().Value()
	excludes := func(domain string) bool {
		domain = strings.ToLower(domain)
		return withinDomain(base, domain) || name.IsWildcard() && withinDomain(strings.TrimPrefix(domain, "."), base)
	}
	if slices.ContainsFunc(ca.ExcludedDNSDomains, excludes) {
		return false
	}
	permits := func(domain string) bool {
		domain = strings.ToLower(domain)
		return withinDomain(base, domain) || name.IsWildcard() && domain == "."+base
	}
	return len(ca.PermittedDNSDomains) == 0 || slices.ContainsFunc(ca.PermittedDNSDomains, permits)
}

// withinDomain reports whether name is domain or below it. A leading dot leaves out the domain itself, the empty domain
// holds every name.
func withinDomain(name, domain string) bool {
	if domain == "" {
		return true
	}
	return name == domain || strings.HasSuffix(name, "."+strings.TrimPrefix(domain, "."))
}

func permitsAddress(ca *x509.Certificate, address net.IP) bool {
	holds := func(block *net.IPNet) bool { return block.Contains(address) }
	if slices.ContainsFunc(ca.ExcludedIPRanges, holds) {
		return false
	}
	return len(ca.PermittedIPRanges) == 0 || slices.ContainsFunc(ca.PermittedIPRanges, holds)
}

// PermitsUsages reports whether the extended key usages of a CA certificate let it certify leaves with these: none at all
// limit nothing, and a leaf with another one would be refused by every client that follows the chain.
func PermitsUsages(ca *x509.Certificate, usages []Usage) bool {
	if len(ca.ExtKeyUsage)+len(ca.UnknownExtKeyUsage) == 0 || slices.Contains(ca.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return true
	}
	return !slices.ContainsFunc(usages, func(u Usage) bool { return !hasUsage(ca, u) })
}

func hasUsage(ca *x509.Certificate, u Usage) bool {
	return slices.ContainsFunc(ca.ExtKeyUsage, func(k x509.ExtKeyUsage) bool { return k.OID().String() == u.OID() }) ||
		slices.ContainsFunc(ca.UnknownExtKeyUsage, func(id asn1.ObjectIdentifier) bool { return id.String() == u.OID() })
}

// UsagesOf returns the extended key usages of a CA certificate, as a profile spells them.
func UsagesOf(ca *x509.Certificate) []Usage {
	var usages []Usage
	for _, k := range ca.ExtKeyUsage {
		switch k {
		case x509.ExtKeyUsageServerAuth:
			usages = append(usages, ServerAuth)
		case x509.ExtKeyUsageClientAuth:
			usages = append(usages, ClientAuth)
		default:
			usages = append(usages, Usage(k.OID().String()))
		}
	}
	for _, id := range ca.UnknownExtKeyUsage {
		usages = append(usages, Usage(id.String()))
	}
	return usages
}

// PoliciesOf returns the policies of a CA certificate, without what qualifies them.
func PoliciesOf(ca *x509.Certificate) []Policy {
	var policies []Policy
	for _, p := range ca.Policies {
		policies = append(policies, Policy{OID: p.String()})
	}
	return policies
}

// PermitsPolicy reports whether a CA certificate names a policy, or every one.
func PermitsPolicy(ca *x509.Certificate, oid string) bool {
	return slices.ContainsFunc(ca.Policies, func(p x509.OID) bool { return p.String() == oid || p.String() == oidAnyPolicy })
}
