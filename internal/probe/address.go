package probe

import (
	"net/netip"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// reach is what it takes to connect to an address.
type reach int

const (
	public     reach = iota // reached by default
	private                 // reached when the policy says so
	loopback                // reached when the policy says so
	translated              // carries an IPv4 address which decides; reached when that is public
	special                 // reached only when named
)

type block struct {
	prefix netip.Prefix
	reach  reach
	class  string // completes "is ..."
}

// CheckAddress decides whether a validator may connect to addr under p. The order is: what p denies, what p names,
// and then the class of the address. Everything that the special-purpose registries of IANA (RFC 6890) do not make
// globally reachable is refused unless p opens its class or names it; so are the metadata services of clouds,
// wherever they are. Addresses that carry an IPv4 address (IPv4-mapped, NAT64, 6to4) are judged by it.
// The error is of kind Connection and names the class of the address, not the address.
func CheckAddress(p policy.Addresses, addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	if !addr.IsValid() {
		return final(fault.Connection, "The target has no valid address.")
	}
	inner := embedded(addr)
	if within(p.Deny, addr) || inner.IsValid() && within(p.Deny, inner) {
		return final(fault.Connection, "The target's address is denied by the address policy of this CA.")
	}
	if within(p.Allow, addr) {
		return nil
	}
	b := classify(addr)
	if b.reach == translated {
		if b = classify(inner); b.reach != public {
			b.reach = special
		}
	}
	if b.reach == public || b.reach == private && p.Private || b.reach == loopback && p.Loopback {
		return nil
	}
	return final(fault.Connection, "The target's address is %s, which the address policy of this CA does not allow.", b.class)
}

// within reports whether addr, unmapped, is in one of the prefixes. A prefix in IPv4-mapped form means the IPv4 prefix.
func within(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// embedded returns the IPv4 address that a translated address carries, and the zero Addr for others.
func embedded(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return netip.Addr{}
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	default:
		return netip.Addr{}
	}
}

// classify returns the first block that contains addr. Of IPv6 only 2000::/3 is handed out to hosts (RFC 4291
// section 2.4); what is outside of it and unknown here is refused.
func classify(addr netip.Addr) block {
	for _, b := range blocks {
		if b.prefix.Contains(addr) {
			return b
		}
	}
	return block{reach: special, class: "reserved"}
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056

	// blocks lists the narrow before the wide.
	blocks = []block{
		{netip.MustParsePrefix("100.100.100.200/32"), special, "a cloud metadata service"},     // Alibaba
		{netip.MustParsePrefix("168.63.129.16/32"), special, "a cloud metadata service"},       // Azure
		{netip.MustParsePrefix("fd00:42::42/128"), special, "a cloud metadata service"},        // Scaleway
		{netip.MustParsePrefix("fd00:100::100:200/128"), special, "a cloud metadata service"},  // Alibaba
		{netip.MustParsePrefix("fd00:a9fe:a9fe::1/128"), special, "a cloud metadata service"},  // Linode
		{netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), special, "a cloud metadata service"}, // Oracle
		{netip.MustParsePrefix("fd00:ec2::/32"), special, "a cloud metadata service"},          // Amazon
		{netip.MustParsePrefix("fd20:ce::254/128"), special, "a cloud metadata service"},       // Google

		{netip.MustParsePrefix("0.0.0.0/8"), special, "unspecified"},
		{netip.MustParsePrefix("10.0.0.0/8"), private, "private"},
		{netip.MustParsePrefix("100.64.0.0/10"), private, "private"}, // RFC 6598
		{netip.MustParsePrefix("127.0.0.0/8"), loopback, "loopback"},
		{netip.MustParsePrefix("169.254.0.0/16"), special, "link-local"},
		{netip.MustParsePrefix("172.16.0.0/12"), private, "private"},
		{netip.MustParsePrefix("192.0.0.0/24"), special, "reserved for protocols"},
		{netip.MustParsePrefix("192.0.2.0/24"), special, "for documentation"},
		{netip.MustParsePrefix("192.88.99.0/24"), special, "a 6to4 relay"},
		{netip.MustParsePrefix("192.168.0.0/16"), private, "private"},
		{netip.MustParsePrefix("198.18.0.0/15"), special, "for benchmarks"},
		{netip.MustParsePrefix("198.51.100.0/24"), special, "for documentation"},
		{netip.MustParsePrefix("203.0.113.0/24"), special, "for documentation"},
		{netip.MustParsePrefix("224.0.0.0/4"), special, "multicast"},
		{netip.MustParsePrefix("240.0.0.0/4"), special, "reserved"},
		{netip.MustParsePrefix("0.0.0.0/0"), public, "public"},

		{netip.MustParsePrefix("::/128"), special, "unspecified"},
		{netip.MustParsePrefix("::1/128"), loopback, "loopback"},
		{nat64, translated, "translated"},
		{netip.MustParsePrefix("fc00::/7"), private, "private"},
		{netip.MustParsePrefix("fe80::/10"), special, "link-local"},
		{netip.MustParsePrefix("ff00::/8"), special, "multicast"},
		{netip.MustParsePrefix("2001::/23"), special, "reserved for protocols"}, // Teredo, benchmarks, ORCHID
		{netip.MustParsePrefix("2001:db8::/32"), special, "for documentation"},
		{netip.MustParsePrefix("3fff::/20"), special, "for documentation"}, // RFC 9637
		{sixToFour, translated, "translated"},
		{netip.MustParsePrefix("2000::/3"), public, "public"},
	}
)
