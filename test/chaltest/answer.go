package chaltest

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// maxAliases ends a chain of aliases in an answer, so that a loop is answered like a long chain.
const maxAliases = 20

// reply answers from what was set. The caller holds the lock.
func (d *DNS) reply(request *dns.Msg, question dns.Question) *dns.Msg {
	reply := new(dns.Msg).SetReply(request)
	reply.RecursionAvailable = true
	if opt := request.IsEdns0(); opt != nil {
		reply.SetEdns0(opt.UDPSize(), opt.Do())
	}
	owner := question.Name
	for range maxAliases {
		key := canonical(owner)
		if code, ok := d.rcodes[key]; ok {
			reply.Rcode = code
			return reply
		}
		target, ok := d.aliases[key]
		if !ok || question.Qtype == dns.TypeCNAME {
			break
		}
		reply.Answer = append(reply.Answer, &dns.CNAME{Hdr: header(owner, dns.TypeCNAME), Target: target})
		owner = target
	}
	if !d.exists(canonical(owner)) {
		reply.Rcode = dns.RcodeNameError
		return reply
	}
	reply.Answer = append(reply.Answer, d.records(owner, question.Qtype)...)
	return reply
}

func (d *DNS) exists(key string) bool {
	_, hasAddresses := d.addresses[key]
	_, hasTexts := d.texts[key]
	_, hasCAA := d.caa[key]
	_, isAlias := d.aliases[key]
	return hasAddresses || hasTexts || hasCAA || isAlias || len(d.fallback) > 0
}

func (d *DNS) records(owner string, kind uint16) []dns.RR {
	key := canonical(owner)
	var records []dns.RR
	switch kind {
	case dns.TypeA, dns.TypeAAAA:
		addresses, ok := d.addresses[key]
		if !ok {
			addresses = d.fallback
		}
		records = addressRecords(owner, kind, addresses)
	case dns.TypeTXT:
		for _, value := range d.texts[key] {
			records = append(records, &dns.TXT{Hdr: header(owner, dns.TypeTXT), Txt: characterStrings(value)})
		}
	case dns.TypeCAA:
		for _, c := range d.caa[key] {
			records = append(records, &dns.CAA{Hdr: header(owner, dns.TypeCAA), Flag: c.Flag, Tag: c.Tag, Value: c.Value})
		}
	case dns.TypeCNAME:
		if target, ok := d.aliases[key]; ok {
			records = append(records, &dns.CNAME{Hdr: header(owner, dns.TypeCNAME), Target: target})
		}
	}
	return records
}

func addressRecords(owner string, kind uint16, addresses []netip.Addr) []dns.RR {
	var records []dns.RR
	for _, a := range addresses {
		switch {
		case kind == dns.TypeA && a.Is4():
			records = append(records, &dns.A{Hdr: header(owner, dns.TypeA), A: a.AsSlice()})
		case kind == dns.TypeAAAA && a.Is6():
			records = append(records, &dns.AAAA{Hdr: header(owner, dns.TypeAAAA), AAAA: a.AsSlice()})
		}
	}
	return records
}

func header(owner string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: kind, Class: dns.ClassINET, Ttl: 1}
}

// characterStrings splits a value into the strings of at most 255 octets that a TXT record consists of (RFC 1035
// section 3.3.14), escaped as the library wants them.
func characterStrings(value string) []string {
	var parts []string
	for len(value) > 255 {
		parts = append(parts, escape(value[:255]))
		value = value[255:]
	}
	return append(parts, escape(value))
}

func escape(part string) string { return strings.ReplaceAll(part, `\`, `\\`) }
