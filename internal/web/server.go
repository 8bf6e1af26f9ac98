package web

import (
	"log/slog"
	"net/http"
	"time"
)

// Limits bound what one connection may take of a server's time and memory.
type Limits struct {
	Header      time.Duration // until the last octet of a header, and for a TLS handshake
	Read        time.Duration // until the last octet of a body
	Write       time.Duration // from the header to the last octet of the reply
	Idle        time.Duration // between two requests
	HeaderBytes int           // octets of a header
	Streams     int           // requests at once on one HTTP/2 connection
}

// DefaultLimits returns limits that no honest client meets.
func DefaultLimits() Limits {
	return Limits{
		Header: 10 * time.Second, Read: 30 * time.Second, Write: time.Minute, Idle: 2 * time.Minute,
		HeaderBytes: 16 << 10, Streams: 128,
	}
}

// NewServer returns a server for HTTP/1.1 and, over TLS, HTTP/2, that holds every connection to the limits.
// HTTP/2 without TLS is not spoken. What net/http has to complain about, broken handshakes of strangers above all, is
// logged at the level of debugging.
func NewServer(h http.Handler, l Limits, log *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: l.Header,
		ReadTimeout:       l.Read,
		WriteTimeout:      l.Write,
		IdleTimeout:       l.Idle,
		MaxHeaderBytes:    l.HeaderBytes,
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: l.Streams},
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
