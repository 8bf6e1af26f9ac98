package acme

import (
	"context"
	"net/http"
	"net/url"

	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// newOrder opens an order (RFC 8555 section 7.4).
func (d *door) newOrder(ctx context.Context, r *request) (web.Reply, error) {
	asked, err := wire.ParseNewOrder(r.message.Payload)
	if err != nil {
		return web.Reply{}, err
	}
	wanted := issue.NewOrder{NotBefore: asked.NotBefore, NotAfter: asked.NotAfter, Profile: asked.Profile, Replaces: asked.Replaces}
	for _, id := range asked.Identifiers {
		wanted.Names = append(wanted.Names, issue.Name(id))
	}
	view, err := d.service.NewOrder(ctx, r.requester, wanted)
	if err != nil {
		return web.Reply{}, err
	}
	return object(http.StatusCreated, r.urls.renderOrder(view), location(r.urls.order(view.ID)))
}

// order shows an order.
func (d *door) order(ctx context.Context, r *request) (web.Reply, error) {
	view, err := d.service.Order(ctx, r.requester, r.vars[0])
	if err != nil {
		return web.Reply{}, hide(err, "order")
	}
	return object(http.StatusOK, r.urls.renderOrder(view), retryAfter(view.RetryAfter))
}

// finalize issues the certificate of an order. The reply names the order's URL, where some clients look while it is
// processing.
func (d *door) finalize(ctx context.Context, r *request) (web.Reply, error) {
	csr, err := wire.ParseFinalize(r.message.Payload)
	if err != nil {
		return web.Reply{}, err
	}
	view, err := d.service.Finalize(ctx, r.requester, r.vars[0], csr)
	if err != nil {
		return web.Reply{}, hide(err, "order")
	}
	return object(http.StatusOK, r.urls.renderOrder(view), location(r.urls.order(view.ID)), retryAfter(view.RetryAfter))
}

// orders lists one page of the requester's orders (RFC 8555 section 7.1.2.1). A cursor is the id of the last order on
// the page before, which must be one of the requester's.
func (d *door) orders(ctx context.Context, r *request) (web.Reply, error) {
	if err := r.checkOwn(); err != nil {
		return web.Reply{}, err
	}
	cursor := r.http.URL.Query().Get("cursor")
	if cursor != "" {
		if _, err := d.service.Order(ctx, r.requester, cursor); err != nil {
			return web.Reply{}, hide(err, "page of orders")
		}
	}
	ids, next, err := d.service.Orders(ctx, r.requester, cursor)
	if err != nil {
		return web.Reply{}, err
	}
	list := wire.Orders{Orders: []string{}}
	for _, id := range ids {
		list.Orders = append(list.Orders, r.urls.order(id))
	}
	if next == "" {
		return object(http.StatusOK, list)
	}
	query := url.Values{"cursor": {next}}
	return object(http.StatusOK, list, linked(r.urls.orders(r.vars[0])+"?"+query.Encode(), "next"))
}
