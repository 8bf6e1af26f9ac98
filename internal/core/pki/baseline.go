package pki

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// PolicyDomainValidated is the one reserved policy of the CA/Browser Forum that this CA can stand for: it proves control
// of names, and nothing about whoever controls them (BR section 7.1.6.1).
const PolicyDomainValidated = "2.23.140.1.2.1"

// refusePublicly says why a name has no place in a public certificate (BR section 7.1.4.2.1), as the end of a sentence
// that begins with it; "" when it has one. What no certificate may name, such as a wildcard below a public suffix, an
// underscore or .arpa, package ident has refused before.
func refusePublicly(id ident.Identifier) string {
	if id.Type() == ident.IP {
		if isReserved(id.Addr()) {
			return "is a reserved address"
		}
		return ""
	}
	// A suffix that no registry runs, such as github.io, has a dot; a top-level domain that the list does not know has none.
	suffix, known := publicsuffix.PublicSuffix(id.Base().Value())
	if !known && !strings.Contains(suffix, ".") {
		return "is an internal name, whose top-level domain is not in the public DNS"
	}
	return ""
}

// isReserved reports whether an address is not in the global unicast space: the registries of RFC 6890 and what came
// after it.
func isReserved(addr netip.Addr) bool {
	for _, text := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
		"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	} {
		if netip.MustParsePrefix(text).Contains(addr) {
			return true
		}
	}
	if addr.Is4() {
		return false
	}
	for _, text := range []string{"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"} {
		if netip.MustParsePrefix(text).Contains(addr) {
			return true
		}
	}
	return !netip.MustParsePrefix("2000::/3").Contains(addr)
}
