package acme

import (
	"context"
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// newAuthorization opens an authorization before any order (RFC 8555 section 7.4.1).
func (d *door) newAuthorization(ctx context.Context, r *request) (web.Reply, error) {
	id, err := wire.ParseNewAuthorization(r.message.Payload)
	if err != nil {
		return web.Reply{}, err
	}
	view, err := d.service.NewAuthorization(ctx, r.requester, issue.Name(id))
	if err != nil {
		return web.Reply{}, err
	}
	return object(http.StatusCreated, r.urls.renderAuthorization(view), location(r.urls.authorization(view.ID)))
}

// authorization shows an authorization, or gives it back (RFC 8555 sections 7.5 and 7.5.2).
func (d *door) authorization(ctx context.Context, r *request) (web.Reply, error) {
	do := d.service.Authorization
	if !r.message.PostAsGet {
		if err := wire.ParseDeactivation(r.message.Payload); err != nil {
			return web.Reply{}, err
		}
		do = d.service.DeactivateAuthorization
	}
	view, err := do(ctx, r.requester, r.vars[0])
	if err != nil {
		return web.Reply{}, hide(err, "authorization")
	}
	return object(http.StatusOK, r.urls.renderAuthorization(view), retryAfter(view.RetryAfter))
}

// challenge shows a challenge, or takes the client's word that it is answered (RFC 8555 section 7.5.1).
func (d *door) challenge(ctx context.Context, r *request) (web.Reply, error) {
	id, method := r.vars[0], acme.Method(r.vars[1])
	var view issue.AuthorizationView
	var err error
	if r.message.PostAsGet {
		view, err = d.service.Authorization(ctx, r.requester, id)
	} else if err = wire.ParseChallengeResponse(r.message.Payload); err == nil {
		view, err = d.service.Respond(ctx, r.requester, id, method)
	}
	if err != nil {
		return web.Reply{}, hide(err, "challenge")
	}
	challenge, ok := view.Challenge(method)
	if !ok {
		return web.Reply{}, hide(fault.New(fault.NotFound, "no such method"), "challenge")
	}
	return object(http.StatusOK, r.urls.renderChallenge(view.Authorization, challenge),
		linked(r.urls.authorization(id), "up"), retryAfter(view.RetryAfter))
}
