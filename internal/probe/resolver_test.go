package probe

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// outcome is the error as a requester sees it, "retryable" added when it is; "" without one.
func outcome(err error) string {
	if err == nil {
		return ""
	}
	if !fault.Is(err, fault.DNS) {
		return "wrong kind: " + err.Error()
	}
	if Retryable(err) {
		return sentence(err) + " (retryable)"
	}
	return sentence(err)
}

func TestAddresses(t *testing.T) {
	server := chaltest.NewDNS(t)
	server.SetDefault()
	server.SetA("both.test", "192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.1")
	server.SetA("mapped.test", "::ffff:192.0.2.1", "192.0.2.1")
	server.SetA("four.test", "192.0.2.1")
	server.SetA("six.test", "2001:db8::1")
	server.SetA("none.test")
	server.SetCNAME("alias.test", "Both.Test")
	server.SetCNAME("dangling.test", "nowhere.test")
	server.SetCNAME("loop-a.test", "loop-b.test")
	server.SetCNAME("loop-b.test", "loop-a.test")
	server.SetCNAME("self.test", "self.test")
	for i := range 9 {
		server.SetCNAME(fmt.Sprintf("hop%d.test", i), fmt.Sprintf("hop%d.test", i+1))
	}
	server.SetA("hop9.test", "192.0.2.9")
	for _, rcode := range []string{"SERVFAIL", "REFUSED", "NXDOMAIN", "NOTIMP", "FORMERR", "NOTAUTH"} {
		server.SetRcode(strings.ToLower(rcode)+".test", rcode)
	}
	resolver := newResolver(t, server.Addr())

	tests := []struct {
		name string
		want []string
		err  string
	}{
		{"both.test", []string{"2001:db8::1", "192.0.2.1", "192.0.2.2"}, ""},
		{"BOTH.test.", []string{"2001:db8::1", "192.0.2.1", "192.0.2.2"}, ""},
		{"mapped.test", []string{"192.0.2.1"}, ""},
		{"four.test", []string{"192.0.2.1"}, ""},
		{"six.test", []string{"2001:db8::1"}, ""},
		{"alias.test", []string{"2001:db8::1", "192.0.2.1", "192.0.2.2"}, ""},
		{"hop1.test", []string{"192.0.2.9"}, ""},
		{"hop0.test", nil, "hop0.test leads through more than 8 CNAME records."},
		{"none.test", nil, "none.test has no A or AAAA records in DNS. (retryable)"},
		{"unknown.test", nil, "unknown.test does not exist (NXDOMAIN) in DNS. (retryable)"},
		{"dangling.test", nil, "nowhere.test, to which dangling.test leads, does not exist (NXDOMAIN) in DNS. (retryable)"},
		{"loop-a.test", nil, "The CNAME records of loop-a.test run in a circle."},
		{"self.test", nil, "The CNAME records of self.test run in a circle."},
		{"nxdomain.test", nil, "nxdomain.test does not exist (NXDOMAIN) in DNS. (retryable)"},
		{"servfail.test", nil, "No DNS server could answer for servfail.test: SERVFAIL. (retryable)"},
		{"refused.test", nil, "No DNS server could answer for refused.test: REFUSED. (retryable)"},
		{"notimp.test", nil, "No DNS server could answer for notimp.test: NOTIMP. (retryable)"},
		{"formerr.test", nil, "No DNS server could answer for formerr.test: FORMERR. (retryable)"},
		{"notauth.test", nil, "No DNS server could answer for notauth.test: NOTAUTH. (retryable)"},
		{"a..test", nil, "a..test is not a DNS name."},
		{strings.Repeat("a", 64) + ".test", nil, strings.Repeat("a", 64) + ".test is not a DNS name."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, _, err := resolver.Addresses(t.Context(), test.name)
			var got []string
			for _, a := range found {
				got = append(got, a.String())
			}
			if !cmp.Equal(got, test.want) || outcome(err) != test.err {
				t.Errorf("got %q, %q\nwant %q, %q", got, outcome(err), test.want, test.err)
			}
		})
	}
}

