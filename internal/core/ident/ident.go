// Package ident is the one type for the identifiers that certificates name: DNS names and IP addresses.
//
// An [Identifier] can only be made by the parsers here, holds one canonical spelling, and is comparable:
// two identifiers are the same exactly when they are ==. Blocklists, CAA, limits and the store all use that spelling
// (CVE-2026-39821: two spellings of one name are two holes).
package ident

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Type is the identifier type of RFC 8555 section 9.7.7, equal to the text on the wire.
type Type string

// The types that can be certified.
const (
	DNS Type = "dns"
	IP  Type = "ip" // RFC 8738
)

// maxShown bounds, in characters, how much of a refused value is repeated in the error.
const maxShown = 260

const reasonCharacter = "has a character other than letters, digits and hyphen; write international names as A-labels (xn--)"

// Errors of the parsers; each is wrapped with the reason.
var (
	ErrType  = errors.New("unsupported identifier type")
	ErrValue = errors.New("invalid identifier")
)

// Reason returns what a parser has to say about a value, without the value: "has an empty label".
// It is "" for other errors.
func Reason(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.reason
	}
	return ""
}

// refusal is a value that a parser refused, with the reason.
type refusal struct{ value, reason string }

func (r *refusal) Error() string {
	return fmt.Sprintf("%v: %.*q %s", ErrValue, maxShown, r.value, r.reason)
}

func (r *refusal) Unwrap() error { return ErrValue }

// Identifier is one canonical name or address. The zero value is no identifier.
type Identifier struct {
	kind  Type
	value string
}

// Type returns the type.
func (i Identifier) Type() Type { return i.kind }

// Value returns the canonical spelling; a wildcard name begins with "*.".
func (i Identifier) Value() string { return i.value }

// String returns the value.
func (i Identifier) String() string { return i.value }

// IsZero reports whether i is no identifier.
func (i Identifier) IsZero() bool { return i.kind == "" }

// IsWildcard reports whether i is a wildcard DNS name.
func (i Identifier) IsWildcard() bool { return i.kind == DNS && strings.HasPrefix(i.value, "*.") }

// Base returns the name without a leading "*."; other identifiers are returned as they are.
func (i Identifier) Base() Identifier {
	return Identifier{i.kind, strings.TrimPrefix(i.value, "*.")}
}

// Below reports whether i is a DNS name below ancestor, whole labels compared: www.example.org and *.example.org are below
// example.org, badexample.org and example.org itself are not.
func (i Identifier) Below(ancestor Identifier) bool {
	return i.kind == DNS && ancestor.kind == DNS && !ancestor.IsWildcard() && strings.HasSuffix(i.value, "."+ancestor.value)
}

// Above returns the names that a DNS name is below, the nearest first, up to the top-level domain. Whether they can be
// certified was not judged.
func (i Identifier) Above() []Identifier {
	var above []Identifier
	for _, rest, ok := strings.Cut(i.value, "."); ok && i.kind == DNS; _, rest, ok = strings.Cut(rest, ".") {
		above = append(above, Identifier{DNS, rest})
	}
	return above
}

// Wildcard returns the wildcard of a DNS name; other identifiers are returned as they are.
func (i Identifier) Wildcard() Identifier {
	if i.kind != DNS || i.IsWildcard() {
		return i
	}
	return Identifier{DNS, "*." + i.value}
}

// MarshalText writes "TYPE:VALUE", the form in which identifiers are stored.
func (i Identifier) MarshalText() ([]byte, error) {
	if i.IsZero() {
		return nil, nil
	}
	return []byte(string(i.kind) + ":" + i.value), nil
}

// UnmarshalText restores what MarshalText wrote. It does not judge the value again, so that what was once
// accepted stays readable when the rules get stricter: it is for our own records, never for requests.
func (i *Identifier) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*i = Identifier{}
		return nil
	}
	kind, value, ok := strings.Cut(string(text), ":")
	if !ok || (Type(kind) != DNS && Type(kind) != IP) || value == "" {
		return fmt.Errorf("%w: stored identifier %q", ErrValue, text)
	}
	*i = Identifier{Type(kind), value}
	return nil
}

// Addr returns the address of an IP identifier, and the zero Addr for a DNS name.
func (i Identifier) Addr() netip.Addr {
	if i.kind != IP {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(i.value)
	if err != nil { // only from a damaged record, see UnmarshalText
		return netip.Addr{}
	}
	return addr
}

// Compare orders identifiers: by type, then by value.
func Compare(a, b Identifier) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.value, b.value))
}

