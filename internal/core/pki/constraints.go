package pki

import (
	"crypto/x509"
	"encoding/asn1"
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
