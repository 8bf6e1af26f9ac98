package limit

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// networkBits is how much of an IPv6 address names a subscriber: whoever has one /64 has 2^64 addresses.
const networkBits = 64

// Address is the subject of a client's address: an IPv4 address itself, also when it is written as an IPv6 one, and the
// /64 network of an IPv6 address. "" for the zero Addr: whoever is on this machine without an address.
func Address(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid():
		return ""
	case a.Is4():
		return a.String()
	default:
		return netip.PrefixFrom(a, networkBits).Masked().String()
	}
}

// Domain is the subject of what belongs together below one registration: the name one label below its public suffix.
// A name below no suffix of the list, as in networks of one's own, stands for itself; so does an IPv4 address, and an
// IPv6 address for its /64.
func Domain(id ident.Identifier) string {
	if id.Type() == ident.IP {
		return Address(id.Addr())
	}
	name := id.Base().Value()
	suffix, icann := publicsuffix.PublicSuffix(name)
	if !icann && !strings.Contains(suffix, ".") { // the list does not know it
		return name
	}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return domain
	}
	return name // a suffix itself
}

// maxSet is how long the names of a set may be to be kept as they are.
const maxSet = 200

// Set is the subject of exactly these identifiers, which are sorted and without duplicates: their names, or a digest of
// many.
func Set(ids []ident.Identifier) string {
	text := strings.Join(values(ids), ",")
	if len(text) <= maxSet {
		return text
	}
	digest := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(digest[:])
}

func values(ids []ident.Identifier) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.Value()
	}
	return names
}

// Pair is the subject of an account's proofs of control of an identifier.
func Pair(account, identifier string) string { return account + " " + identifier }

// SplitPair returns what Pair joined; identifier is "" for another subject.
func SplitPair(subject string) (account, identifier string) {
	account, identifier, _ = strings.Cut(subject, " ")
	return account, identifier
}
