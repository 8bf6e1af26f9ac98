package probe

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// closed returns an address of every range that is closed to a validator, each IPv4 one in all the spellings that IPv6
// has for it: mapped, translated (NAT64) and carried (6to4).
func closed() []netip.Addr {
	var all []netip.Addr
	for _, text := range []string{
		"0.0.0.0", "0.255.255.255", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.2", "127.255.255.255",
		"169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.1",
		"192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
		"255.255.255.255", "100.100.100.200", "168.63.129.16",
	} {
		plain := netip.MustParseAddr(text)
		b := plain.As4()
		all = append(all, plain, netip.AddrFrom16(plain.As16()),
			netip.AddrFrom16([16]byte{0, 0x64, 0xff, 0x9b, 12: b[0], 13: b[1], 14: b[2], 15: b[3]}),
			netip.AddrFrom16([16]byte{0x20, 0x02, b[0], b[1], b[2], b[3], 15: 1}))
	}
	for _, text := range []string{
		"::", "::1", "::7f00:1", "64:ff9b:1::1", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "100::1", "2001::1", "2001:1ff:ffff::1", "2001:db8::1",
		"2001:db8:ffff::1", "fc00::1", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "ff00::1", "ff02::1", "ffff::1", "fd00:ec2::254",
	} {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// moves answers for a name with one address the first time, and with another from then on. Each has the family that it has.
func moves(server *chaltest.DNS, name string, first, then netip.Addr) {
	var fours, sixes atomic.Int64
	server.Respond(name, func(q chaltest.Query, reply *dns.Msg) *dns.Msg {
		reply.Answer = nil
		at := func(asked *atomic.Int64) netip.Addr {
			if asked.Add(1) == 1 {
				return first
			}
			return then
		}
		switch q.Type {
		case "A":
			if a := at(&fours); a.Is4() {
				header := dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}
				reply.Answer = []dns.RR{&dns.A{Hdr: header, A: net.IP(a.AsSlice())}}
			}
		case "AAAA":
			if a := at(&sixes); a.Is6() {
				header := dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeAAAA, Class: dns.ClassINET}
				reply.Answer = []dns.RR{&dns.AAAA{Hdr: header, AAAA: net.IP(a.AsSlice())}}
			}
		}
		return reply
	})
}

// TestClosedAddresses leads a validator to every closed address in every spelling: by the name that is validated, as the
// identifier itself, by a redirect to another name, and by a redirect to the same name, which has moved since. Nothing
// connects, whatever the method, and nothing is tried again.
// Proves H-06, H-07, TA-05, INC-71, INC-89.
func TestClosedAddresses(t *testing.T) {
	var requests atomic.Int64
	to := ""
	port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.Redirect(w, r, to, http.StatusFound)
	})
	p, server := proberAt(t, port, port)
	open := netip.MustParseAddr("127.0.0.1")
	server.SetA("a.test", open.String())
	for _, a := range closed() {
		server.SetA("closed.test", a.String())
		ways := []struct {
			what   string
			look   policy.Look
			to     string
			before int // hops that answer first
		}{
			{"by name", lookFor(acme.HTTP01, name("closed.test")), "", 0},
			{"by name, with TLS", lookFor(acme.TLSALPN01, name("closed.test")), "", 0},
			{"by a redirect", lookFor(acme.HTTP01, name("a.test")), "http://closed.test" + challengePath, 1},
			{"by a redirect with TLS", lookFor(acme.HTTP01, name("a.test")), "https://closed.test" + challengePath, 1},
			{"by a move", lookFor(acme.HTTP01, name("moved.test")), "/again", 1},
		}
		if id := ident.FromAddr(a); id.Addr() == a {
			ways = append(ways, struct {
				what   string
				look   policy.Look
				to     string
				before int
			}{"as identifier", lookFor(acme.HTTP01, id), "", 0})
		}
		for _, way := range ways {
			moves(server, "moved.test", open, a)
			requests.Store(0)
			to, way.look.Addresses = way.to, only(open.String())
			attempt := look(t, p, way.look)
			reached := slices.DeleteFunc(slices.Clone(attempt.Hops), func(h acme.Hop) bool { return h.Address == "" })
			if attempt.Failure == nil || attempt.Retryable || len(reached) != way.before || int(requests.Load()) != way.before {
				t.Errorf("%s %s: %d requests, hops %+v, %s", a, way.what, requests.Load(), attempt.Hops, verdict(attempt))
			}
		}
	}
}
