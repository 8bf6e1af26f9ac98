package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/problem"
)

// Refusal is an error for which HTTP has its own words: a status that the kind of the error does not imply, or headers
// that belong to it.
type Refusal struct {
	Status   int         // 0: as the kind of Err implies
	Header   http.Header // nil: none
	Instance string      // URL for a person to visit (RFC 8555 section 7.3.3); "": none
	Err      error
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns Err.
func (r *Refusal) Unwrap() error { return r.Err }

// Refuse returns a refusal with a status and a public sentence.
func Refuse(status int, format string, args ...any) *Refusal {
	return &Refusal{Status: status, Err: fault.New(fault.NotServed, format, args...)}
}

// MethodNotAllowed refuses a method (RFC 9110 section 15.5.6).
func MethodNotAllowed(allowed ...string) *Refusal {
	list := strings.Join(allowed, ", ")
	r := Refuse(http.StatusMethodNotAllowed, "The method is not allowed here; use one of %s.", list)
	r.Header = http.Header{"Allow": {list}}
	return r
}

// ReadBody returns the whole body of a request. It refuses a body that is too long with 413, one that does not arrive
// in time with 408, and one that ends early as malformed.
func ReadBody(r *http.Request) ([]byte, error) {
	var body bytes.Buffer
	_, err := body.ReadFrom(r.Body)
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, Refuse(http.StatusRequestEntityTooLarge, "The body is longer than %d octets.", tooLong.Limit)
	}
	switch {
	case err == nil:
		return body.Bytes(), nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, Refuse(http.StatusRequestTimeout, "The body did not arrive in time.")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fault.Wrap(err, fault.Malformed, "The body is shorter than announced.")
	default:
		return nil, fault.Wrap(err, fault.Malformed, "The body cannot be read.")
	}
}

// retryUnavailable is when to ask again after a 503 that does not say it (RFC 9110 section 15.6.4).
const retryUnavailable = 10 * time.Second

// refusal returns the reply for the error of a request, with the given header and what the error adds to it.
func refusal(request string, header http.Header, err error) Reply {
	document := problem.FromError(err).InReplyTo(request)
	out := http.Header{}
	maps.Copy(out, header)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.RetryAfter > 0 {
		out.Set("Retry-After", RetryAfter(f.RetryAfter))
	}
	if r, ok := errors.AsType[*Refusal](err); ok {
		if r.Status != 0 {
			document.Status = r.Status
		}
		document.Instance = r.Instance
		for name, values := range r.Header {
			out[name] = append(out[name][:len(out[name]):len(out[name])], values...)
		}
	}
	if document.Status == http.StatusServiceUnavailable && out.Get("Retry-After") == "" {
		out.Set("Retry-After", RetryAfter(retryUnavailable))
	}
	out.Set("Content-Type", problem.MediaType)
	out.Set("Content-Language", "en")
	return Reply{Status: document.Status, Header: out, Body: encode(document)}
}

// RetryAfter writes a duration as whole seconds, rounded up: dates break clients (RFC 9110 section 10.2.3).
func RetryAfter(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

func encode(d problem.Document) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(d) // a document holds nothing that JSON cannot
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
