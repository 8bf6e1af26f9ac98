package probe

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

const challengePath = "/.well-known/acme-challenge/" + token

// TestHTTP01Request pins what a responder sees.
// Proves H-01, H-04, INC-26.
func TestHTTP01Request(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	var got *http.Request
	port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		_, _ = io.WriteString(w, keyAuthorization)
	})
	p, _ := proberAt(t, port, 0)
	attempt := look(t, p, lookFor(acme.HTTP01, name("a.test")))
	wantVerdict(t, attempt, "valid")
	if want := "The body at http://a.test" + challengePath + " matches the key authorization."; attempt.Seen != want {
		t.Errorf("seen %q, want %q", attempt.Seen, want)
	}
	if want := []acme.Hop{{URL: "http://a.test" + challengePath, Address: fmt.Sprintf("127.0.0.1:%d", port), Status: 200}}; !cmp.Equal(attempt.Hops, want) {
		t.Errorf("hops %+v, want %+v", attempt.Hops, want)
	}
	if attempt.At.IsZero() || attempt.At.Location() != time.UTC || attempt.At.Nanosecond() != 0 {
		t.Errorf("at %v, want UTC in whole seconds", attempt.At)
	}
	if got.Method != http.MethodGet || got.RequestURI != challengePath || got.Host != "a.test" {
		t.Errorf("request %s %s with Host %q", got.Method, got.RequestURI, got.Host)
	}
	want := http.Header{
		"Accept": {"*/*"}, "Accept-Encoding": {"identity"}, "Connection": {"close"},
		"User-Agent": {"Everleaf-validator (+https://github.com/everleaf-pki/everleaf)"},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// Proves H-01, IP-02.
func TestHTTP01Address(t *testing.T) {
	server := chaltest.NewHTTP(t)
	server.Set(token, keyAuthorization)
	p := New(Options{Resolver: newResolver(t, "127.0.0.1:1"), HTTPPort: server.Port()})
	wantVerdict(t, look(t, p, lookFor(acme.HTTP01, addr("127.0.0.1"))), "valid")

	six := chaltest.NewHTTPAt(t, "[::1]:0")
	six.Set(token, keyAuthorization)
	p = New(Options{Resolver: newResolver(t, "127.0.0.1:1"), HTTPPort: six.Port()})
	wantVerdict(t, look(t, p, lookFor(acme.HTTP01, addr("::1"))), "valid")

	if got := append(server.Hosts(), six.Hosts()...); !cmp.Equal(got, []string{"127.0.0.1", "[::1]"}) {
		t.Errorf("Host headers %q", got)
	}
}

// TestHTTP01Body is about what counts as an answer, and that nothing of it is repeated.
// Proves H-01, H-02, H-03, H-04, H-09, INC-69.
func TestHTTP01Body(t *testing.T) {
	var bomb bytes.Buffer
	zipped := gzip.NewWriter(&bomb)
	_, _ = zipped.Write(make([]byte, 10<<20))
	_ = zipped.Close()
	const where = "incorrect response: http://a.test" + challengePath + " answered with "
	tests := []struct {
		name    string
		status  int
		body    string
		headers map[string]string
		want    string
	}{
		{name: "exact", body: keyAuthorization, want: "valid"},
		{name: "line feed", body: keyAuthorization + "\n", want: "valid"},
		{name: "white space", body: keyAuthorization + " \r\n\t\v\f", want: "valid"},
		{name: "most white space", body: keyAuthorization + strings.Repeat(" ", maxPadding), want: "valid"},
		{name: "content type", body: keyAuthorization, headers: map[string]string{"Content-Type": "text/html"}, want: "valid"},
		{name: "too much white space", body: keyAuthorization + strings.Repeat(" ", maxPadding+1), want: where + "more than the key authorization"},
		{name: "leading space", body: " " + keyAuthorization, want: where + "something else"},
		{name: "byte order mark", body: "\ufeff" + keyAuthorization, want: where + "something else"},
		{name: "no-break space", body: keyAuthorization + "\u00a0", want: where + "something else"},
		{name: "NUL", body: keyAuthorization + "\x00", want: where + "something else"},
		{name: "HTML", body: "<p>" + keyAuthorization + "</p>", want: where + "something else"},
		{name: "token alone", body: token, want: where + "something else"},
		{name: "another account", body: token + "." + strings.Repeat("A", 43), want: where + "something else"},
		{name: "another case", body: strings.ToUpper(keyAuthorization), want: where + "something else"},
		{name: "empty", want: where + "an empty body"},
		{name: "page", body: strings.Repeat(canary, 1000), want: where + "more than the key authorization"},
		{name: "short page", body: canary, want: where + "something else"},
		{name: "gzip", body: bomb.String(), headers: map[string]string{"Content-Encoding": "gzip"}, want: where + "more than the key authorization"},
		{name: "201", status: 201, body: keyAuthorization, want: where + "status 201 instead of 200"},
		{name: "204", status: 204, want: where + "status 204 instead of 200"},
		{name: "206", status: 206, body: keyAuthorization, want: where + "status 206 instead of 200"},
		{name: "300", status: 300, headers: map[string]string{"Location": "/" + canary}, want: where + "status 300 instead of 200"},
		{name: "303", status: 303, headers: map[string]string{"Location": "/" + canary}, want: where + "status 303 instead of 200"},
		{name: "304", status: 304, want: where + "status 304 instead of 200"},
		{name: "403", status: 403, body: keyAuthorization, want: where + "status 403 instead of 200"},
		{name: "404", status: 404, body: keyAuthorization, want: where + "status 404 instead of 200"},
		{name: "500", status: 500, body: canary, want: where + "status 500 instead of 200"},
		{name: "503", status: 503, body: canary, headers: map[string]string{"Retry-After": "1"}, want: where + "status 503 instead of 200"},
		{name: "refresh", body: "<meta>", headers: map[string]string{"Refresh": "0; url=/" + canary}, want: where + "something else"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			requests := 0
			port := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
				requests++
				for key, value := range test.headers {
					w.Header().Set(key, value)
				}
				if test.status != 0 {
					w.WriteHeader(test.status)
				}
				_, _ = io.WriteString(w, test.body)
			})
			p, _ := proberAt(t, port, 0)
			attempt := look(t, p, lookFor(acme.HTTP01, name("a.test")))
			wantVerdict(t, attempt, test.want)
			if attempt.Retryable || requests != 1 {
				t.Errorf("retryable %t after %d requests; an answer is final", attempt.Retryable, requests)
			}
		})
	}
}

