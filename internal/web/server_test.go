package web_test

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/web"
)

// start serves h on loopback with short limits and returns the address.
func start(t *testing.T, limits web.Limits, h web.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	server := web.NewServer(web.Adapt(web.Options{Log: log}, h), limits, log)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

func read(r *http.Request, _ *web.Record) (web.Reply, error) {
	_, err := web.ReadBody(r)
	return web.Reply{}, err
}

// Proves INC-57, INC-98, T-10.
func TestSlowClients(t *testing.T) {
	limits := web.DefaultLimits()
	limits.Header, limits.Read, limits.Idle = 100*time.Millisecond, 200*time.Millisecond, 100*time.Millisecond
	address := start(t, limits, read)
	tests := []struct{ name, sent, want string }{
		{"T-10 slowloris: a header that does not end", "POST / HTTP/1.1\r\nHost: ca.test\r\nX-A: ", ""},
		{"T-10 a body that does not end", "POST / HTTP/1.1\r\nHost: ca.test\r\nContent-Length: 10\r\n\r\n{", "HTTP/1.1 408 Request Timeout"},
		{"T-10 a chunked body that does not end", "POST / HTTP/1.1\r\nHost: ca.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "HTTP/1.1 408 Request Timeout"},
		{"T-10 an endless header", "GET / HTTP/1.1\r\nHost: ca.test\r\nX-A: " + strings.Repeat("a", 40<<10), "HTTP/1.1 431 Request Header Fields Too Large"},
		{"silence", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn := dial(t, address)
			_, _ = io.WriteString(conn, tt.sent)
			// The end of the connection is what is waited for; how it ends (FIN or RST) depends on what was left unread.
			reply, err := io.ReadAll(conn)
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				t.Fatal("the connection was still open after 10 s")
			}
			status, _, _ := strings.Cut(string(reply), "\r\n")
			if status != tt.want {
				t.Errorf("status line %q, want %q", status, tt.want)
			}
		})
	}
}

func TestTruncatedBody(t *testing.T) {
	conn := dial(t, start(t, web.DefaultLimits(), read))
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: ca.test\r\nContent-Length: 10\r\n\r\n{")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusBadRequest || !strings.Contains(string(got), "shorter than announced") {
		t.Errorf("reply = %d %s", response.StatusCode, got)
	}
}

func TestHTTP2(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	server := httptest.NewUnstartedServer(nil)
	server.Config = web.NewServer(web.Adapt(web.Options{Log: log}, func(*http.Request, *web.Record) (web.Reply, error) {
		return web.Reply{Body: []byte("hello")}, nil
	}), web.DefaultLimits(), log)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, _ := io.ReadAll(response.Body); response.ProtoMajor != 2 || string(got) != "hello" {
		t.Errorf("%s: %q", response.Proto, got)
	}
}

// Proves INC-57.
func TestLimitConnections(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := web.LimitConnections(inner, 2, nil)
	defer limited.Close()
	address := inner.Addr().String()

	accept := func() net.Conn {
		t.Helper()
		dial(t, address)
		conn, err := limited.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	first := accept()
	defer accept().Close()

	third := dial(t, address)
	accepted := make(chan net.Conn)
	go func() { // refuses the third, and then has to wait
		conn, _ := limited.Accept()
		accepted <- conn
	}()
	if _, err := third.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the third connection: %v, want EOF", err)
	}
	_ = first.Close()
	_ = first.Close() // a second Close must not free a second place
	dial(t, address)
	fourth := <-accepted
	defer fourth.Close()

	fifth := dial(t, address)
	go func() {
		conn, _ := limited.Accept()
		accepted <- conn
	}()
	if _, err := fifth.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the fifth connection: %v, want EOF", err)
	}
	_ = limited.Close()
	if conn := <-accepted; conn != nil {
		t.Error("a closed listener accepted a connection")
	}
}

func TestLimitConnectionsExempt(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := web.LimitConnections(inner, 1, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	defer limited.Close()
	for range 3 {
		dial(t, inner.Addr().String())
		conn, err := limited.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
}
