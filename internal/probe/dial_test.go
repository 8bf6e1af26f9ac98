package probe

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// only allows one address and no class of them.
func only(address string) policy.Addresses {
	return policy.Addresses{Allow: []netip.Prefix{netip.MustParsePrefix(address + "/32")}}
}

// inTurn answers the A queries for a name with one address after the other, and stays with the last.
func inTurn(server *chaltest.DNS, name string, turns ...string) {
	var asked atomic.Int64
	server.Respond(name, func(q chaltest.Query, reply *dns.Msg) *dns.Msg {
		reply.Answer = nil
		if q.Type == "A" {
			turn := min(int(asked.Add(1)), len(turns)) - 1
			reply.Answer = []dns.RR{&dns.A{
				Hdr: dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET},
				A:   net.ParseIP(turns[turn]),
			}}
		}
		return reply
	})
}

// TestRebinding has a name whose address changes from one that is allowed to one that is not.
// Proves H-07, INC-71.
func TestRebinding(t *testing.T) {
	var requests atomic.Int64
	port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1); strings.HasSuffix(r.URL.Path, "/redirect") {
			http.Redirect(w, r, challengePath, http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, keyAuthorization)
	})
	p, server := proberAt(t, port, 0)

	t.Run("between judging and connecting", func(t *testing.T) {
		inTurn(server, "a.test", "127.0.0.1", "127.0.0.2")
		l := lookFor(acme.HTTP01, name("a.test"))
		l.Addresses = only("127.0.0.1")
		attempt := look(t, p, l)
		wantVerdict(t, attempt, "valid")
		if n := server.Asked("a.test", "A"); n != 1 || attempt.Hops[0].Address != fmt.Sprintf("127.0.0.1:%d", port) {
			t.Errorf("asked %d times, connected to %s", n, attempt.Hops[0].Address)
		}
	})
	t.Run("between two hops", func(t *testing.T) {
		inTurn(server, "b.test", "127.0.0.1", "127.0.0.2")
		l := lookFor(acme.HTTP01, name("b.test"))
		l.Addresses, l.Token = only("127.0.0.1"), "redirect"
		requests.Store(0)
		attempt := look(t, p, l)
		wantVerdict(t, attempt, "connection: The target's address is loopback, which the address policy of this CA does not allow")
		if requests.Load() != 1 || len(attempt.Hops) != 2 || attempt.Hops[1].Address != "" || attempt.Retryable {
			t.Errorf("%d requests, hops %+v, retryable %t", requests.Load(), attempt.Hops, attempt.Retryable)
		}
	})
}

// TestGuard has targets of all methods at addresses that the policy refuses: nothing connects to them.
// Proves H-06, TA-05, SC-02, INC-71, INC-111.
func TestGuard(t *testing.T) {
	var connections atomic.Int64
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	port := portOf(listener.Addr())
	p, server := proberAt(t, port, port)
	server.SetA("mapped.test", "::ffff:127.0.0.1")
	server.SetA("private.test", "10.0.0.1")
	targets := map[string]string{
		"a.test":       "loopback",
		"localhost":    "loopback",
		"mapped.test":  "loopback",
		"private.test": "private",
		"127.0.0.1":    "loopback",
		"::1":          "loopback",

		"0.0.0.0":           "unspecified",
		"10.0.0.1":          "private",
		"169.254.169.254":   "link-local",
		"100.100.100.200":   "a cloud metadata service",
		"224.0.0.1":         "multicast",
		"255.255.255.255":   "reserved",
		"::":                "unspecified",
		"64:ff9b::7f00:1":   "loopback",
		"64:ff9b:1::7f00:1": "reserved",
		"fe80::1":           "link-local",
		"fd00:ec2::254":     "a cloud metadata service",
		"ff02::1":           "multicast",
	}
	for target, class := range targets {
		for _, method := range []acme.Method{acme.HTTP01, acme.TLSALPN01} {
			l := policy.Look{Method: method, Token: token, KeyAuthorization: keyAuthorization}
			if a, err := netip.ParseAddr(target); err == nil {
				l.Identifier = addr(a.String())
			} else {
				l.Identifier = name(target)
			}
			attempt := look(t, p, l)
			wantVerdict(t, attempt, "connection: The target's address is "+class)
			if len(attempt.Hops) != 1 || attempt.Hops[0].Address != "" {
				t.Errorf("%s at %s: hops %+v", method, target, attempt.Hops)
			}
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err) // the listener would have noticed
	}
}