func TestAddressesEvidence(t *testing.T) {
	server := chaltest.NewDNS(t)
	server.SetCNAME("www.test", "host.test")
	server.SetA("host.test", "192.0.2.1")
	server.SetA("six.broken.test", "192.0.2.1")
	server.Respond("six.broken.test", func(q chaltest.Query, reply *dns.Msg) *dns.Msg {
		if q.Type == "AAAA" {
			reply.Rcode = dns.RcodeServerFailure
			reply.IsEdns0().Option = append(reply.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus, ExtraText: canary})
		}
		return reply
	})
	resolver := newResolver(t, server.Addr())
	at := server.Addr()
	tests := []struct {
		name string
		want []acme.Lookup
	}{
		{"www.test", []acme.Lookup{
			{Name: "www.test", Type: "AAAA", Server: at, Result: "NOERROR", Answers: []string{"CNAME host.test"}},
			{Name: "host.test", Type: "AAAA", Server: at, Result: "NOERROR"},
			{Name: "www.test", Type: "A", Server: at, Result: "NOERROR", Answers: []string{"CNAME host.test", "192.0.2.1"}},
		}},
		{"six.broken.test", []acme.Lookup{ // one family failing while the other answers is fine
			{Name: "six.broken.test", Type: "AAAA", Server: at, Result: "SERVFAIL (DNSSEC Bogus)"},
			{Name: "six.broken.test", Type: "A", Server: at, Result: "NOERROR", Answers: []string{"192.0.2.1"}},
		}},
	}
	for _, test := range tests {
		found, steps, err := resolver.Addresses(t.Context(), test.name)
		if err != nil || !cmp.Equal(found, []netip.Addr{netip.MustParseAddr("192.0.2.1")}, cmp.Comparer(equalAddr)) {
			t.Errorf("%s: %v, %v", test.name, found, err)
		}
		if diff := cmp.Diff(test.want, steps); diff != "" {
			t.Errorf("%s: lookups (-want +got):\n%s", test.name, diff)
		}
	}
}

func equalAddr(a, b netip.Addr) bool { return a == b }

// TestFamilies has servers that treat the two families differently.
func TestFamilies(t *testing.T) {
	server := chaltest.NewDNS(t)
	server.SetA("a.test", "192.0.2.1")
	server.Respond("a.test", func(q chaltest.Query, reply *dns.Msg) *dns.Msg {
		if q.Type == "AAAA" {
			return nil
		}
		return reply
	})
	server.SetA("b.test")
	server.Respond("b.test", func(q chaltest.Query, reply *dns.Msg) *dns.Msg {
		if q.Type == "AAAA" {
			reply.Rcode = dns.RcodeServerFailure
		}
		return reply
	})
	t.Run("silence about one does not hold up the other", func(t *testing.T) {
		resolver, err := NewResolver(ResolverOptions{Upstreams: []string{server.Addr()}, Timeout: 200 * time.Millisecond, Tries: 100})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		found, steps, err := resolver.Addresses(ctx, "a.test")
		if fmt.Sprint(found) != "[192.0.2.1]" || err != nil || ctx.Err() != nil || steps[0].Result != "timeout" {
			t.Errorf("got %v, %v, %+v", found, err, steps)
		}
	})
	t.Run("no answer about one leaves it open", func(t *testing.T) {
		_, _, err := newResolver(t, server.Addr()).Addresses(t.Context(), "b.test")
		if want := "No DNS server could answer for b.test: SERVFAIL. (retryable)"; outcome(err) != want {
			t.Errorf("got %q, want %q", outcome(err), want)
		}
	})
}

// TestAliasFollowed has an upstream that leaves following aliases to us.
// Proves DN-02.
func TestAliasFollowed(t *testing.T) {
	server := chaltest.NewDNS(t)
	server.SetCNAME("www.test", "host.test")
	server.SetA("host.test", "192.0.2.1")
	server.Respond("www.test", func(_ chaltest.Query, reply *dns.Msg) *dns.Msg {
		reply.Answer = reply.Answer[:1]
		return reply
	})
	found, _, err := newResolver(t, server.Addr()).Addresses(t.Context(), "www.test")
	if err != nil || len(found) != 1 || found[0] != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("got %v, %v, want 192.0.2.1", found, err)
	}
}

