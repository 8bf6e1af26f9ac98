package acme_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/wire"
	door "github.com/everleaf-pki/everleaf/internal/door/acme"
	"github.com/everleaf-pki/everleaf/internal/probe"
	"github.com/everleaf-pki/everleaf/internal/va"
	"github.com/everleaf-pki/everleaf/internal/web"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// canary stands in everything that a server behind the validator says. It is the secret of an internal page.
const canary = "CANARYsecret"

// TestNothingOfATargetIsRepeated validates at servers that answer with a secret in every place that they have: the body, a
// header, the reason, a redirect, a certificate. It comes out nowhere: not to the requester, not to the operator, not in the
// log, not in the files of the store.
// Proves H-09, INC-69.
func TestNothingOfATargetIsRepeated(t *testing.T) {
	for name, target := range map[string]http.HandlerFunc{
		"page":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(canary)) },
		"long":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(canary), 10_000)) },
		"error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, canary, http.StatusInternalServerError) },
		"header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Canary", canary)
			w.WriteHeader(http.StatusTeapot)
		},
		"login": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Www-Authenticate", canary)
			w.WriteHeader(http.StatusUnauthorized)
		},
		"raw":   sayRaw("HTTP/1.1 500 " + canary + "\r\n\r\n" + canary),
		"noise": sayRaw(canary + "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, log := newOutlook(t, target)
			c := h.account(t)
			var told bytes.Buffer
			for _, method := range []string{"http-01", "tls-alpn-01"} {
				c.failing(t, method, &told)
			}
			check(t, h.Store.Backup(t.Context(), filepath.Join(h.Folder, "copy.db")))
			told.Write(log.Bytes())
			for _, file := range []string{"everleaf.db", "everleaf.db-wal", "copy.db"} {
				content, err := os.ReadFile(filepath.Join(h.Folder, file))
				check(t, err)
				told.Write(content)
			}
			if at := bytes.Index(told.Bytes(), []byte(canary)); at >= 0 {
				t.Errorf("repeated: %q", told.Bytes()[max(0, at-200):at+len(canary)])
			}
		})
	}
}

// failing fails to prove a name by a method, and writes all that requester and operator are told of it.
func (c *client) failing(t *testing.T, method string, told *bytes.Buffer) {
	t.Helper()
	url, o := c.order("a.example.com")
	for _, challenge := range read[wire.Authorization](t, c.post(o.Authorizations[0], "")).Challenges {
		if string(challenge.Type) == method {
			told.Write(c.post(challenge.URL, "{}").body)
		}
	}
	ended := c.post(o.Authorizations[0], "").want(t, http.StatusOK)
	if read[wire.Authorization](t, ended).Status != "invalid" {
		t.Fatalf("%s did not fail: %s", method, ended.body)
	}
	told.Write(ended.body)
	told.Write(c.post(url, "").body)
	shown, err := c.h.manage.Order(t.Context(), url[strings.LastIndex(url, "/")+1:])
	check(t, err)
	text, err := json.Marshal(shown)
	check(t, err)
	told.Write(text)
}

// newOutlook returns a house whose validator really looks, at one target for every name, and what the house logs.
func newOutlook(t *testing.T, target http.HandlerFunc) (*house, *bytes.Buffer) {
	t.Helper()
	server := httptest.NewServer(target)
	t.Cleanup(server.Close)
	dns := chaltest.NewDNS(t)
	resolver, err := probe.NewResolver(probe.ResolverOptions{Upstreams: []string{dns.Addr()}})
	check(t, err)
	look := probe.New(probe.Options{Resolver: resolver, HTTPPort: portOf(server.Listener), TLSPort: portOf(canaryTLS(t))})
	h := newHouse(t, quick)
	engines, log := h.Engines(), new(bytes.Buffer)
	engines.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	engines.Validator = va.New(look, nil, va.Options{Total: quick})
	options := h.Options(quick)
	options.Trial = true
	h.service = h.Issue(t, engines, options)
	h.door, err = door.New(h.service, door.Options{
		Web: web.Options{Log: engines.Log}, Nonces: h.nonces, OwnName: func(string) bool { return true },
	})
	check(t, err)
	return h, log
}

// sayRaw hangs up after text that need not be HTTP.
func sayRaw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte(text))
		_ = conn.Close()
	}
}

// canaryTLS serves a certificate that says the secret in every field.
func canaryTLS(t *testing.T) net.Listener {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: canary, Organization: []string{canary}},
		DNSNames: []string{canary + ".example.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"acme-tls/1"}, MinVersion: tls.VersionTLS12,
	})
	check(t, err)
	server := &http.Server{ReadHeaderTimeout: quick, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return listener
}

func portOf(l net.Listener) uint16 { return l.Addr().(*net.TCPAddr).AddrPort().Port() }
