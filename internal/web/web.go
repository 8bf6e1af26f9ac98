// Package web is what all doors share of HTTP: handlers that return what they have to say, limits, headers, and one
// record of each request in the log. It knows no protocol beyond problem documents and no type of the product.
//
// It guarantees: only this package writes replies, once; an error that carries no kind is shown as a fixed text and
// logged in full; a panic ends one request with status 500, not the process; a body is never read beyond its bound.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"time"
)

// MaxBody is how many octets of a request's body are read when Options do not say otherwise.
const MaxBody = 64 << 10

// Handler answers one request. With an error the reply is the problem document of that error, and of the returned reply
// only the header is used.
type Handler func(r *http.Request, record *Record) (Reply, error)

// Reply is what a handler has to say.
type Reply struct {
	Status int         // 0 is 200 OK
	Header http.Header // with the Content-Type of the body
	Body   []byte
}

// Options are the settings of an adapter.
type Options struct {
	Log *slog.Logger
	// Observe is told of each request when it is answered: the route (one of a fixed set), the status, and the time.
	// nil: nobody watches.
	Observe func(route string, status int, took time.Duration)
	// TrustedProxies may say in X-Forwarded-For for whom they ask. It changes what is recorded, and nothing else.
	TrustedProxies []netip.Prefix
	// MaxBody bounds a request's body, in octets; 0 is the constant of that name.
	MaxBody int64
}

// Adapt returns h as a handler of net/http.
func Adapt(o Options, h Handler) http.Handler {
	if o.MaxBody == 0 {
		o.MaxBody = MaxBody
	}
	return &adapter{options: o, handler: h}
}

type adapter struct {
	options Options
	handler Handler
}

func (a *adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	record := newRecord(r, a.options.TrustedProxies)
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, a.options.MaxBody)
	}
	reply := a.answer(r, record)
	write(w, reply, record.ID)
	took := time.Since(start)
	if a.options.Observe != nil {
		a.options.Observe(record.Route, reply.Status, took)
	}
	record.log(r, a.options.Log, reply, took)
}

// answer runs the handler and makes a reply of whatever happens.
func (a *adapter) answer(r *http.Request, record *Record) (reply Reply) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			record.Add(slog.String("stack", string(debug.Stack())))
			record.failure = fmt.Errorf("panic: %v", p)
			reply = refusal(record.ID, nil, record.failure)
		}
	}()
	reply, err := a.handler(r, record)
	if err != nil {
		record.failure = err
		return refusal(record.ID, reply.Header, clientGone(r, err))
	}
	if reply.Status == 0 {
		reply.Status = http.StatusOK
	}
	return reply
}

// statusClientGone is what the log and the metrics say when nobody waits for the reply any more; nginx made it common.
const statusClientGone = 499

// clientGone tells a request that its client cancelled from one that failed.
func clientGone(r *http.Request, err error) error {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return Refuse(statusClientGone, "The client closed the connection before the reply.")
	}
	return err
}

// write sends the reply with the headers that every reply has.
func write(w http.ResponseWriter, reply Reply, id string) {
	header := w.Header()
	for name, values := range reply.Header {
		header[name] = values
	}
	header.Set("X-Request-Id", id)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	if header.Get("Content-Security-Policy") == "" {
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	}
	if reply.Status != http.StatusNoContent {
		header.Set("Content-Length", strconv.Itoa(len(reply.Body)))
	}
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body) // whoever does not read it misses it
}
