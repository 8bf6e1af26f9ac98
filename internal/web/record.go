package web

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Record is what the log will say of a request. A handler adds to it; one goroutine at a time.
type Record struct {
	ID     string     // random; the reply carries it as X-Request-Id
	Client netip.Addr // who asks, seen through trusted proxies; the zero Addr for whoever has no address
	Route  string     // the handler's name for the resource, one of a fixed set; "" when it knows none

	attrs   []slog.Attr
	failure error
}

// Add adds facts to the record.
func (r *Record) Add(attrs ...slog.Attr) { r.attrs = append(r.attrs, attrs...) }

const (
	idLength = 16  // characters of rand.Text: 80 bits
	maxShown = 256 // octets of a text of the client that the log repeats
)

func newRecord(r *http.Request, proxies []netip.Prefix) *Record {
	return &Record{ID: rand.Text()[:idLength], Client: clientAddress(r, proxies)}
}

// clientAddress returns the remote address, or, as long as the speaker is a trusted proxy, the one for whom it speaks.
func clientAddress(r *http.Request, proxies []netip.Prefix) netip.Addr {
	client := parseAddress(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && within(proxies, client); i-- {
		hop := parseAddress(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		client = hop
	}
	return client
}

// parseAddress reads an address with or without port; the zero Addr when it is none.
func parseAddress(text string) netip.Addr {
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().Unmap()
	}
	alone, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return alone.Unmap()
}

func within(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// log writes the one record of the request: as an error when the fault is on our side.
func (r *Record) log(request *http.Request, log *slog.Logger, reply Reply, took time.Duration) {
	level := slog.LevelInfo
	if reply.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("id", r.ID),
		slog.String("client", r.client()),
		slog.String("method", clip(request.Method)),
		slog.String("host", clip(request.Host)),
		slog.String("uri", clip(request.RequestURI)),
		slog.String("agent", clip(request.UserAgent())),
		slog.String("route", r.Route),
		slog.Int("status", reply.Status),
		slog.Int("octets", len(reply.Body)),
		slog.Duration("took", took),
	}
	attrs = append(attrs, r.attrs...)
	if r.failure != nil {
		attrs = append(attrs, slog.String("error", r.failure.Error()))
	}
	log.LogAttrs(context.WithoutCancel(request.Context()), level, "request", attrs...)
}

// client is who asks, for the log: whoever has no address is on this machine, at a Unix socket or in this process.
func (r *Record) client() string {
	if !r.Client.IsValid() {
		return "local"
	}
	return r.Client.String()
}

func clip(text string) string {
	if len(text) > maxShown {
		return text[:maxShown]
	}
	return text
}