// TestStrangers has records in the answer that do not follow from the question.
// Proves SC-03.
func TestStrangers(t *testing.T) {
	server := chaltest.NewDNS(t)
	server.Respond("a.test", func(q chaltest.Query, reply *dns.Msg) *dns.Msg {
		forged := func(text string) dns.RR {
			rr, err := dns.NewRR(text)
			if err != nil {
				panic(err)
			}
			return rr
		}
		reply.Answer = []dns.RR{
			forged("other.test. 1 IN A 192.0.2.66"),
			forged("other.test. 1 IN CNAME a.test."),
			forged("a.test. 1 CH A 192.0.2.67"),
			forged("A.test. 1 IN TXT text"),
		}
		if q.Type == "A" {
			reply.Answer = append(reply.Answer, forged("A.TEST. 1 IN A 192.0.2.1"))
		}
		return reply
	})
	found, _, err := newResolver(t, server.Addr()).Addresses(t.Context(), "a.test")
	if err != nil || len(found) != 1 || found[0] != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("got %v, %v, want 192.0.2.1 alone", found, err)
	}
}

// TestEmptyRecord has an A record without an address, as messages of RFC 2136 use them.
func TestEmptyRecord(t *testing.T) {
	server := chaltest.NewDNS(t)
	server.Respond("a.test", func(_ chaltest.Query, reply *dns.Msg) *dns.Msg {
		reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "a.test.", Rrtype: dns.TypeA, Class: dns.ClassINET}}}
		return reply
	})
	found, _, err := newResolver(t, server.Addr()).Addresses(t.Context(), "a.test")
	if len(found) != 0 || outcome(err) != "a.test has no A or AAAA records in DNS. (retryable)" {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestLocalhost(t *testing.T) {
	server := chaltest.NewDNS(t)
	resolver := newResolver(t, server.Addr())
	for _, name := range []string{"localhost", "LOCALHOST.", "app.localhost"} {
		found, steps, err := resolver.Addresses(t.Context(), name)
		if fmt.Sprint(found) != "[::1 127.0.0.1]" || err != nil || len(steps) != 2 {
			t.Errorf("%s: %v, %v, %v", name, found, steps, err)
		}
	}
	if asked := server.Queries(); len(asked) != 0 {
		t.Errorf("asked for %v", asked)
	}
	if found, _, err := resolver.Addresses(t.Context(), "notlocalhost"); fmt.Sprint(found) != "[127.0.0.1]" {
		t.Errorf("notlocalhost: %v, %v, want it asked for", found, err)
	}
}

// Proves DN-01, DN-02, DN-03, INC-56.
func TestTXT(t *testing.T) {
	server := chaltest.NewDNS(t)
	server.SetDefault()
	server.SetTXT("one.test", "value")
	server.SetTXT("odd.test", "quote\" back\\slash \x00\xff", "")
	server.SetTXT("long.test", strings.Repeat("ab", 300))
	server.SetTXT("limit.test", strings.Repeat("x", maxText))
	server.SetTXT("huge.test", strings.Repeat("x", maxText+1))
	server.SetTXT("largest.test", strings.Repeat("x", 60_000))
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	server.SetTXT("hundred.test", many[:100]...)
	server.SetTXT("thousand.test", many...)
	server.SetCNAME("alias.test", "one.test")
	server.SetA("none.test", "192.0.2.1")
	server.SetRcode("servfail.test", "SERVFAIL")
	resolver := newResolver(t, server.Addr())

	tests := []struct {
		name string
		want []string
		err  string
	}{
		{"one.test", []string{"value"}, ""},
		{"odd.test", []string{"quote\" back\\slash \x00\xff", ""}, ""},
		{"long.test", []string{strings.Repeat("ab", 300)}, ""},
		{"limit.test", []string{strings.Repeat("x", maxText)}, ""},
		{"huge.test", nil, "A TXT record of huge.test is longer than 4096 octets."},
		{"largest.test", nil, "A TXT record of largest.test is longer than 4096 octets."},
		{"hundred.test", many[:100], ""},
		{"thousand.test", nil, "thousand.test has more than 100 TXT records."},
		{"alias.test", []string{"value"}, ""},
		{"none.test", nil, "none.test has no TXT records in DNS. (retryable)"},
		{"unknown.test", nil, "unknown.test does not exist (NXDOMAIN) in DNS. (retryable)"},
		{"servfail.test", nil, "No DNS server could answer for servfail.test: SERVFAIL. (retryable)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, steps, err := resolver.TXT(t.Context(), test.name)
			if !cmp.Equal(got, test.want) || outcome(err) != test.err {
				t.Errorf("got %.200q, %q\nwant %.200q, %q", got, outcome(err), test.want, test.err)
			}
			if n := len(steps[len(steps)-1].Answers); n > maxEvidence+1 {
				t.Errorf("%d answers are kept as evidence", n)
			}
		})
	}
	_, steps, _ := resolver.TXT(t.Context(), "alias.test")
	if got, want := steps[0].Answers, []string{"CNAME one.test", "sha256:cd42404d"}; !cmp.Equal(got, want) {
		t.Errorf("evidence %q, want %q", got, want)
	}
}

