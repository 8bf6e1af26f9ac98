// Package acme is the front end of RFC 8555: it decodes requests, authenticates them, calls one use case and encodes
// the outcome. It has no rules about certificates of its own.
//
// It guarantees: whatever a request refuses, the reply is a problem document with a registered type, carries a fresh
// nonce, and nothing but a spent nonce is left behind. Nothing of a request is believed, and nothing about the server's
// objects is told, before its signature is verified. A URL in a reply belongs to the base under which the client came,
// and a request must be signed for exactly the URL to which it was sent.
package acme

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/door/acme/nonce"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// Root is the path below which the door's resources stand.
const Root = "/acme/"

// Below reports whether a request is for the door, which answers everything there itself, whatever stands in the path: a
// ServeMux would answer some of it with redirects and texts of its own.
func Below(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, Root) || r.URL.Path+"/" == Root
}

// Options are the settings of the door.
type Options struct {
	Web    web.Options // its MaxBody is the door's own
	Nonces *nonce.Source
	// ExternalURL is the base of all URLs, like https://ca.example.com; "" lets the base follow the Host of a request.
	ExternalURL string
	// OwnName reports whether a name or an address (canonical, in lower case, without port) is one under which clients
	// may reach this server: one that its certificate carries. It is asked when there is no ExternalURL.
	OwnName func(host string) bool
}

type door struct {
	service  Service
	nonces   *nonce.Source
	external string
	ownName  func(string) bool
	routes   []route
}

// New returns the door to the use cases. It refuses an external URL that is not https or has more than a host, and
// options with neither an external URL nor own names.
func New(s Service, o Options) (http.Handler, error) {
	external := trimmed(o.ExternalURL)
	if u, err := url.Parse(external); external != "" && (err != nil || u.Host == "" || external != "https://"+u.Host) {
		return nil, fmt.Errorf("the external URL %q must be https:// and a host, and nothing else", o.ExternalURL)
	}
	if external == "" && o.OwnName == nil {
		return nil, errors.New("the ACME door needs an external URL or the names of the server")
	}
	o.Web.MaxBody = maxBody
	d := &door{service: s, nonces: o.Nonces, external: external, ownName: o.OwnName, routes: routes()}
	return web.Adapt(o.Web, d.serve), nil
}

// serve answers a request, with the headers that every reply has. One that caches may keep says so itself, and has no nonce.
func (d *door) serve(r *http.Request, record *web.Record) (web.Reply, error) {
	header := http.Header{
		"Replay-Nonce":                  {d.nonces.Issue()}, // section 6.5
		"Cache-Control":                 {"no-store"},       // section 7.2: a nonce must not be had from a cache
		"Access-Control-Allow-Origin":   {"*"},              // section 6.1
		"Access-Control-Expose-Headers": {"Link, Location, Replay-Nonce, Retry-After, X-Request-Id"},
	}
	record.Route = "acme/unknown"
	reply, err := d.dispatch(r, record, header)
	if err != nil && r.Method == http.MethodPost {
		d.spendUnread(r)
	}
	if reply.Header.Get("Cache-Control") != "" {
		header.Del("Cache-Control")
		header.Del("Replay-Nonce")
	}
	for name, values := range reply.Header {
		header[name] = append(header[name], values...)
	}
	reply.Header = header
	return reply, err
}

// dispatch finds the connector and the resource. It adds the link to the directory to header once there is one.
func (d *door) dispatch(r *http.Request, record *web.Record, header http.Header) (web.Reply, error) {
	base, err := d.base(r)
	if err != nil {
		return web.Reply{}, err
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	name, resource, found := strings.Cut(strings.TrimPrefix(path, Root), "/")
	if !found || !strings.HasPrefix(path, Root) {
		return web.Reply{}, nothingHere()
	}
	connector, err := d.connector(r.Context(), name)
	if err != nil {
		return web.Reply{}, err
	}
	urls := urls{base: base, connector: connector.Name}
	route, vars, found := find(d.routes, resource)
	if !found || route.name != "directory" {
		header.Add("Link", link(urls.directory(), "index")) // section 7.1
	}
	if !found {
		return web.Reply{}, nothingHere()
	}
	record.Route = "acme/" + route.name
	return d.method(route, &request{http: r, record: record, connector: connector, urls: urls, vars: vars})
}

// connector returns an ACME connector. What it says does not depend on connectors of other kinds.
func (d *door) connector(ctx context.Context, name string) (policy.Connector, error) {
	c, err := d.service.Connector(ctx, policy.KindACME, name)
	if fault.Is(err, fault.NotFound) {
		return c, fault.Wrap(err, fault.NotFound, "There is no ACME connector of this name here; check the URL of the directory.")
	}
	return c, err
}

// method answers the methods that HTTP knows, and hands on what is for the resource.
func (d *door) method(route route, r *request) (web.Reply, error) {
	allowed := route.access.methods()
	switch m := r.http.Method; {
	case m == http.MethodOptions:
		return preflight(allowed), nil
	case !slices.Contains(allowed, m):
		return web.Reply{}, web.MethodNotAllowed(allowed...)
	case m == http.MethodPost:
		if err := d.authenticate(route, r); err != nil {
			return web.Reply{}, err
		}
	}
	reply, err := route.handle(d, r.http.Context(), r)
	return reply, withHelp(d.whyRefused(r, err), r.connector.Rules.Website)
}

// preflight tells a browser what its page may send.
func preflight(allowed []string) web.Reply {
	methods := strings.Join(allowed, ", ")
	return web.Reply{Status: http.StatusNoContent, Header: http.Header{
		"Allow":                        {methods},
		"Access-Control-Allow-Methods": {methods},
		"Access-Control-Allow-Headers": {"Content-Type"},
		"Access-Control-Max-Age":       {"86400"},
	}}
}

func nothingHere() error {
	return fault.New(fault.NotServed, "There is nothing at this URL; begin at the directory.")
}
