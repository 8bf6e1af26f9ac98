package acme

import (
	"context"
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// revoke revokes a certificate for an account or for the holder of its key (RFC 8555 section 7.6). The reply is empty.
func (d *door) revoke(ctx context.Context, r *request) (web.Reply, error) {
	asked, err := wire.ParseRevocation(r.message.Payload)
	if err != nil {
		return web.Reply{}, err
	}
	revocation := issue.Revocation{Connector: r.connector, Key: r.key, Certificate: asked.Certificate, Reason: asked.Reason}
	if r.key == nil {
		revocation.Account = &r.requester
	}
	if err := d.service.Revoke(ctx, revocation); err != nil {
		return web.Reply{}, err
	}
	return web.Reply{Status: http.StatusOK}, nil
}
