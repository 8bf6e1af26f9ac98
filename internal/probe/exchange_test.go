package probe

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// rawDNS answers every datagram with those of udp and every message over TCP with that of tcp; nil: no answer.
func rawDNS(t *testing.T, udp func(query []byte, from net.Addr) [][]byte, tcp func(query []byte) []byte) string {
	t.Helper()
	var streams net.Listener
	var packets net.PacketConn
	for range 20 {
		var err error
		if streams, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if packets, err = net.ListenPacket("udp", streams.Addr().String()); err == nil {
			break
		}
		_ = streams.Close()
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := packets.ReadFrom(buffer)
			if err != nil {
				return
			}
			for _, reply := range udp(bytes.Clone(buffer[:n]), from) {
				_, _ = packets.WriteTo(reply, from)
			}
		}
	})
	serving.Go(func() {
		for {
			conn, err := streams.Accept()
			if err != nil {
				return
			}
			query := make([]byte, 4096)
			if n, _ := io.ReadAtLeast(conn, query, 14); n > 2 && tcp != nil {
				reply := tcp(query[2:n])
				_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
			}
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = streams.Close()
		_ = packets.Close()
		serving.Wait()
	})
	return packets.LocalAddr().String()
}

// txtReply answers a packed query with one TXT record, after change.
func txtReply(query []byte, value string, change func(*dns.Msg)) []byte {
	request := new(dns.Msg)
	if err := request.Unpack(query); err != nil {
		panic(err)
	}
	reply := new(dns.Msg).SetReply(request)
	rr := &dns.TXT{Hdr: dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{value}}
	reply.Answer = []dns.RR{rr}
	if change != nil {
		change(reply)
	}
	packed, err := reply.Pack()
	if err != nil {
		panic(err)
	}
	return packed
}

// TestForgedDatagram has a forger who is faster than the server: whatever does not fit the question is not believed,
// and the answer is fetched where it cannot be forged from afar.
// Proves SC-03, INC-45.
func TestForgedDatagram(t *testing.T) {
	forgeries := map[string]func(*dns.Msg){
		"id":        func(m *dns.Msg) { m.Id++ },
		"query":     func(m *dns.Msg) { m.Response = false },
		"opcode":    func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate },
		"name":      func(m *dns.Msg) { m.Question[0].Name = "other.test." },
		"type":      func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA },
		"class":     func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		"no query":  func(m *dns.Msg) { m.Question = nil },
		"two":       func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
		"truncated": func(m *dns.Msg) { m.Truncated = true },
	}
	for kind, forge := range forgeries {
		t.Run(kind, func(t *testing.T) {
			server := rawDNS(t,
				func(query []byte, _ net.Addr) [][]byte {
					return [][]byte{txtReply(query, "forged", forge), txtReply(query, "forged too", nil)}
				},
				func(query []byte) []byte { return txtReply(query, "genuine", nil) })
			got, _, err := newResolver(t, server).TXT(t.Context(), "a.test")
			if err != nil || len(got) != 1 || got[0] != "genuine" {
				t.Errorf("got %q, %v, want the answer over TCP", got, err)
			}
		})
	}
}

