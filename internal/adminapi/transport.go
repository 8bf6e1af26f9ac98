package adminapi

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
)

// OverSocket returns a transport to the admin door that listens on the Unix socket at path.
func OverSocket(path string) http.RoundTripper {
	var dialer net.Dialer
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		},
		DisableCompression: true,
		DisableKeepAlives:  true, // a command makes a request or two and ends
	}
}

// InProcess returns a transport that calls the handler itself, for a command that opened the store because no server
// runs.
func InProcess(door http.Handler) http.RoundTripper { return inProcess{door} }

type inProcess struct{ door http.Handler }

// RoundTrip serves the request in this goroutine.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	served := r.Clone(r.Context())
	if served.Body == nil {
		served.Body = http.NoBody
	}
	defer served.Body.Close()
	served.RequestURI = r.URL.RequestURI()
	answer := &answer{header: http.Header{}}
	t.door.ServeHTTP(answer, served)
	answer.WriteHeader(http.StatusOK) // where the handler wrote nothing
	return &http.Response{
		Status:        http.StatusText(answer.status),
		StatusCode:    answer.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        answer.sent,
		Body:          io.NopCloser(&answer.body),
		ContentLength: int64(answer.body.Len()),
		Request:       r,
	}, nil
}

// answer collects what a handler writes. Headers are fixed when the status is, as on a connection.
type answer struct {
	header http.Header
	sent   http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status, a.sent = status, a.header.Clone()
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}
