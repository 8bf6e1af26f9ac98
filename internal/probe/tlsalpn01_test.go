package probe

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

func TestTLSALPN01(t *testing.T) {
	responder := chaltest.NewTLSALPN(t)
	responder.Set("a.test", keyAuthorization)
	responder.Set("other.test", token+".another-account")
	responder.Set("127.0.0.1", keyAuthorization)
	p, _ := proberAt(t, 0, responder.Port())
	tests := []struct {
		id   ident.Identifier
		want string
	}{
		{name("a.test"), "valid"},
		{addr("127.0.0.1"), "valid"},
		{name("other.test"), "incorrect response: The certificate that other.test presents for the protocol acme-tls/1 does not have the digest"},
		{name("unknown.test"), `tls: unknown.test refused the TLS handshake with the alert "tls: internal error"`},
	}
	for _, test := range tests {
		attempt := look(t, p, lookFor(acme.TLSALPN01, test.id))
		wantVerdict(t, attempt, test.want)
		url, address := fmt.Sprintf("tls://%s:%d", test.id, responder.Port()), responder.Addr()
		if len(attempt.Hops) != 1 || attempt.Hops[0].URL != url || attempt.Hops[0].Address != address {
			t.Errorf("%s: hops %+v, want %s at %s", test.id, attempt.Hops, url, address)
		}
	}
	six := chaltest.NewTLSALPNAt(t, "[::1]:0")
	six.Set("::1", keyAuthorization)
	p = New(Options{Resolver: newResolver(t, "127.0.0.1:1"), TLSPort: six.Port()})
	attempt := look(t, p, lookFor(acme.TLSALPN01, addr("::1")))
	wantVerdict(t, attempt, "valid")
	if want := fmt.Sprintf("tls://[::1]:%d", six.Port()); attempt.Hops[0].URL != want {
		t.Errorf("hop %s, want %s", attempt.Hops[0].URL, want)
	}
}

// TestTLSALPN01Hello pins what a responder sees.
// Proves TA-01, TA-04.
func TestTLSALPN01Hello(t *testing.T) {
	tests := []struct {
		id   ident.Identifier
		want string
	}{
		{name("a.test"), "a.test"},
		{addr("127.0.0.1"), "1.0.0.127.in-addr.arpa"},
		{addr("::1"), "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"},
		{addr("2001:db8::a:bcde"), "e.d.c.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
	}
	for _, test := range tests {
		if got := serverName(test.id); got != test.want {
			t.Errorf("server name for %s is %s, want %s", test.id, got, test.want)
		}
	}
	var hello *tls.ClientHelloInfo
	port := portOf(chaltest.ServeTLS(t, "127.0.0.1:0", &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		hello = h
		return nil, errors.New("enough seen")
	}}))
	p, _ := proberAt(t, 0, port)
	look(t, p, lookFor(acme.TLSALPN01, addr("127.0.0.1")))
	if hello.ServerName != "1.0.0.127.in-addr.arpa" || !cmp.Equal(hello.SupportedProtos, []string{"acme-tls/1"}) {
		t.Errorf("server name %q, protocols %q", hello.ServerName, hello.SupportedProtos)
	}
	if !cmp.Equal(hello.SupportedVersions, []uint16{tls.VersionTLS13, tls.VersionTLS12}) {
		t.Errorf("versions %x", hello.SupportedVersions)
	}
}

// TestTLSALPN01Version is INCIDENTS 8.
// Proves TA-01, INC-8.
func TestTLSALPN01Version(t *testing.T) {
	for version, want := range map[uint16]string{
		tls.VersionTLS13: "valid",
		tls.VersionTLS12: "valid",
		tls.VersionTLS11: `tls: a.test refused the TLS handshake with the alert "tls: protocol version not supported"`,
		tls.VersionTLS10: `tls: a.test refused the TLS handshake with the alert "tls: protocol version not supported"`,
	} {
		port := portOf(chaltest.ServeTLS(t, "127.0.0.1:0", &tls.Config{
			MinVersion: version, MaxVersion: version, NextProtos: []string{acmeTLS1},
			Certificates: []tls.Certificate{goodCertificate(t)},
		}))
		p, _ := proberAt(t, 0, port)
		wantVerdict(t, look(t, p, lookFor(acme.TLSALPN01, name("a.test"))), want)
	}
}