// Proves DN-03, INC-56.
func TestUnusableAnswers(t *testing.T) {
	garbage := map[string][]byte{
		"nothing":      {},
		"short header": {1, 2, 3},
		"noise":        bytes.Repeat([]byte{0xff}, 500),
		"pointer loop": append([]byte{0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}, 0xc0, 12, 0, 16, 0, 1),
	}
	for name, reply := range garbage {
		t.Run(name, func(t *testing.T) {
			answer := func(query []byte) []byte {
				if len(reply) < 12 {
					return reply
				}
				return append(bytes.Clone(query[:2]), reply[2:]...)
			}
			server := rawDNS(t, func(query []byte, _ net.Addr) [][]byte { return [][]byte{answer(query)} }, answer)
			_, _, err := newResolver(t, server).TXT(t.Context(), "a.test")
			if want := "No DNS server could answer for a.test: unusable answer. (retryable)"; outcome(err) != want {
				t.Errorf("got %q, want %q", outcome(err), want)
			}
		})
	}
	t.Run("a record that is cut off", func(t *testing.T) {
		cut := func(query []byte) []byte {
			whole := txtReply(query, "value", nil)
			return whole[:len(whole)-1]
		}
		server := rawDNS(t, func(query []byte, _ net.Addr) [][]byte { return [][]byte{cut(query)} }, cut)
		_, _, err := newResolver(t, server).TXT(t.Context(), "a.test")
		if want := "No DNS server could answer for a.test: unusable answer. (retryable)"; outcome(err) != want {
			t.Errorf("got %q, want %q", outcome(err), want)
		}
	})
	t.Run("truncated over TCP too", func(t *testing.T) {
		cut := func(query []byte) []byte { return txtReply(query, "x", func(m *dns.Msg) { m.Truncated = true }) }
		server := rawDNS(t, func(query []byte, _ net.Addr) [][]byte { return [][]byte{cut(query)} }, cut)
		_, _, err := newResolver(t, server).TXT(t.Context(), "a.test")
		if want := "No DNS server could answer for a.test: unusable answer. (retryable)"; outcome(err) != want {
			t.Errorf("got %q, want %q", outcome(err), want)
		}
	})
}

// TestUnusableOverTCP has a server whose datagrams are too small and whose stream is no better.
// Proves DN-03.
func TestUnusableOverTCP(t *testing.T) {
	cut := func(query []byte, _ net.Addr) [][]byte {
		return [][]byte{txtReply(query, "x", func(m *dns.Msg) { m.Truncated = true })}
	}
	for about, c := range map[string]struct {
		tcp  func(query []byte) []byte
		want string
	}{
		"the id of another question": {func(q []byte) []byte { return txtReply(q, "forged", func(m *dns.Msg) { m.Id++ }) }, "unusable answer"},
		"another question": {func(q []byte) []byte {
			return txtReply(q, "forged", func(m *dns.Msg) { m.Question[0].Name = "b.test." })
		}, "unusable answer"},
		"a length and nothing else": {func([]byte) []byte { return nil }, "unusable answer"},
		"nothing":                   {nil, "server unreachable"},
	} {
		_, _, err := newResolver(t, rawDNS(t, cut, c.tcp)).TXT(t.Context(), "a.test")
		if want := "No DNS server could answer for a.test: " + c.want + ". (retryable)"; outcome(err) != want {
			t.Errorf("%s: got %q, want %q", about, outcome(err), want)
		}
	}
	t.Run("silence", func(t *testing.T) {
		release := make(chan struct{})
		server := rawDNS(t, cut, func(query []byte) []byte {
			<-release
			return query
		})
		defer close(release)
		resolver, err := NewResolver(ResolverOptions{Upstreams: []string{server}, Timeout: 50 * time.Millisecond, Tries: 1})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = resolver.TXT(t.Context(), "a.test")
		if want := "No DNS server could answer for a.test: timeout. (retryable)"; outcome(err) != want {
			t.Errorf("got %q, want %q", outcome(err), want)
		}
	})
}

// TestContradiction has a server that denies a name and gives its records all the same.
// Proves DN-03.
func TestContradiction(t *testing.T) {
	deny := func(query []byte, _ net.Addr) [][]byte {
		return [][]byte{txtReply(query, "x", func(m *dns.Msg) { m.Rcode = dns.RcodeNameError })}
	}
	_, _, err := newResolver(t, rawDNS(t, deny, nil)).TXT(t.Context(), "a.test")
	if want := "a.test does not exist (NXDOMAIN) in DNS. (retryable)"; outcome(err) != want {
		t.Errorf("got %q, want %q", outcome(err), want)
	}
}

