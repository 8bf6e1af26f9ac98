package public

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ocsp"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// request returns a request for serial number 4a whose base64 has every character that URLs treat in their own way.
func request() []byte {
	head := []byte{0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0}
	name := append([]byte{4, 20}, bytes.Repeat([]byte{0xff}, 20)...)
	key := append([]byte{4, 20}, bytes.Repeat([]byte{0xfb, 0xef, 0xbe, 0xff}, 5)...)
	der := append(append(append(head, name...), key...), 2, 1, 0x4a)
	for depth, at := range []int{1, 3, 5, 7, 9} {
		der[at] = byte(len(der) - 2*(depth+1))
	}
	return der
}

func ask(t *testing.T, from Publication, method, target string, body []byte, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/", bytes.NewReader(body))
	var err error
	if r.URL, err = url.Parse(target); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler(from, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	return w
}

// RFC 6960 appendix A, RFC 5019 section 5: the same reply, however the request comes. Proves BR-19.
func TestOCSPByGETAndPOST(t *testing.T) {
	der := request()
	text := base64.StdEncoding.EncodeToString(der)
	if !strings.Contains(text, "//") || !strings.Contains(text, "+") || !strings.HasSuffix(text, "=") {
		t.Fatalf("%s lacks a character", text)
	}
	media := []string{"Content-Type", "application/ocsp-request"}
	for name, c := range map[string]struct {
		method, target string
		body           []byte
		header         []string
	}{
		"POST":                           {"POST", "/ocsp/i1", der, media},
		"POST with a slash at the end":   {"POST", "/ocsp/i1/", der, media},
		"POST with a parameter":          {"POST", "/ocsp/i1", der, []string{"Content-Type", "Application/OCSP-Request; charset=binary"}},
		"GET as it is":                   {"GET", "/ocsp/i1/" + text, nil, nil},
		"GET percent-encoded":            {"GET", "/ocsp/i1/" + url.QueryEscape(text), nil, nil},
		"GET with only slashes encoded":  {"GET", "/ocsp/i1/" + strings.ReplaceAll(text, "/", "%2F"), nil, nil},
		"GET with only = encoded":        {"GET", "/ocsp/i1/" + strings.ReplaceAll(text, "=", "%3d"), nil, nil},
		"GET with two slashes before it": {"GET", "/ocsp/i1//" + text, nil, nil},
		"GET with many slashes":          {"GET", "/ocsp/i1////" + text, nil, nil},
	} {
		w := ask(t, shelf{}, c.method, c.target, c.body, c.header...)
		if w.Code != 200 || w.Body.String() != "good" || w.Header().Get("Content-Type") != "application/ocsp-response" || w.Header().Get("Content-Length") != "4" {
			t.Errorf("%s: %d %q %v", name, w.Code, w.Body, w.Header())
		}
	}
}

func TestOCSPMayBeKeptByCaches(t *testing.T) {
	target := "/ocsp/i1/" + base64.StdEncoding.EncodeToString(request())
	w := ask(t, shelf{}, "GET", target, nil)
	expires, err := http.ParseTime(w.Header().Get("Expires"))
	if err != nil {
		t.Fatal(err)
	}
	modified, err := http.ParseTime(w.Header().Get("Last-Modified"))
	if err != nil {
		t.Fatal(err)
	}
	if w.Header().Get("Cache-Control") != "max-age=60, public, no-transform, must-revalidate" || expires.Sub(modified) != 24*time.Hour {
		t.Errorf("%v", w.Header())
	}
	tag := w.Header().Get("ETag")
	if w := ask(t, shelf{}, "GET", target, nil, "If-None-Match", tag); tag == "" || w.Code != 304 || w.Body.Len() > 0 {
		t.Errorf("the same tag: %d %q", w.Code, w.Body)
	}
}

// "CRL and OCSP matrix": who asks badly is told so in OCSP, without a signature and for no cache.
func TestOCSPRefusals(t *testing.T) {
	der := request()
	text := base64.StdEncoding.EncodeToString(der)
	media := []string{"Content-Type", "application/ocsp-request"}
	unavailable := shelf{err: fault.New(fault.Unavailable, "busy")}
	for name, c := range map[string]struct {
		from           Publication
		method, target string
		body           []byte
		want           ocsp.Refusal
	}{
		"nothing by POST":                 {shelf{}, "POST", "/ocsp/i1", nil, ocsp.MalformedRequest},
		"garbage by POST":                 {shelf{}, "POST", "/ocsp/i1", []byte("garbage"), ocsp.MalformedRequest},
		"base64 by POST":                  {shelf{}, "POST", "/ocsp/i1", []byte(text), ocsp.MalformedRequest},
		"too much by POST":                {shelf{}, "POST", "/ocsp/i1", make([]byte, ocsp.MaxRequest+1), ocsp.MalformedRequest},
		"nothing by GET":                  {shelf{}, "GET", "/ocsp/i1", nil, ocsp.MalformedRequest},
		"only a slash by GET":             {shelf{}, "GET", "/ocsp/i1/", nil, ocsp.MalformedRequest},
		"no base64 by GET":                {shelf{}, "GET", "/ocsp/i1/*", nil, ocsp.MalformedRequest},
		"base64 without its end by GET":   {shelf{}, "GET", "/ocsp/i1/" + strings.TrimRight(text, "="), nil, ocsp.MalformedRequest},
		"too much by GET":                 {shelf{}, "GET", "/ocsp/i1/" + strings.Repeat("A", 2*ocsp.MaxRequest), nil, ocsp.MalformedRequest},
		"another issuer":                  {shelf{}, "GET", "/ocsp/i2/" + text, nil, ocsp.Unauthorized},
		"no issuer":                       {shelf{}, "GET", "/ocsp//" + text, nil, ocsp.Unauthorized},
		"while nothing can be signed":     {unavailable, "POST", "/ocsp/i1", der, ocsp.TryLater},
		"while something inside is amiss": {shelf{err: errors.New("secret")}, "POST", "/ocsp/i1", der, ocsp.InternalError},
	} {
		w := ask(t, c.from, c.method, c.target, c.body, media...)
		if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), c.want.DER()) || w.Header().Get("Cache-Control") != "no-store" ||
			w.Header().Get("Content-Type") != "application/ocsp-response" {
			t.Errorf("%s: %d %x %v", name, w.Code, w.Body, w.Header())
		}
	}
	for name, c := range map[string]struct {
		method string
		header []string
		status int
	}{
		"PUT":                     {"PUT", media, 405},
		"POST of a form":          {"POST", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		"POST without media type": {"POST", nil, 415},
	} {
		if w := ask(t, shelf{}, c.method, "/ocsp/i1", der, c.header...); w.Code != c.status {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// broken is a body whose client goes away.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestABodyThatDoesNotArriveIsNoOCSP(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/ocsp/i1", broken{})
	r.Header.Set("Content-Type", "application/ocsp-request")
	w := httptest.NewRecorder()
	Handler(shelf{}, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// gone is a publication whose client left.
type gone struct{ shelf }

func (gone) Status(context.Context, string, ocsp.CertID) (issue.StatusReply, error) {
	return issue.StatusReply{}, context.Canceled
}

func TestOnlyWhatIsAmissIsLogged(t *testing.T) {
	for name, c := range map[string]struct {
		from  Publication
		lines int
	}{
		"a stranger":       {shelf{}, 0},
		"a client's end":   {gone{}, 0},
		"an inner failure": {shelf{err: errors.New("broken")}, 1},
	} {
		var log bytes.Buffer
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/ocsp/i1", bytes.NewReader(request()))
		if name == "a stranger" {
			r.Body = io.NopCloser(strings.NewReader("garbage"))
		}
		r.Header.Set("Content-Type", "application/ocsp-request")
		Handler(c.from, slog.New(slog.NewTextHandler(&log, nil))).ServeHTTP(httptest.NewRecorder(), r)
		if lines := strings.Count(log.String(), "\n"); lines != c.lines {
			t.Errorf("%s: %d lines: %s", name, lines, &log)
		}
	}
}

// Whatever stands in a path, it is answered in OCSP and quickly.
func FuzzOCSPPath(f *testing.F) {
	f.Add(base64.StdEncoding.EncodeToString(request()))
	f.Add("%2F%2b%3D")
	f.Add("//%")
	f.Fuzz(func(t *testing.T, text string) {
		der, err := fromPath(text)
		if err != nil && !errors.Is(err, ocsp.ErrMalformed) || len(der) > ocsp.MaxRequest+2 {
			t.Errorf("%d octets, %v", len(der), err)
		}
	})
}