// Proves TA-01, INC-3.
func TestTLSALPN01Protocol(t *testing.T) {
	for _, test := range []struct {
		protocols []string
		want      string
	}{
		{nil, `incorrect response: Port %d of a.test did not negotiate the protocol "acme-tls/1"`},
		{[]string{"h2", "http/1.1"}, `tls: a.test refused the TLS handshake with the alert "tls: no application protocol"`},
		{[]string{"acme-tls/2"}, `tls: a.test refused the TLS handshake with the alert "tls: no application protocol"`},
		{[]string{"h2", "acme-tls/1"}, "valid"},
	} {
		port := portOf(chaltest.ServeTLS(t, "127.0.0.1:0", &tls.Config{
			NextProtos: test.protocols, Certificates: []tls.Certificate{goodCertificate(t)},
		}))
		p, _ := proberAt(t, 0, port)
		want := test.want
		if test.protocols == nil {
			want = fmt.Sprintf(want, port)
		}
		wantVerdict(t, look(t, p, lookFor(acme.TLSALPN01, name("a.test"))), want)
	}
}

// afterServerHello lets the first TLS record of a server pass and then holds the line.
type afterServerHello struct {
	net.Conn
	ctx context.Context
}

func (c afterServerHello) Write(records []byte) (int, error) {
	const recordHeader = 5
	first := recordHeader + int(binary.BigEndian.Uint16(records[3:recordHeader]))
	_, _ = c.Conn.Write(records[:first])
	<-c.ctx.Done()
	return 0, c.ctx.Err()
}

// Proves TA-06.
func TestTLSALPN01Hostile(t *testing.T) {
	certificate := goodCertificate(t)
	tests := []struct {
		name   string
		server func(context.Context, net.Conn)
		want   string
	}{
		{"stalls after the ServerHello", func(ctx context.Context, conn net.Conn) {
			config := &tls.Config{NextProtos: []string{acmeTLS1}, Certificates: []tls.Certificate{certificate}}
			_ = tls.Server(afterServerHello{conn, ctx}, config).HandshakeContext(ctx)
		}, "connection: The connection to a.test timed out during the TLS handshake. (retryable)"},
		{"says nothing", stall(""), "connection: The connection to a.test timed out during the TLS handshake. (retryable)"},
		{"stalls in a record", stall("\x16\x03\x03\x40\x00\x02"), "connection: The connection to a.test timed out during the TLS handshake. (retryable)"},
		{"hangs up", say(""), "connection: The connection to a.test was closed early during the TLS handshake. (retryable)"},
		{"no TLS", say("HTTP/1.1 400 " + canary + "\r\n\r\n"), "tls: a.test does not speak TLS there"},
		{"endless warnings", endless("", "\x15\x03\x03\x00\x02\x01\x64"), "tls: The TLS handshake with a.test failed"},
		{"endless empty records", endless("", "\x16\x03\x03\x00\x00"), "tls: The TLS handshake with a.test failed"},
		{"huge message", endless("\x16\x03\x03\x40\x00\x02\xff\xff\xff", "\x00"), "tls: The TLS handshake with a.test failed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dns := chaltest.NewDNS(t)
			p := New(Options{Resolver: newResolver(t, dns.Addr()), TLSPort: serveRaw(t, test.server), Timeout: 300 * time.Millisecond})
			wantVerdict(t, look(t, p, lookFor(acme.TLSALPN01, name("a.test"))), test.want)
		})
	}
}

// TestTLSALPN01HugeKey is INCIDENTS 97: no time is spent on a key of 9000 bits.
// Proves INC-97.
func TestTLSALPN01HugeKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	huge := new(big.Int).Lsh(big.NewInt(1), 9000)
	template := challenge()
	template.public = &rsa.PublicKey{N: huge.SetBit(huge, 0, 1), E: 65537}
	port := portOf(chaltest.ServeTLS(t, "127.0.0.1:0", &tls.Config{
		NextProtos:   []string{acmeTLS1},
		Certificates: []tls.Certificate{{Certificate: [][]byte{template.sign(t)}, PrivateKey: key}},
	}))
	p, _ := proberAt(t, 0, port)
	wantVerdict(t, look(t, p, lookFor(acme.TLSALPN01, name("a.test"))), "tls: The TLS handshake with a.test failed")
}

// TestTLSALPN01ApplicationData has a server that talks after the handshake, where nothing is to be said.
func TestTLSALPN01ApplicationData(t *testing.T) {
	certificate := goodCertificate(t)
	port := serveRaw(t, func(ctx context.Context, conn net.Conn) {
		server := tls.Server(conn, &tls.Config{NextProtos: []string{acmeTLS1}, Certificates: []tls.Certificate{certificate}})
		_ = server.HandshakeContext(ctx)
		_, _ = io.WriteString(server, canary)
	})
	p, _ := proberAt(t, 0, port)
	wantVerdict(t, look(t, p, lookFor(acme.TLSALPN01, name("a.test"))), "valid")
}
