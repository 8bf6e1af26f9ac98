// Package validator is the door of a validator: a process that looks at the world for a CA that stands elsewhere.
//
// Whoever gets to this door was let in by the key of the CA in the TLS handshake. It decides nothing and keeps nothing: it
// looks once, as it is told, and says what it saw.
package validator

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/perspective"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// Looker looks once. A Prober is one.
type Looker interface {
	Look(ctx context.Context, look policy.Look) acme.Attempt
}

type door struct{ looker Looker }

// New returns the door. The bound of a body is its own.
func New(looker Looker, o web.Options) http.Handler {
	o.MaxBody = perspective.MaxLook
	return web.Adapt(o, (&door{looker}).serve)
}

func (d *door) serve(r *http.Request, record *web.Record) (web.Reply, error) {
	record.Route = "validator/unknown"
	switch {
	case r.URL.Path == perspective.AlivePath && r.Method == http.MethodGet:
		record.Route = "validator/alive"
		return web.Reply{Status: http.StatusNoContent}, nil
	case r.URL.Path == perspective.LookPath && r.Method == http.MethodPost:
		record.Route = "validator/look"
		return d.look(r, record)
	default:
		return web.Reply{}, fault.New(fault.NotServed, "There is nothing at this URL; this is a validator.")
	}
}

func (d *door) look(r *http.Request, record *web.Record) (web.Reply, error) {
	body, err := web.ReadBody(r)
	if err != nil {
		return web.Reply{}, err
	}
	look, err := perspective.ParseLook(body)
	if err != nil {
		return web.Reply{}, err
	}
	attempt := d.looker.Look(r.Context(), look)
	record.Add(slog.String("identifier", look.Identifier.Value()), slog.String("method", string(look.Method)), slog.String("seen", attempt.Seen))
	answer, err := wire.Marshal(attempt)
	return web.Reply{Header: http.Header{"Content-Type": {wire.MediaType}}, Body: answer}, err
}
