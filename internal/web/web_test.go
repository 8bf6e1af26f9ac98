package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// reply is what a client sees.
type reply struct {
	status int
	header http.Header
	body   string
}

// serve answers one request by h and returns the reply and the records of the log.
func serve(t *testing.T, o web.Options, h web.Handler, r *http.Request) (reply, []map[string]any) {
	t.Helper()
	var log bytes.Buffer
	o.Log = slog.New(slog.NewJSONHandler(&log, nil))
	w := httptest.NewRecorder()
	web.Adapt(o, h).ServeHTTP(w, r)
	var records []map[string]any
	for line := range strings.Lines(log.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	return reply{w.Code, w.Header(), w.Body.String()}, records
}

func get() *http.Request { return httptest.NewRequest(http.MethodGet, "https://ca.test/x?y", nil) }

func TestReply(t *testing.T) {
	var observed []string
	o := web.Options{Observe: func(route string, status int, took time.Duration) {
		observed = append(observed, route, http.StatusText(status))
		if took < 0 {
			t.Errorf("took %s", took)
		}
	}}
	response, log := serve(t, o, func(_ *http.Request, record *web.Record) (web.Reply, error) {
		record.Route = "here"
		record.Add(slog.String("account", "a1"))
		return web.Reply{Header: http.Header{"Content-Type": {"text/plain"}, "Link": {"<a>", "<b>"}}, Body: []byte("hello")}, nil
	}, get())

	if response.body != "hello" || response.status != http.StatusOK {
		t.Errorf("reply = %d %q", response.status, response.body)
	}
	id := response.header.Get("X-Request-Id")
	want := http.Header{
		"Content-Type": {"text/plain"}, "Link": {"<a>", "<b>"}, "Content-Length": {"5"}, "X-Request-Id": {id},
		"X-Content-Type-Options": {"nosniff"}, "Referrer-Policy": {"no-referrer"},
		"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
	}
	if diff := cmp.Diff(want, response.header); diff != "" || len(id) != 16 {
		t.Errorf("header (id %q): %s", id, diff)
	}
	if diff := cmp.Diff([]string{"here", "OK"}, observed); diff != "" {
		t.Error(diff)
	}
	if len(log) != 1 {
		t.Fatalf("%d records, want 1", len(log))
	}
	delete(log[0], "time")
	delete(log[0], "took")
	wantLog := map[string]any{
		"level": "INFO", "msg": "request", "id": id, "client": "192.0.2.1", "method": "GET", "host": "ca.test",
		"uri": "https://ca.test/x?y", "agent": "", "route": "here", "status": 200.0, "octets": 5.0, "account": "a1",
	}
	if diff := cmp.Diff(wantLog, log[0]); diff != "" {
		t.Error(diff)
	}
}

func TestErrors(t *testing.T) {
	limited := fault.New(fault.RateLimited, "Slow down.")
	limited.RetryAfter = 1500 * time.Millisecond
	hidden := "The server met an unexpected condition; its log tells the operator which."
	tests := []struct {
		name   string
		err    error
		status int
		header http.Header
		body   map[string]any
		level  string
	}{
		{
			"E-05 an error without kind is logged, not shown", errors.New("disk /var full"), 500, nil,
			map[string]any{"type": "urn:ietf:params:acme:error:serverInternal", "status": 500.0, "detail": hidden},
			"ERROR",
		},
		{
			"R-02 Retry-After in whole seconds, rounded up", limited, 429,
			http.Header{"Retry-After": {"2"}},
			map[string]any{"type": "urn:ietf:params:acme:error:rateLimited", "status": 429.0, "detail": "Slow down."},
			"INFO",
		},
		{
			"a 503 that does not say when", fault.New(fault.Unavailable, "Busy."), 503,
			http.Header{"Retry-After": {"10"}},
			map[string]any{"type": "urn:ietf:params:acme:error:serverInternal", "status": 503.0, "detail": "Busy."},
			"ERROR",
		},
		{
			"a 503 that does", &web.Refusal{Header: http.Header{"Retry-After": {"3"}}, Err: fault.New(fault.Unavailable, "Busy.")}, 503,
			http.Header{"Retry-After": {"3"}},
			map[string]any{"type": "urn:ietf:params:acme:error:serverInternal", "status": 503.0, "detail": "Busy."},
			"ERROR",
		},
		{
			"T-06 a method with Allow", web.MethodNotAllowed("GET", "POST"), 405,
			http.Header{"Allow": {"GET, POST"}},
			map[string]any{"type": "urn:ietf:params:acme:error:malformed", "status": 405.0, "detail": "The method is not allowed here; use one of GET, POST."},
			"INFO",
		},
		{
			"a status of its own, headers added and an instance",
			&web.Refusal{Status: 401, Header: http.Header{"Link": {"<b>"}}, Instance: "https://ca.test/terms", Err: fault.New(fault.Unauthorized, "Gone.")},
			401,
			http.Header{"Link": {"<a>", "<b>"}},
			map[string]any{"type": "urn:ietf:params:acme:error:unauthorized", "status": 401.0, "detail": "Gone.", "instance": "https://ca.test/terms"},
			"INFO",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response, log := serve(t, web.Options{}, func(*http.Request, *web.Record) (web.Reply, error) {
				return web.Reply{Status: 201, Header: http.Header{"Link": {"<a>"}}, Body: []byte("lost")}, tt.err
			}, get())
			var got map[string]any
			if err := json.Unmarshal([]byte(response.body), &got); err != nil {
				t.Fatal(err)
			}
			id := response.header.Get("X-Request-Id")
			tt.body["detail"] = fmt.Sprintf("%s (request %s)", tt.body["detail"], id) // where people see it
			tt.body["request_id"] = id
			if diff := cmp.Diff(tt.body, got); diff != "" || response.status != tt.status {
				t.Errorf("status %d, want %d: %s", response.status, tt.status, diff)
			}
			for name, want := range tt.header {
				if diff := cmp.Diff(want, response.header[name]); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
			if response.header.Get("Content-Type") != "application/problem+json" || response.header.Get("Content-Language") != "en" {
				t.Errorf("E-01 T-08: header %v", response.header)
			}
			if len(log) != 1 || log[0]["id"] != id || log[0]["level"] != tt.level || log[0]["error"] != tt.err.Error() {
				t.Errorf("log %v", log)
			}
		})
	}
}

// Proves INC-68.
func TestPanic(t *testing.T) {
	response, log := serve(t, web.Options{}, func(*http.Request, *web.Record) (web.Reply, error) { panic("secret") }, get())
	if response.status != http.StatusInternalServerError || strings.Contains(response.body, "secret") {
		t.Errorf("reply = %d %s", response.status, response.body)
	}
	stack, _ := log[0]["stack"].(string)
	if log[0]["error"] != "panic: secret" || !strings.Contains(stack, "TestPanic") {
		t.Errorf("log %v", log)
	}
}

func TestAbort(t *testing.T) {
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v, want http.ErrAbortHandler", err)
		}
	}()
	serve(t, web.Options{}, func(*http.Request, *web.Record) (web.Reply, error) { panic(http.ErrAbortHandler) }, get())
}

func TestClientGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	response, log := serve(t, web.Options{}, func(r *http.Request, _ *web.Record) (web.Reply, error) {
		return web.Reply{}, r.Context().Err()
	}, get().WithContext(ctx))
	if response.status != 499 || log[0]["level"] != "INFO" {
		t.Errorf("status %d, log %v", response.status, log)
	}
}

// failing ends with an error instead of io.EOF.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestReadBody(t *testing.T) {
	tests := []struct {
		name   string
		body   io.Reader
		status int
	}{
		{"exactly the bound", strings.NewReader(strings.Repeat("x", 100)), 200},
		{"T-10 one octet more", strings.NewReader(strings.Repeat("x", 101)), 413},
		{"T-10 truncated", failing{io.ErrUnexpectedEOF}, 400},
		{"T-10 too slow", failing{context.DeadlineExceeded}, 400},
		{"broken", failing{errors.New("reset")}, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			read := -1
			response, _ := serve(t, web.Options{MaxBody: 100}, func(r *http.Request, _ *web.Record) (web.Reply, error) {
				octets, err := web.ReadBody(r)
				read = len(octets)
				return web.Reply{}, err
			}, httptest.NewRequest(http.MethodPost, "/", tt.body))
			if response.status != tt.status || tt.status != 200 && read != 0 {
				t.Errorf("status %d with %d octets, want status %d", response.status, read, tt.status)
			}
		})
	}
}

func TestClientAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := []struct {
		name, remote string
		forwarded    []string
		proxies      []netip.Prefix
		want         string
	}{
		{"nobody is trusted", "10.0.0.1:1", []string{"192.0.2.9"}, nil, "10.0.0.1"},
		{"a stranger is not trusted", "192.0.2.1:1", []string{"192.0.2.9"}, proxies, "192.0.2.1"},
		{"a proxy speaks for a client", "10.0.0.1:1", []string{"192.0.2.9"}, proxies, "192.0.2.9"},
		{"what the client adds is not believed", "10.0.0.1:1", []string{"8.8.8.8, 192.0.2.9"}, proxies, "192.0.2.9"},
		{"two proxies in two headers", "10.0.0.1:1", []string{"192.0.2.9", "10.0.0.2"}, proxies, "192.0.2.9"},
		{"IPv6 with port", "[fd00::1]:1", []string{"[2001:db8::1]:443"}, proxies, "2001:db8::1"},
		{"mapped addresses are IPv4", "[::ffff:10.0.0.1]:1", []string{"::ffff:192.0.2.9"}, proxies, "192.0.2.9"},
		{"nonsense ends the chain", "10.0.0.1:1", []string{"192.0.2.9, unknown"}, proxies, "10.0.0.1"},
		{"no header", "10.0.0.1:1", nil, proxies, "10.0.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := get()
			r.RemoteAddr, r.Header = tt.remote, http.Header{"X-Forwarded-For": tt.forwarded}
			var got netip.Addr
			serve(t, web.Options{TrustedProxies: tt.proxies}, func(_ *http.Request, record *web.Record) (web.Reply, error) {
				got = record.Client
				return web.Reply{}, nil
			}, r)
			if got != netip.MustParseAddr(tt.want) {
				t.Errorf("client = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhoHasNoAddressIsOnThisMachine(t *testing.T) {
	for _, remote := range []string{"@", ""} { // net/http says so of a Unix socket; a handler called in the process has none
		r := get()
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", "192.0.2.9")
		_, log := serve(t, web.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}, func(*http.Request, *web.Record) (web.Reply, error) {
			return web.Reply{}, nil
		}, r)
		if log[0]["client"] != "local" {
			t.Errorf("%q: the log says %v", remote, log[0]["client"])
		}
	}
}

func TestNegotiate(t *testing.T) {
	const pem, der, p7 = "application/pem-certificate-chain", "application/pkix-cert", "application/pkcs7-mime"
	tests := []struct {
		accept []string
		want   string
	}{
		{nil, pem},
		{[]string{""}, pem},
		{[]string{"*/*"}, pem},
		{[]string{"application/*"}, pem},
		{[]string{der}, der},
		{[]string{strings.ToUpper(der)}, der},
		{[]string{der + ", " + pem}, pem},
		{[]string{pem + ";q=0.5, " + der}, der},
		{[]string{pem + ";q=0.5", p7}, p7},
		{[]string{der + ", */*"}, der},
		{[]string{"application/*;q=0.2, " + pem + ";q=0"}, der},
		{[]string{"text/html"}, pem},
		{[]string{"application/json, text/html;q=0.1"}, pem},
		{[]string{pem + ";q=0"}, der},
		{[]string{"*/*;q=0"}, ""},
		{[]string{pem + ";q=0, " + der + ";q=0.0, application/*;q=0"}, ""},
		{[]string{der + ";q=2, garbage;;;, /, " + der + ";q=x"}, pem},
	}
	for _, tt := range tests {
		got, ok := web.Negotiate(http.Header{"Accept": tt.accept}, pem, der, p7)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("Negotiate(%q) = %q, %t; want %q", tt.accept, got, ok, tt.want)
		}
	}
}