// bothFamilies listens at one port of both loopback addresses, of IPv6 only when six is set.
func bothFamilies(t *testing.T, six bool) (onSix, onFour net.Listener) {
	t.Helper()
	for range 20 {
		onFour, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		onSix, err := net.Listen("tcp", fmt.Sprintf("[::1]:%d", portOf(onFour.Addr())))
		if err == nil && !six {
			_ = onSix.Close()
		}
		if err == nil {
			return onSix, onFour
		}
		_ = onFour.Close()
	}
	t.Fatal("no port is free in both families")
	return nil, nil
}

func serveOn(t *testing.T, listener net.Listener, status int) *atomic.Int64 {
	t.Helper()
	var requests atomic.Int64
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, keyAuthorization)
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return &requests
}

// Proves H-08.
func TestIPv6First(t *testing.T) {
	t.Run("IPv4 when IPv6 cannot be connected to", func(t *testing.T) {
		_, four := bothFamilies(t, false)
		serveOn(t, four, http.StatusOK)
		port := portOf(four.Addr())
		p, server := proberAt(t, port, 0)
		server.SetA("a.test", "127.0.0.1", "::1")
		attempt := look(t, p, lookFor(acme.HTTP01, name("a.test")))
		wantVerdict(t, attempt, "valid")
		want := []acme.Hop{
			{URL: "http://a.test" + challengePath, Address: fmt.Sprintf("[::1]:%d", port), Error: "connection was refused"},
			{URL: "http://a.test" + challengePath, Address: fmt.Sprintf("127.0.0.1:%d", port), Status: 200},
		}
		if diff := cmp.Diff(want, attempt.Hops); diff != "" {
			t.Errorf("hops (-want +got):\n%s", diff)
		}
	})
	t.Run("not after an answer", func(t *testing.T) {
		six, four := bothFamilies(t, true)
		onSix, onFour := serveOn(t, six, http.StatusNotFound), serveOn(t, four, http.StatusOK)
		p, server := proberAt(t, portOf(four.Addr()), 0)
		server.SetA("a.test", "127.0.0.1", "::1")
		wantVerdict(t, look(t, p, lookFor(acme.HTTP01, name("a.test"))), "incorrect response")
		if onSix.Load() != 1 || onFour.Load() != 0 {
			t.Errorf("%d requests over IPv6, %d over IPv4, want 1 and 0", onSix.Load(), onFour.Load())
		}
	})
	t.Run("refused addresses are left out", func(t *testing.T) {
		responder := chaltest.NewHTTP(t)
		responder.Set(token, keyAuthorization)
		p, server := proberAt(t, responder.Port(), 0)
		server.SetA("a.test", "10.0.0.1", "::1", "127.0.0.1")
		l := lookFor(acme.HTTP01, name("a.test"))
		l.Addresses = only("127.0.0.1")
		attempt := look(t, p, l)
		wantVerdict(t, attempt, "valid")
		if len(attempt.Hops) != 1 {
			t.Errorf("hops %+v", attempt.Hops)
		}
	})
}

// TestFewDials has a name with many addresses: it is no port scanner that somebody else points.
func TestFewDials(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := portOf(listener.Addr())
	_ = listener.Close()
	p, server := proberAt(t, closed, closed)
	server.SetA("a.test", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "::1")
	for _, method := range []acme.Method{acme.HTTP01, acme.TLSALPN01} {
		attempt := look(t, p, lookFor(method, name("a.test")))
		wantVerdict(t, attempt, fmt.Sprintf("connection: The connection to port %d of a.test was refused; the CA has to reach it there. (retryable)", closed))
		if len(attempt.Hops) != 3 {
			t.Errorf("%s: %d connections, want 3: %+v", method, len(attempt.Hops), attempt.Hops)
		}
	}
}