// TestHTTP01Reflected is INCIDENTS 19: a server that repeats whatever it is asked for controls nothing.
// Proves H-02, INC-19.
func TestHTTP01Reflected(t *testing.T) {
	for _, status := range []int{200, 404} {
		port := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, strings.TrimPrefix(r.URL.Path, "/.well-known/acme-challenge/"))
		})
		p, _ := proberAt(t, port, 0)
		wantVerdict(t, look(t, p, lookFor(acme.HTTP01, name("a.test"))), "incorrect response")
	}
}

// endless sends pieces until the client hangs up.
func endless(start, piece string) func(context.Context, net.Conn) {
	return func(_ context.Context, conn net.Conn) {
		_, err := io.WriteString(conn, start)
		for err == nil {
			_, err = io.WriteString(conn, piece)
		}
	}
}

// say sends text and hangs up.
func say(text string) func(context.Context, net.Conn) {
	return func(_ context.Context, conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, text)
	}
}

// stall sends text and holds the line.
func stall(text string) func(context.Context, net.Conn) {
	return func(ctx context.Context, conn net.Conn) {
		_, _ = io.WriteString(conn, text)
		<-ctx.Done()
	}
}

// Proves H-04, H-09, INC-69.
func TestHTTP01Hostile(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	const where = "http://a.test" + challengePath
	body := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(keyAuthorization), keyAuthorization)
	tests := []struct {
		name   string
		server func(context.Context, net.Conn)
		want   string
	}{
		{"HTTP/1.0", say("HTTP/1.0 200 OK\r\n\r\n" + keyAuthorization), "valid"},
		{"no length", say(head + "\r\n" + keyAuthorization), "valid"},
		{"chunks", say(head + "Transfer-Encoding: chunked\r\n\r\n3\r\n" + keyAuthorization[:3] + "\r\n54\r\n" + keyAuthorization[3:] + "\r\n0\r\n\r\n"), "valid"},
		{"interim replies", say("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + head + body), "valid"},
		{"switching protocols", say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + canary), "incorrect response: " + where + " answered with status 101"},
		{"endless body", endless(head+"\r\n", canary), "incorrect response: " + where + " answered with more than the key authorization"},
		{"endless chunks", endless(head+"Transfer-Encoding: chunked\r\n\r\n", "6\r\n"+canary+"\r\n"), "incorrect response: " + where + " answered with more than the key authorization"},
		{"endless chunk header", endless(head+"Transfer-Encoding: chunked\r\n\r\n1;", canary), "incorrect response: "},
		{"endless headers", endless(head, "X-"+canary+": y\r\n"), "incorrect response: " + where},
		{"endless header", endless(head+"X: ", canary), "incorrect response: " + where + " answered with more than a reply"},
		{"endless status line", endless("HTTP/1.1 200 ", canary), "incorrect response: " + where + " answered with more than a reply"},
		{"endless interim replies", endless("", "HTTP/1.1 100 Continue\r\n\r\n"), "incorrect response: " + where + " answered with more than a reply"},
		{"not HTTP", say("220 " + canary + " ESMTP\r\n"), "incorrect response: " + where + " did not answer in HTTP"},
		{"bad header", say(head + canary + "\r\n\r\n"), "incorrect response: " + where + " did not answer in HTTP"},
		{"bad length", say(head + "Content-Length: -1\r\n\r\n"), "incorrect response: " + where + " did not answer in HTTP"},
		{"hangs up", func(context.Context, net.Conn) {}, "connection: The connection was "},
		{"hangs up in the header", say(head + "X: " + canary), "connection: The connection was closed early before " + where + " had answered. (retryable)"},
		{"hangs up in the body", say(head + "Content-Length: 1000\r\n\r\n" + canary), "connection: The connection was closed early before " + where + " had answered. (retryable)"},
		{"says nothing", stall(""), "connection: The connection timed out before " + where + " had answered. (retryable)"},
		{"stalls in the header", stall(head + "X: "), "connection: The connection timed out before " + where + " had answered. (retryable)"},
		{"stalls in the body", stall(head + "Content-Length: 87\r\n\r\n" + keyAuthorization[:80]), "connection: The connection timed out before " + where + " had answered. (retryable)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dns := chaltest.NewDNS(t)
			p := New(Options{Resolver: newResolver(t, dns.Addr()), HTTPPort: serveRaw(t, test.server), Timeout: 300 * time.Millisecond})
			attempt := look(t, p, lookFor(acme.HTTP01, name("a.test")))
			wantVerdict(t, attempt, test.want)
			if attempt.Retryable != (attempt.Failure != nil && attempt.Failure.Kind == "connection") {
				t.Errorf("retryable %t: %s", attempt.Retryable, verdict(attempt))
			}
		})
	}
}

