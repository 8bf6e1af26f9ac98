package pki

import (
	"crypto/x509"
	"net"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

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
