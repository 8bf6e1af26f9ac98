package demo

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// wellKnown is where http-01 looks (RFC 8555 section 8.3).
const wellKnown = "/.well-known/acme-challenge/"

// site is a plain web site on loopback that also speaks TLS once it has a certificate, as any web server would.
type site struct {
	plain, secure net.Listener
	certificate   atomic.Pointer[tls.Certificate]
	proofs        sync.Map // path -> key authorization
	servers       []*http.Server
}

func newSite(ctx context.Context) (*site, error) {
	var lc net.ListenConfig
	plain, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the site: %w", err)
	}
	secure, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		_ = plain.Close()
		return nil, fmt.Errorf("start the site: %w", err)
	}
	s := &site{plain: plain, secure: secure}
	s.serve(plain)
	s.serve(tls.NewListener(secure, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.current}))
	return s, nil
}

func (s *site) serve(l net.Listener) {
	server := &http.Server{Handler: http.HandlerFunc(s.answer), ReadHeaderTimeout: 5 * time.Second}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(l) }()
}

// answer serves the proofs that were placed, and a page for everything else.
func (s *site) answer(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, wellKnown) {
		proof, ok := s.proofs.Load(r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(proof.(string))) //nolint:errcheck,gosec // only place stores, and only strings; a browser shows them as text
		return
	}
	_, _ = w.Write([]byte("A small shop.\n"))
}

func (s *site) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := s.certificate.Load(); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("the site has no certificate yet")
}

// place puts the answer to a challenge on the site and returns what takes it away again.
func (s *site) place(path, keyAuthorization string) (remove func()) {
	s.proofs.Store(path, keyAuthorization)
	return func() { s.proofs.Delete(path) }
}

func (s *site) close() {
	for _, server := range s.servers {
		_ = server.Close()
	}
}

func portOf(l net.Listener) uint16 {
	return uint16(l.Addr().(*net.TCPAddr).Port) //nolint:errcheck,gosec // a TCP listener has a TCP address, and a port has 16 bits
}
