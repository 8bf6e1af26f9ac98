package public

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ocsp"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// Media types of RFC 6960 appendix C.
const (
	ocspRequest  = "application/ocsp-request"
	ocspResponse = "application/ocsp-response"
)

// ocspPath begins the URLs of the responder: /ocsp/ISSUER takes requests by POST, /ocsp/ISSUER/BASE64 by GET.
const ocspPath = "/ocsp/"

// Handler returns the whole door. The responder stands before the mux, which would clean the slashes out of a request that
// is written in base64 and redirect clients that follow nowhere.
func Handler(from Publication, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	Register(mux, from, log)
	d := door{from: from, log: log}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.EscapedPath(), ocspPath); ok {
			d.status(w, r, rest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// status answers a request for the status of a certificate. Whatever there is to say, it is said in the language of OCSP
// with HTTP status 200 (RFC 6960 appendix A.2); only what is no OCSP over HTTP has another.
func (d door) status(w http.ResponseWriter, r *http.Request, rest string) {
	issuer, text, _ := strings.Cut(rest, "/")
	var der []byte
	var err error
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		der, err = fromPath(text)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "The status of certificates is told to GET and POST.", http.StatusMethodNotAllowed)
		return
	case kind != ocspRequest:
		http.Error(w, "Send the request as "+ocspRequest+".", http.StatusUnsupportedMediaType)
		return
	default:
		der, err = fromBody(w, r)
	}
	if errors.Is(err, errUnread) {
		http.Error(w, "The request did not arrive whole.", http.StatusBadRequest)
		return
	}
	reply, err := d.answer(r.Context(), issuer, der, err)
	if err != nil {
		d.refuseStatus(w, r, err)
		return
	}
	writeStatus(w, r, reply)
}

// errUnread says that a body could not be read.
var errUnread = errors.New("the body could not be read")

func fromBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, ocsp.MaxRequest))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, ocsp.ErrMalformed
	}
	if err != nil {
		return nil, errUnread
	}
	return body, nil
}

// fromPath reads a request from the escaped path behind the issuer (RFC 6960 appendix A.1): base64, percent-encoded as much as
// the client likes, and behind as many slashes as it likes.
func fromPath(text string) ([]byte, error) {
	plain, err := url.PathUnescape(text)
	if err != nil || len(plain) > base64.StdEncoding.EncodedLen(ocsp.MaxRequest) {
		return nil, ocsp.ErrMalformed
	}
	der, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(plain, "/"))
	if err != nil {
		return nil, ocsp.ErrMalformed
	}
	return der, nil
}

// answer reads the request, which may have failed to arrive, and asks what is known.
func (d door) answer(ctx context.Context, issuer string, der []byte, failed error) (issue.StatusReply, error) {
	if failed != nil {
		return issue.StatusReply{}, failed
	}
	id, err := ocsp.ParseRequest(der)
	if err != nil {
		return issue.StatusReply{}, err
	}
	return d.from.Status(ctx, issuer, id)
}

// refuseStatus writes an unsigned reply, which no cache may keep.
func (d door) refuseStatus(w http.ResponseWriter, r *http.Request, err error) {
	refusal := ocsp.InternalError
	switch {
	case errors.Is(err, ocsp.ErrMalformed):
		refusal = ocsp.MalformedRequest
	case errors.Is(err, ocsp.ErrHash), fault.Is(err, fault.Unauthorized):
		refusal = ocsp.Unauthorized
	case fault.Is(err, fault.Unavailable):
		refusal = ocsp.TryLater
		fallthrough
	default:
		if !errors.Is(err, context.Canceled) {
			d.log.Error("the status of a certificate could not be told", slog.String("path", r.URL.Path), slog.Any("error", err))
		}
	}
	w.Header().Set("Content-Type", ocspResponse)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(refusal.DER())
}

// writeStatus writes a signed reply with the headers of RFC 5019 section 6.2. Its caches may keep it for as long as they may
// keep a revocation list, which is shorter than it is valid: a revocation is seen within that time.
func writeStatus(w http.ResponseWriter, r *http.Request, reply issue.StatusReply) {
	doc := newDocument(ocspResponse, reply.DER, reply.ThisUpdate)
	age := min(maxAge, max(0, time.Until(reply.NextUpdate)))
	w.Header().Set("Content-Type", doc.mediaType)
	w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d, public, no-transform, must-revalidate", int(age.Seconds())))
	w.Header().Set("Expires", reply.NextUpdate.UTC().Format(http.TimeFormat))
	w.Header().Set("Last-Modified", reply.ThisUpdate.UTC().Format(http.TimeFormat))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("ETag", doc.tag)
	w.Header().Set("Content-Length", strconv.Itoa(len(doc.body)))
	if r.Method != http.MethodPost && r.Header.Get("If-None-Match") == doc.tag {
		w.Header().Del("Content-Length")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(doc.body)
}
