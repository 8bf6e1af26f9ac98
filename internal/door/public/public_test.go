package public

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ocsp"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

type shelf struct{ err error }

func (s shelf) RevocationLists(context.Context) ([]pki.CRL, error) {
	return []pki.CRL{{Issuer: "i1", Shard: pki.Shard{Number: 3}, Number: 1}, {Issuer: "i1", Shard: pki.Shard{Number: 5}}}, s.err
}

func (s shelf) RevocationList(_ context.Context, issuer string, shard int) (pki.CRL, error) {
	if issuer != "i1" || shard != 3 {
		return pki.CRL{}, fault.New(fault.NotFound, "no list yet")
	}
	return pki.CRL{DER: []byte("list"), Number: 1, ThisUpdate: time.Unix(1_800_000_000, 0)}, s.err
}

func (s shelf) Issuer(_ context.Context, id string) (pki.Issuer, error) {
	if id != "i1" {
		return pki.Issuer{}, fault.New(fault.NotFound, "no issuer")
	}
	return pki.Issuer{Certificate: []byte("issuer")}, s.err
}

func (s shelf) Roots(context.Context) ([]pki.Issuer, error) {
	return []pki.Issuer{{Certificate: []byte("one")}, {Certificate: []byte("two")}}, s.err
}

func (s shelf) Status(_ context.Context, issuer string, id ocsp.CertID) (issue.StatusReply, error) {
	if issuer != "i1" || id.Serial != "4a" {
		return issue.StatusReply{}, fault.New(fault.Unauthorized, "nothing known")
	}
	now := time.Now().UTC().Truncate(time.Second)
	return issue.StatusReply{DER: []byte("good"), ThisUpdate: now, NextUpdate: now.Add(24 * time.Hour)}, s.err
}

func TestDocuments(t *testing.T) {
	mux := http.NewServeMux()
	Register(mux, shelf{}, slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		method, path string
		status       int
		mediaType    string
		body         string
	}{
		{"GET", "/crl/i1/3.crl", 200, "application/pkix-crl", "list"},
		{"HEAD", "/crl/i1/3.crl", 200, "application/pkix-crl", ""},
		{"GET", "/crl/i1/5.crl", 404, "text/plain; charset=utf-8", "no list yet\n"},
		{"GET", "/crl/i1/4.crl", 404, "text/plain; charset=utf-8", "There is no such revocation list.\n"},
		{"GET", "/crl/i1/3", 404, "text/plain; charset=utf-8", "There is no such revocation list.\n"},
		{"GET", "/crl/i1/x.crl", 404, "text/plain; charset=utf-8", "There is no such revocation list.\n"},
		{"GET", "/crl/i2/3.crl", 404, "text/plain; charset=utf-8", "There is no such revocation list.\n"},
		{"POST", "/crl/i1/3.crl", 405, "text/plain; charset=utf-8", "Method Not Allowed\n"},
		{"GET", "/issuer/i1.cer", 200, "application/pkix-cert", "issuer"},
		{"GET", "/issuer/i1", 404, "text/plain; charset=utf-8", "There is no such issuer.\n"},
		{"GET", "/issuer/i2.cer", 404, "text/plain; charset=utf-8", "no issuer\n"},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil))
		if w.Code != c.status || w.Header().Get("Content-Type") != c.mediaType || w.Body.String() != c.body {
			t.Errorf("%s %s: %d %q %q", c.method, c.path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

func TestRootsAreOnePEMFile(t *testing.T) {
	mux := http.NewServeMux()
	RegisterRoots(mux, shelf{}, slog.New(slog.DiscardHandler))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/roots.pem", nil))
	if w.Code != 200 || strings.Count(w.Body.String(), "-----BEGIN CERTIFICATE-----") != 2 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func TestErrorsSayWhenToComeBackAndNothingOfTheInside(t *testing.T) {
	for _, c := range []struct {
		err        error
		status     int
		retryAfter string
	}{
		{errors.New("disk I/O secret"), 500, ""},
		{fault.Wrap(errors.New("secret"), fault.Unavailable, "busy"), 503, "10"},
	} {
		mux := http.NewServeMux()
		Register(mux, shelf{err: c.err}, slog.New(slog.DiscardHandler))
		for _, path := range []string{"/issuer/i1.cer", "/crl/i1/3.crl", "/roots.pem"} {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
			if w.Code != c.status || w.Header().Get("Retry-After") != c.retryAfter || w.Body.String() != "The server cannot answer at the moment.\n" {
				t.Errorf("%s: %d %q %q, want %d %q", path, w.Code, w.Header().Get("Retry-After"), w.Body, c.status, c.retryAfter)
			}
		}
	}
}
