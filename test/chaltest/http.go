package chaltest

import (
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// HTTP is an http-01 responder (RFC 8555 section 8.3). Tokens that nothing was set for are 404.
type HTTP struct {
	addr *net.TCPAddr

	mu     sync.Mutex
	values map[string]string
	hosts  []string
}

// NewHTTP starts a responder at a free port of 127.0.0.1.
func NewHTTP(t testing.TB) *HTTP { return NewHTTPAt(t, "127.0.0.1:0") }

// NewHTTPAt starts a responder at address, HOST:PORT.
func NewHTTPAt(t testing.TB, address string) *HTTP {
	t.Helper()
	h := &HTTP{values: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/acme-challenge/{token}", h.serve)
	h.addr = serveHTTP(t, address, mux).(*net.TCPAddr)
	return h
}

// Addr returns HOST:PORT.
func (h *HTTP) Addr() string { return h.addr.String() }

// Port returns the port.
func (h *HTTP) Port() uint16 { return h.addr.AddrPort().Port() }

// Set serves keyAuthorization for token.
func (h *HTTP) Set(token, keyAuthorization string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.values[token] = keyAuthorization
}

// Clear stops serving token.
func (h *HTTP) Clear(token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.values, token)
}

// Hosts returns the Host headers of all challenge requests so far.
func (h *HTTP) Hosts() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.hosts...)
}

func (h *HTTP) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.hosts = append(h.hosts, r.Host)
	value, ok := h.values[r.PathValue("token")]
	h.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, value)
}
