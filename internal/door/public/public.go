// Package public is the door for what everybody may fetch over plain HTTP: revocation lists at the URLs that stand
// in certificates, the status of single certificates, issuers for clients that build chains, and the roots.
//
// It speaks plain HTTP because a client needs these to judge TLS certificates (RFC 5280 section 8): what it serves is
// signed and public.
package public

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ocsp"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// Publication is what the door needs to know.
type Publication interface {
	// RevocationLists returns the newest list of every shard, without its bytes.
	RevocationLists(ctx context.Context) ([]pki.CRL, error)
	RevocationList(ctx context.Context, issuer string, shard int) (pki.CRL, error)
	Issuer(ctx context.Context, id string) (pki.Issuer, error)
	Roots(ctx context.Context) ([]pki.Issuer, error)
	// Status says what a certificate is worth. Errors: Unauthorized when nothing is known of it, Unavailable.
	Status(ctx context.Context, issuer string, id ocsp.CertID) (issue.StatusReply, error)
}

// maxAge bounds how long a cache may keep a revocation list: a revocation is seen within it.
const maxAge = time.Minute

// youngest is the age from which a date tells one list from the next: two may be made in one second
// (RFC 9110 section 8.8.2.2).
const youngest = 2 * time.Second

// retryUnavailable is when to ask again after a 503 (RFC 9110 section 10.2.3).
const retryUnavailable = 10 * time.Second

// Register adds the door's routes to mux.
func Register(mux *http.ServeMux, from Publication, log *slog.Logger) {
	d := door{from: from, log: log, lists: newLists(from, memory, log)}
	mux.HandleFunc("GET /crl/{issuer}/{file}", d.serve(d.list))
	mux.HandleFunc("GET /issuer/{file}", d.serve(d.issuer))
	RegisterRoots(mux, from, log)
}

// RegisterRoots adds only /roots.pem, which the HTTPS listener serves as well.
func RegisterRoots(mux *http.ServeMux, from Publication, log *slog.Logger) {
	d := door{from: from, log: log}
	mux.HandleFunc("GET /roots.pem", d.serve(d.roots))
}

type door struct {
	from  Publication
	log   *slog.Logger
	lists *lists
}

// document is one reply. It is never changed, so that many requests share it.
type document struct {
	mediaType string
	body      []byte
	modified  time.Time // zero: unknown
	tag       string    // the strong entity tag: other octets, another tag
}

func newDocument(mediaType string, body []byte, modified time.Time) *document {
	sum := sha256.Sum256(body)
	return &document{mediaType: mediaType, body: body, modified: modified, tag: `"` + hex.EncodeToString(sum[:16]) + `"`}
}

// serve writes what a handler returns. HEAD, conditional and range requests are net/http's.
func (d door) serve(handler func(*http.Request) (*document, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		doc, err := handler(r)
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		w.Header().Set("Content-Type", doc.mediaType)
		w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("ETag", doc.tag)
		http.ServeContent(w, r, "", doc.date(r), bytes.NewReader(doc.body))
		runtime.KeepAlive(doc) // as long as one request sends it, others share it
	}
}

// date returns the date for Last-Modified and conditions; zero: none. A condition counts only with exactly this date: many clients
// send the time of their download, which may lie between the making of a list and its publication, and would never
// hear of that list.
func (d *document) date(r *http.Request) time.Time {
	if time.Since(d.modified) < youngest {
		return time.Time{}
	}
	if r.Header.Get("If-Modified-Since") != d.modified.UTC().Format(http.TimeFormat) {
		r.Header.Del("If-Modified-Since")
	}
	return d.modified
}

func (d door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if fault.Is(err, fault.NotFound) {
		http.Error(w, fault.Sentence(err), http.StatusNotFound)
		return
	}
	if !errors.Is(err, context.Canceled) {
		d.log.Error("a public document could not be served", slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	status := http.StatusInternalServerError
	if fault.Is(err, fault.Unavailable) {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", web.RetryAfter(retryUnavailable))
	}
	http.Error(w, "The server cannot answer at the moment.", status)
}

// list serves a revocation list as DER (RFC 5280 section 4.2.1.13, media type of RFC 2585 section 4.2).
func (d door) list(r *http.Request) (*document, error) {
	shard, err := strconv.Atoi(strings.TrimSuffix(r.PathValue("file"), ".crl"))
	if err != nil || !strings.HasSuffix(r.PathValue("file"), ".crl") {
		return nil, noSuchList()
	}
	return d.lists.newest(r.Context(), place{r.PathValue("issuer"), shard})
}

// issuer serves a CA certificate as DER (RFC 5280 section 4.2.2.1, media type of RFC 2585 section 4.1).
func (d door) issuer(r *http.Request) (*document, error) {
	id, ok := strings.CutSuffix(r.PathValue("file"), ".cer")
	if !ok {
		return nil, fault.New(fault.NotFound, "There is no such issuer.")
	}
	issuer, err := d.from.Issuer(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return newDocument("application/pkix-cert", issuer.Certificate, issuer.Created), nil
}

// roots serves the roots as PEM.
func (d door) roots(r *http.Request) (*document, error) {
	roots, err := d.from.Roots(r.Context())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, root := range roots {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
	}
	return newDocument("application/x-pem-file", out.Bytes(), time.Time{}), nil
}
