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
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/perspective"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// Looker looks once. A Prober is one.
type Looker interface {
	Look(ctx context.Context, look policy.Look) acme.Attempt
	LookCAA(ctx context.Context, q caa.Question) acme.Attempt
}

type door struct{ looker Looker }

// New returns the door. The bound of a body is its own.
func New(looker Looker, o web.Options) http.Handler {
	o.MaxBody = perspective.MaxLook
	return web.Adapt(o, (&door{looker}).serve)
}

func (d *door) serve(r *http.Request, record *web.Record) (web.Reply, error) {
	switch r.Method + " " + r.URL.Path {
	case http.MethodGet + " " + perspective.AlivePath:
		record.Route = "validator/alive"
		return web.Reply{Status: http.StatusNoContent}, nil
	case http.MethodPost + " " + perspective.LookPath:
		record.Route = "validator/look"
		return answer(r, record, perspective.ParseLook, d.looker.Look)
	case http.MethodPost + " " + perspective.CAAPath:
		record.Route = "validator/caa"
		return answer(r, record, perspective.ParseQuestion, d.looker.LookCAA)
	default:
		record.Route = "validator/unknown"
		return web.Reply{}, fault.New(fault.NotServed, "There is nothing at this URL; this is a validator.")
	}
}

// answer reads a question, looks, and says what was seen.
func answer[Q any](r *http.Request, record *web.Record, parse func([]byte) (Q, error), look func(context.Context, Q) acme.Attempt) (web.Reply, error) {
	body, err := web.ReadBody(r)
	if err != nil {
		return web.Reply{}, err
	}
	question, err := parse(body)
	if err != nil {
		return web.Reply{}, err
	}
	attempt := look(r.Context(), question)
	record.Add(slog.String("seen", attempt.Seen))
	text, err := wire.Marshal(attempt)
	return web.Reply{Header: http.Header{"Content-Type": {wire.MediaType}}, Body: text}, err
}