func TestUpstreams(t *testing.T) {
	silent, broken, good := chaltest.NewDNS(t), chaltest.NewDNS(t), chaltest.NewDNS(t)
	silent.Respond("a.test", func(chaltest.Query, *dns.Msg) *dns.Msg { return nil })
	broken.SetRcode("a.test", "SERVFAIL")
	good.SetTXT("a.test", "value")
	const closed = "127.0.0.1:1"

	tests := []struct {
		name    string
		servers []string
		err     string
		results []string
	}{
		{"next on timeout", []string{silent.Addr(), good.Addr()}, "", []string{"timeout", "NOERROR"}},
		{"next on SERVFAIL", []string{broken.Addr(), good.Addr()}, "", []string{"SERVFAIL", "NOERROR"}},
		{"next on no server", []string{closed, good.Addr()}, "", []string{"server unreachable", "NOERROR"}},
		{
			"silent ones are asked twice, others once",
			[]string{silent.Addr(), broken.Addr()},
			"No DNS server could answer for a.test: timeout, SERVFAIL. (retryable)",
			[]string{"timeout", "SERVFAIL", "timeout"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolver, err := NewResolver(ResolverOptions{Upstreams: test.servers, Timeout: 50 * time.Millisecond, Tries: 2})
			if err != nil {
				t.Fatal(err)
			}
			_, steps, err := resolver.TXT(t.Context(), "a.test")
			var results []string
			for _, step := range steps {
				results = append(results, step.Result)
			}
			if outcome(err) != test.err || !cmp.Equal(results, test.results) {
				t.Errorf("got %q, %q\nwant %q, %q", outcome(err), results, test.err, test.results)
			}
		})
	}
}

func TestResolverInterrupted(t *testing.T) {
	server := chaltest.NewDNS(t)
	ctx, cancel := context.WithCancel(t.Context())
	server.Respond("a.test", func(chaltest.Query, *dns.Msg) *dns.Msg {
		cancel()
		return nil
	})
	_, _, err := newResolver(t, server.Addr()).TXT(ctx, "a.test")
	if want := "Looking up a.test in DNS was interrupted. (retryable)"; outcome(err) != want {
		t.Errorf("got %q, want %q", outcome(err), want)
	}
}

func TestNewResolver(t *testing.T) {
	tests := []struct {
		upstream, want string // want "" is an error
	}{
		{"192.0.2.1", "192.0.2.1:53"},
		{"192.0.2.1:8053", "192.0.2.1:8053"},
		{"2001:db8::1", "[2001:db8::1]:53"},
		{"[2001:db8::1]", "[2001:db8::1]:53"},
		{"[2001:db8::1]:8053", "[2001:db8::1]:8053"},
		{"fe80::1%eth0", "[fe80::1%eth0]:53"},
		{"dns.example", "dns.example:53"},
		{"dns.example:8053", "dns.example:8053"},
		{"", ""},
		{":53", ""},
		{"dns.example:", ""},
		{"dns.example:0", ""},
		{"dns.example:65536", ""},
		{"dns.example:domain", ""},
		{"https://dns.example/dns-query", ""},
	}
	for _, test := range tests {
		r, err := NewResolver(ResolverOptions{Upstreams: []string{test.upstream}})
		switch {
		case err != nil && test.want != "":
			t.Errorf("%q: %v, want %s", test.upstream, err, test.want)
		case err == nil && r.servers()[0] != test.want:
			t.Errorf("%q: %s, want %q", test.upstream, r.servers()[0], test.want)
		}
	}
	r, err := NewResolver(ResolverOptions{})
	if err != nil || len(r.servers()) == 0 {
		t.Errorf("without upstreams: %v, %v, want those of the system", r.servers(), err)
	}
}
