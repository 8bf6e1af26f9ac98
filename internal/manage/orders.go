package manage

import (
	"context"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
)

// OrderView is an order with its status at the time of the answer.
type OrderView struct {
	acme.Order
	ConnectorName  string
	Status         acme.Status
	Authorizations []AuthorizationView // only where one order is shown
	Checks         []acme.Check        // likewise: what CAA records said when it was refused, or when its issuance began
	Timeline       []Moment            // likewise: what happened, the oldest first
}

// AuthorizationView is an authorization, evidence included, with its status at the time of the answer.
type AuthorizationView struct {
	acme.Authorization
	Status acme.Status
}

// Orders returns a page of the orders of a connector ("" for all), newest first, and where the next page begins; ""
// after the last. Errors: NotFound for the connector; Malformed for the page.
func (s *Service) Orders(ctx context.Context, connector string, p Page) ([]OrderView, string, error) {
	only, err := s.connectorID(ctx, connector)
	if err != nil {
		return nil, "", err
	}
	found, next, err := turn(p, func(o acme.Order) string { return o.ID }, func(before string, limit int) ([]acme.Order, error) {
		return s.store.ListOrders(ctx, only, before, limit)
	})
	if err != nil {
		return nil, "", err
	}
	names, err := s.connectorNames(ctx)
	if err != nil {
		return nil, "", err
	}
	now := s.now()
	views := make([]OrderView, 0, len(found))
	for _, o := range found {
		status, err := s.orderStatus(ctx, o, now)
		if err != nil {
			return nil, "", err
		}
		views = append(views, OrderView{Order: o, ConnectorName: names[o.Connector], Status: status})
	}
	return views, next, nil
}

// orderStatus derives the status of an order. Its authorizations are read only where they decide: while it is open.
func (s *Service) orderStatus(ctx context.Context, o acme.Order, now time.Time) (acme.Status, error) {
	status := o.Status(nil, now)
	if status != acme.Ready {
		return status, nil
	}
	o, authorizations, err := s.store.Order(ctx, o.ID)
	return o.Status(authorizations, now), err
}

// Order returns an order by its id, with its authorizations and what every attempt of their challenges saw. Error: NotFound.
func (s *Service) Order(ctx context.Context, id string) (OrderView, error) {
	o, authorizations, err := s.store.Order(ctx, id)
	if err != nil {
		return OrderView{}, noSuch(err, "order", id)
	}
	names, err := s.connectorNames(ctx)
	if err != nil {
		return OrderView{}, err
	}
	now := s.now()
	view := OrderView{Order: o, ConnectorName: names[o.Connector], Status: o.Status(authorizations, now)}
	for _, a := range authorizations {
		view.Authorizations = append(view.Authorizations, AuthorizationView{a, a.Status(now)})
	}
	if view.Checks, err = s.store.Checks(ctx, id); err != nil {
		return view, err
	}
	view.Timeline, err = s.timelineOf(ctx, view)
	return view, err
}

// timelineEvents bounds how many events of an order its timeline tells: of those, refusals can be many.
const timelineEvents = 100

func (s *Service) timelineOf(ctx context.Context, o OrderView) ([]Moment, error) {
	h := history{order: o}
	var err error
	if h.events, err = s.store.Events(ctx, o.ID, "", timelineEvents); err != nil {
		return nil, err
	}
	slices.Reverse(h.events) // the oldest first
	if o.Certificate == "" {
		return timeline(h), nil
	}
	c, err := s.Certificate(ctx, o.Certificate)
	if err != nil {
		return nil, err
	}
	h.certificate = &c
	return timeline(h), nil
}
