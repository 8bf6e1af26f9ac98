// Package admin is the operator's door: JSON over HTTP, as package adminapi describes it, for a Unix socket that only
// the operator can open. It decodes, calls one use case, and encodes.
//
// The door authenticates nobody: whoever reaches it is an operator. Its listener decides who that is.
package admin

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// Options are the settings of the door.
type Options struct {
	// Actor names who makes a request, for the log of events; nil: "local".
	Actor   func(*http.Request) string
	Care    Care
	Explain Explainer
	// Base is the URL under which clients reach the connectors, without a slash at its end; "": nobody knows it.
	Base       string
	HTTP01Port uint16      // where http-01 validation looks
	Web        web.Options // its MaxBody is the door's own
}

type door struct {
	manage     *manage.Service
	actor      func(*http.Request) string
	care       Care
	explain    Explainer
	base       string
	http01Port uint16
}

// New returns the door to the use cases.
func New(m *manage.Service, o Options) http.Handler {
	d := &door{manage: m, actor: o.Actor, care: o.Care, explain: o.Explain, base: o.Base, http01Port: o.HTTP01Port}
	if d.actor == nil {
		d.actor = func(*http.Request) string { return "local" }
	}
	o.Web.MaxBody = adminapi.MaxBody
	mux := http.NewServeMux()
	for _, route := range append(slices.Concat(routes(), limitRoutes(), careRoutes()), route{path: "/", handle: (*door).nothing}) {
		mux.Handle(route.pattern(), web.Adapt(o.Web, d.serve(route)))
	}
	return mux
}

// handler answers a request with what is to be encoded as JSON.
type handler func(*door, *http.Request) (any, error)

// route is one operation.
type route struct {
	method string   // "": every one
	path   string   // of http.ServeMux
	query  []string // the parameters that it takes
	handle handler
}

func (r route) pattern() string {
	if r.method == "" {
		return r.path
	}
	return r.method + " " + r.path
}

// nothing answers what no route is for.
func (d *door) nothing(r *http.Request) (any, error) {
	return nil, fault.New(fault.NotServed, "There is no %s %s at this door.", clip(r.Method), clip(r.URL.Path))
}

// serve returns the handler of a route. Errors are answered in the words of adminapi, not as problem documents.
func (d *door) serve(route route) web.Handler {
	return func(r *http.Request, record *web.Record) (web.Reply, error) {
		record.Route = route.pattern()
		record.Add(slog.String("actor", d.actor(r)))
		result, err := d.call(route, r)
		if err == nil {
			return reply(http.StatusOK, result)
		}
		record.Add(slog.Any("error", err))
		return reply(statusOf(err), problem(err, record.ID))
	}
}

func (d *door) call(route route, r *http.Request) (any, error) {
	if err := onlyKnown(r, route.query); err != nil {
		return nil, err
	}
	return route.handle(d, r)
}

// reply encodes what is said. No cache keeps it: it may carry a secret.
func reply(status int, v any) (web.Reply, error) {
	body, err := adminapi.Document(v)
	if err != nil {
		return web.Reply{}, err
	}
	header := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}
	return web.Reply{Status: status, Header: header, Body: append(body, '\n')}, nil
}

// by returns who makes the request.
func (d *door) by(r *http.Request) manage.Actor { return manage.Admin(d.actor(r)) }