func TestHTTP01Interrupted(t *testing.T) {
	dns := chaltest.NewDNS(t)
	ctx, cancel := context.WithCancel(t.Context())
	port := serveRaw(t, func(context.Context, net.Conn) { cancel() })
	p := New(Options{Resolver: newResolver(t, dns.Addr()), HTTPPort: port})
	attempt := p.Look(ctx, lookFor(acme.HTTP01, name("a.test")))
	if attempt.Failure == nil || !attempt.Retryable {
		t.Errorf("got %s, want it retryable", verdict(attempt))
	}
}

// Proves H-11, TA-05, IP-02, INC-3.
func TestUnsuitedMethod(t *testing.T) {
	p := New(Options{Resolver: newResolver(t, "127.0.0.1:1")})
	tests := []struct {
		look acme.Attempt
		want string
	}{
		{look(t, p, lookFor(acme.HTTP01, name("*.a.test"))), "malformed: http-01 cannot prove control of *.a.test."},
		{look(t, p, lookFor(acme.TLSALPN01, name("*.a.test"))), "malformed: tls-alpn-01 cannot prove control of *.a.test."},
		{look(t, p, lookFor(acme.DNS01, addr("127.0.0.1"))), "malformed: dns-01 cannot prove control of 127.0.0.1."},
		{look(t, p, lookFor("tls-sni-01", name("a.test"))), "malformed: tls-sni-01 cannot prove control of a.test."},
	}
	for _, test := range tests {
		if got := verdict(test.look); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// FuzzReply takes the bytes of a server for an HTTP reply: whatever they are, little is read and less is kept.
// Proves H-04, INC-69.
func FuzzReply(f *testing.F) {
	const head = "HTTP/1.1 200 OK\r\n"
	for _, seed := range []string{
		head + "\r\nbody", head + "Content-Length: 4\r\n\r\nbody", head + "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n" + head + "\r\nx", "HTTP/1.1 302 Found\r\nLocation: /x\r\nlocation: /y\r\n\r\n",
		"HTTP/1.0 404\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 200 OK\n Folded: x\n\n", "\x16\x03\x01\x00\x05",
		head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
	} {
		f.Add([]byte(seed))
	}
	const limit = 100
	request := &http.Request{Method: http.MethodGet}
	f.Fuzz(func(t *testing.T, raw []byte) {
		from := &capped{bytes.NewReader(raw), maxHead + limit}
		got, err := readReply(bufio.NewReader(from), request, limit)
		if len(got.body) > limit+1 || from.left < 0 {
			t.Errorf("kept %d octets of the body, %d left of the reply", len(got.body), from.left)
		}
		if err == nil && (got.status < 101 || got.status > 999 || got.status != 200 && got.body != nil) {
			t.Errorf("status %d with %d octets", got.status, len(got.body))
		}
		if sentence := sentence(replyFailure(err, location{url: &url.URL{Scheme: "http", Host: "a.test"}})); err != nil && strings.ContainsFunc(sentence, unprintableText) {
			t.Errorf("told %q", sentence)
		}
	})
}

func unprintableText(r rune) bool { return r < ' ' || r > '~' }