// Set sorts ids and removes duplicates, in place.
func Set(ids []Identifier) []Identifier {
	slices.SortFunc(ids, Compare)
	return slices.Compact(ids)
}

// Parse reads an identifier as a requester writes it. Case of DNS names is folded; every other deviation from the
// canonical spelling is refused. Errors wrap ErrType or ErrValue.
func Parse(kind, value string) (Identifier, error) {
	switch Type(kind) {
	case DNS:
		return ParseDNS(value)
	case IP:
		return ParseIP(value)
	default:
		return Identifier{}, fmt.Errorf("%w %.*q", ErrType, maxShown, kind)
	}
}

// ParseIP reads an address in the one spelling of RFC 8738 section 3: dotted decimal, or RFC 5952.
func ParseIP(value string) (Identifier, error) {
	addr, err := netip.ParseAddr(value)
	if err != nil || addr.Zone() != "" || addr.Is4In6() || addr.String() != value {
		return Identifier{}, &refusal{value, "is not an IP address in canonical form"}
	}
	return Identifier{IP, value}, nil
}

// FromAddr returns the identifier of an address; IPv4-mapped IPv6 becomes IPv4. The zero Addr is no identifier.
func FromAddr(addr netip.Addr) Identifier {
	if !addr.IsValid() {
		return Identifier{}
	}
	return Identifier{IP, addr.Unmap().WithZone("").String()}
}

// ParseDNS reads a DNS name, or a wildcard with one leading "*." label.
func ParseDNS(value string) (Identifier, error) {
	if !isASCII(value) { // before case is folded: U+212A, the kelvin sign, folds to k
		return Identifier{}, &refusal{value, reasonCharacter}
	}
	name := strings.ToLower(value)
	base, wildcard := strings.CutPrefix(name, "*.")
	if reason := refuseName(name, base); reason != "" {
		return Identifier{}, &refusal{value, reason}
	}
	if wildcard && !strings.Contains(base, ".") {
		return Identifier{}, &refusal{value, "would cover a whole top-level domain"}
	}
	return Identifier{DNS, name}, nil
}

// refuseName says why a lower-case name cannot be certified, given the whole and its base without a leading "*.";
// "" when it can.
func refuseName(whole, base string) string {
	switch {
	case base == "":
		return "is empty"
	case len(whole) > 253:
		return "is longer than 253 octets"
	case strings.HasSuffix(base, "."):
		return "ends in a dot"
	}
	if _, err := netip.ParseAddr(base); err == nil {
		return `is an IP address; use the identifier type "ip"`
	}
	labels := strings.Split(base, ".")
	for _, label := range labels {
		if reason := refuseLabel(label); reason != "" {
			return reason
		}
	}
	return refuseDomain(base, labels[len(labels)-1])
}

func refuseLabel(label string) string {
	switch {
	case label == "":
		return "has an empty label"
	case len(label) > 63:
		return "has a label longer than 63 octets"
	case label[0] == '-' || label[len(label)-1] == '-':
		return "has a label that begins or ends with a hyphen"
	}
	for _, c := range []byte(label) {
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return reasonCharacter
		}
	}
	if len(label) >= 4 && label[2:4] == "--" && !wellFormedALabel(label) {
		return "has a label that is not a well-formed A-label"
	}
	return ""
}

// wellFormedALabel reports whether label survives the way to its U-label and back, and is not ASCII in disguise.
func wellFormedALabel(label string) bool {
	if !strings.HasPrefix(label, "xn--") {
		return false
	}
	unicode, err := idna.Lookup.ToUnicode(label)
	if err != nil || isASCII(unicode) {
		return false
	}
	back, err := idna.Lookup.ToASCII(unicode)
	return err == nil && back == label
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0
}

// refuseDomain refuses what is no host's name: numeric and special top-level domains, and bare public suffixes.
func refuseDomain(name, top string) string {
	if strings.Trim(top, "0123456789") == "" {
		return "ends in an all-numeric label"
	}
	switch top {
	case "onion":
		return "is an onion service; these need RFC 9799, which is not offered"
	case "arpa":
		return "is in the reverse and infrastructure zone .arpa"
	}
	if IsPublicSuffix(name) {
		return "is a public suffix, which belongs to a registry"
	}
	return ""
}

// IsPublicSuffix reports whether a name in lower case is one under which a registry lets everybody register.
func IsPublicSuffix(name string) bool {
	suffix, icann := publicsuffix.PublicSuffix(name)
	return icann && suffix == name
}
