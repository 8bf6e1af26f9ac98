// Package public is the door for what everybody may fetch over plain HTTP: revocation lists at the URLs that stand
// in certificates, issuers for clients that build chains, and the roots.
//
// It speaks plain HTTP because a client needs these to judge TLS certificates (RFC 5280 section 8): what it serves is
// signed and public.
package public

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Publication is what the door needs to know.
type Publication interface {
	RevocationList(ctx context.Context, issuer string, shard int) (pki.CRL, error)
	Issuer(ctx context.Context, id string) (pki.Issuer, error)
	Roots(ctx context.Context) ([]pki.Issuer, error)
}

// maxAge bounds how long a cache may keep a revocation list: a revocation is seen within it.
const maxAge = time.Minute

// Register adds the door's routes to mux.
func Register(mux *http.ServeMux, from Publication, log *slog.Logger) {
	d := door{from: from, log: log}
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
	from Publication
	log  *slog.Logger
}

// document is one reply.
type document struct {
	mediaType string
	body      []byte
	modified  time.Time // zero: unknown
}

// serve writes what a handler returns. HEAD, conditional and range requests are net/http's.
func (d door) serve(handler func(*http.Request) (document, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		doc, err := handler(r)
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		w.Header().Set("Content-Type", doc.mediaType)
		w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", doc.modified, bytes.NewReader(doc.body))
	}
}

func (d door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if fault.Is(err, fault.NotFound) {
		http.Error(w, fault.Sentence(err), http.StatusNotFound)
		return
	}
	if !errors.Is(err, context.Canceled) {
		d.log.Error("a public document could not be served", slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	http.Error(w, "The server cannot answer at the moment.", http.StatusInternalServerError)
}

// list serves a revocation list as DER (RFC 5280 section 4.2.1.13, media type of RFC 2585 section 4.2).
func (d door) list(r *http.Request) (document, error) {
	shard, err := strconv.Atoi(strings.TrimSuffix(r.PathValue("file"), ".crl"))
	if err != nil || !strings.HasSuffix(r.PathValue("file"), ".crl") {
		return document{}, fault.New(fault.NotFound, "There is no such revocation list.")
	}
	crl, err := d.from.RevocationList(r.Context(), r.PathValue("issuer"), shard)
	return document{"application/pkix-crl", crl.DER, crl.ThisUpdate}, err
}

// issuer serves a CA certificate as DER (RFC 5280 section 4.2.2.1, media type of RFC 2585 section 4.1).
func (d door) issuer(r *http.Request) (document, error) {
	id, ok := strings.CutSuffix(r.PathValue("file"), ".cer")
	if !ok {
		return document{}, fault.New(fault.NotFound, "There is no such issuer.")
	}
	issuer, err := d.from.Issuer(r.Context(), id)
	return document{"application/pkix-cert", issuer.Certificate, issuer.Created}, err
}

// roots serves the roots as PEM.
func (d door) roots(r *http.Request) (document, error) {
	roots, err := d.from.Roots(r.Context())
	var out bytes.Buffer
	for _, root := range roots {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
	}
	return document{"application/x-pem-file", out.Bytes(), time.Time{}}, err
}