// TestWithoutEDNS has a server that predates EDNS and says no more than a header about it.
func TestWithoutEDNS(t *testing.T) {
	server := rawDNS(t, func(query []byte, _ net.Addr) [][]byte {
		if len(query) > 12 && query[11] != 0 { // an additional record
			return [][]byte{{query[0], query[1], 0x80, dns.RcodeFormatError, 0, 0, 0, 0, 0, 0, 0, 0}}
		}
		return [][]byte{txtReply(query, "plain", nil)}
	}, nil)
	got, _, err := newResolver(t, server).TXT(t.Context(), "a.test")
	if err != nil || len(got) != 1 || got[0] != "plain" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestQuestions looks at what is sent: ids and ports that cannot be guessed, a size that needs no fragments, checking
// of DNSSEC not switched off.
// Proves SC-03, INC-45, INC-92.
func TestQuestions(t *testing.T) {
	const questions = 200
	var mu sync.Mutex
	ids, ports := map[uint16]bool{}, map[uint16]bool{}
	server := rawDNS(t, func(query []byte, from net.Addr) [][]byte {
		request := new(dns.Msg)
		if err := request.Unpack(query); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		ids[request.Id] = true
		ports[from.(*net.UDPAddr).AddrPort().Port()] = true
		if opt := request.IsEdns0(); opt == nil || opt.UDPSize() != 1232 {
			t.Errorf("EDNS: %v, want 1232 octets", opt)
		}
		if !request.RecursionDesired || request.CheckingDisabled {
			t.Errorf("flags of %v", request)
		}
		return [][]byte{txtReply(query, "value", nil)}
	}, nil)
	resolver := newResolver(t, server)
	for range questions {
		if _, _, err := resolver.TXT(t.Context(), "a.test"); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	// Of 200 random ids 199.7 are distinct on average, and less than 190 once in far more runs than there will be.
	if len(ids) < 190 || len(ports) < 100 {
		t.Errorf("%d questions with %d ids from %d ports", questions, len(ids), len(ports))
	}
}

// Proves INC-45.
func TestLargeAnswerOverTCP(t *testing.T) {
	server := chaltest.NewDNS(t)
	server.SetTXT("a.test", strings.Repeat("x", 2000))
	got, _, err := newResolver(t, server.Addr()).TXT(t.Context(), "a.test")
	if err != nil || len(got) != 1 || len(got[0]) != 2000 {
		t.Errorf("got %d values, %v", len(got), err)
	}
	if asked := server.Queries(); len(asked) != 2 || asked[0].TCP || !asked[1].TCP {
		t.Errorf("asked %+v, want UDP and then TCP", asked)
	}
}

// FuzzDNSAnswer takes the bytes of a server through all that is done with them.
// Proves DN-03, INC-56, INC-92.
func FuzzDNSAnswer(f *testing.F) {
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT} {
		query := newQuery("a.test.", kind)
		query.Id = 0x1234
		for _, text := range []string{
			"a.test. 1 IN A 192.0.2.1", "a.test. 1 IN AAAA ::ffff:192.0.2.1", `a.test. 1 IN TXT "a\"\\\000" "b"`,
			"a.test. 1 IN CNAME a.test.", "a.test. 1 IN CNAME b\\.c\\032.test.", "a.test. 1 IN SVCB 1 . alpn=h2",
		} {
			rr, err := dns.NewRR(text)
			if err != nil {
				f.Fatal(err)
			}
			reply := new(dns.Msg).SetReply(query)
			reply.Answer = []dns.RR{rr}
			reply.SetEdns0(1232, false)
			packed, err := reply.Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(packed, kind)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, kind uint16) {
		query := newQuery("a.test.", kind)
		query.Id = 0x1234
		reply, err := receive(raw, query)
		if err != nil {
			return
		}
		way := trail{"a.test."}
		records, _ := way.follow(reply.Answer, kind)
		if len(way) > maxAliases+1 {
			t.Errorf("followed %d aliases", len(way)-1)
		}
		for _, a := range addresses(records) {
			if a.Is4In6() || a == (netip.Addr{}) {
				t.Errorf("address %v", a)
			}
		}
		if kind == dns.TypeTXT && len(texts(records)) != len(records) {
			t.Errorf("%d values in %d records", len(texts(records)), len(records))
		}
		for _, line := range append(evidence(way, records), rcode(reply)) {
			if len(line) > maxShown+len("CNAME ...") || strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
				t.Errorf("evidence %q", line)
			}
		}
	})
}
