package manage

import (
	"context"

	"github.com/everleaf-pki/everleaf/internal/core/event"
)

// EventView is an event with the name of its organisation.
type EventView struct {
	event.Event
	OrganisationName string
}

// Events returns a page of what happened to the object with this id ("" for everything), newest first, and where the
// next page begins; "" after the last. Error: Malformed for the page.
func (s *Service) Events(ctx context.Context, object string, p Page) ([]EventView, string, error) {
	found, next, err := turn(p, func(e event.Event) string { return e.ID }, func(before string, limit int) ([]event.Event, error) {
		return s.store.Events(ctx, object, before, limit)
	})
	if err != nil {
		return nil, "", err
	}
	names, err := s.organisationNames(ctx)
	if err != nil {
		return nil, "", err
	}
	views := make([]EventView, 0, len(found))
	for _, e := range found {
		views = append(views, EventView{e, names[e.Organisation]})
	}
	return views, next, nil
}
