package chaltest

import (
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
)

// Stateless is an http-01 responder that answers every token for one account.
type Stateless struct {
	addr       *net.TCPAddr
	thumbprint atomic.Value // string
}

// NewStateless starts a responder at a free port of 127.0.0.1.
func NewStateless(t testing.TB) *Stateless {
	t.Helper()
	s := &Stateless{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/acme-challenge/{token}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s.%s", r.PathValue("token"), s.thumbprint.Load())
	})
	s.addr = serveHTTP(t, "127.0.0.1:0", mux).(*net.TCPAddr)
	return s
}

// Port returns the port.
func (s *Stateless) Port() uint16 { return s.addr.AddrPort().Port() }

// For names the account, by the thumbprint of its key.
func (s *Stateless) For(thumbprint string) { s.thumbprint.Store(thumbprint) }
