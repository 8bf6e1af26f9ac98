package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/internal/core/caa"
)

// addresses returns what A and AAAA records say, IPv6 first, without duplicates. IPv4-mapped IPv6 is IPv4.
func addresses(records []dns.RR) []netip.Addr {
	var six, four []netip.Addr
	for _, rr := range records {
		addr, ok := address(rr)
		switch {
		case !ok || slices.Contains(six, addr) || slices.Contains(four, addr):
		case addr.Is4():
			four = append(four, addr)
		default:
			six = append(six, addr)
		}
	}
	return append(six, four...)
}

func address(rr dns.RR) (netip.Addr, bool) {
	var raw []byte
	switch rr := rr.(type) {
	case *dns.A:
		raw = rr.A
	case *dns.AAAA:
		raw = rr.AAAA
	}
	addr, ok := netip.AddrFromSlice(raw)
	return addr.Unmap(), ok
}

// texts returns the values of TXT records; the strings of one record make one value.
func texts(records []dns.RR) []string {
	var values []string
	for _, rr := range records {
		if txt, ok := rr.(*dns.TXT); ok {
			values = append(values, unescape(strings.Join(txt.Txt, "")))
		}
	}
	return values
}

// unescape turns the presentation form of RFC 1035 section 5.1, in which the parser keeps strings, into octets.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out = append(out, text[i])
			continue
		}
		if octet, ok := decimal(text[i+1:]); ok {
			out = append(out, octet)
			i += 3
			continue
		}
		i++
		out = append(out, text[i])
	}
	return string(out)
}

// decimal reads the three digits of an escaped octet.
func decimal(text string) (byte, bool) {
	if len(text) < 3 {
		return 0, false
	}
	value := 0
	for _, c := range []byte(text[:3]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		value = 10*value + int(c-'0')
	}
	return byte(value), value <= 255
}

// result says in one or a few words what became of a question.
func result(reply *dns.Msg, err error) string {
	switch {
	case err == nil:
		return rcode(reply)
	case errors.Is(err, errAnswer), errors.Is(err, errTruncated):
		return "unusable answer"
	case errors.Is(err, errNotValidating):
		return "not asked, because it does not validate DNSSEC"
	case words(err) == "timed out":
		return "timeout"
	default:
		return "server unreachable"
	}
}

// rcode names the response code, with the extended error (RFC 8914) when the server gave one that is registered:
// it tells broken signatures from broken servers. The free text beside it is not shown.
func rcode(reply *dns.Msg) string {
	name, ok := dns.RcodeToString[reply.Rcode]
	if !ok {
		name = fmt.Sprintf("RCODE %d", reply.Rcode)
	}
	for _, code := range extendedErrors(reply) {
		if reason, ok := dns.ExtendedErrorCodeToString[code]; ok {
			return name + " (" + reason + ")"
		}
	}
	return name
}

// extendedErrors returns the codes of RFC 8914 in a reply.
func extendedErrors(reply *dns.Msg) []uint16 {
	opt := reply.IsEdns0()
	if opt == nil {
		return nil
	}
	var codes []uint16
	for _, option := range opt.Option {
		if extended, ok := option.(*dns.EDNS0_EDE); ok {
			codes = append(codes, extended.InfoCode)
		}
	}
	return codes
}

// isBogus reports whether a server refuses an answer because DNSSEC proves it wrong, or cannot prove it as it must.
func isBogus(reply *dns.Msg) bool {
	return reply.Rcode == dns.RcodeServerFailure && slices.ContainsFunc(extendedErrors(reply), func(code uint16) bool {
		return code >= dns.ExtendedErrorCodeDNSSECIndeterminate && code <= dns.ExtendedErrorCodeNSECMissing
	})
}

// properties returns what CAA records say.
func properties(records []dns.RR) []caa.Record {
	var set []caa.Record
	for _, rr := range records {
		if c, ok := rr.(*dns.CAA); ok {
			set = append(set, caa.Record{Flags: c.Flag, Tag: c.Tag, Value: c.Value})
		}
	}
	return set
}

// maxEvidence is how many records of one answer are kept as evidence.
const maxEvidence = 20

// evidence lists aliases and records for people to read. Values of TXT records are kept as the beginning of their
// SHA-256, enough to tell them apart.
func evidence(aliases []string, records []dns.RR) []string {
	var list []string
	for _, target := range aliases {
		list = append(list, "CNAME "+shown(undotted(target)))
	}
	for i, rr := range records {
		if i == maxEvidence {
			return append(list, fmt.Sprintf("and %d more", len(records)-maxEvidence))
		}
		if addr, ok := address(rr); ok {
			list = append(list, addr.String())
		}
		for _, c := range properties([]dns.RR{rr}) {
			list = append(list, fmt.Sprintf("%d %s %s", c.Flags, shown(c.Tag), shownText(c.Value)))
		}
		for _, value := range texts([]dns.RR{rr}) {
			digest := sha256.Sum256([]byte(value))
			list = append(list, "sha256:"+hex.EncodeToString(digest[:4]))
		}
	}
	return list
}
