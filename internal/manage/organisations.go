package manage

import (
	"context"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// CreateOrganisation adds a tenant. Errors: Malformed for the name, Conflict when it is taken.
func (s *Service) CreateOrganisation(ctx context.Context, by Actor, name string) (policy.Organisation, error) {
	if err := checkName("an organisation", name); err != nil {
		return policy.Organisation{}, err
	}
	key, err := s.newID()
	if err != nil {
		return policy.Organisation{}, err
	}
	o := policy.Organisation{ID: key, Name: name, Created: s.now()}
	e, err := s.happening(by, event.OrganisationCreated, o.ID, o.ID, name)
	if err != nil {
		return policy.Organisation{}, err
	}
	return o, s.store.CreateOrganisation(ctx, o, e)
}

// Organisations returns all tenants.
func (s *Service) Organisations(ctx context.Context) ([]policy.Organisation, error) {
	return s.store.Organisations(ctx)
}

// organisation returns a tenant by its name; "" stands for the default one. Error: NotFound, with the names that exist.
func (s *Service) organisation(ctx context.Context, name string) (policy.Organisation, error) {
	if name == "" {
		name = Default
	}
	all, err := s.store.Organisations(ctx)
	if err != nil {
		return policy.Organisation{}, err
	}
	var names []string
	for _, o := range all {
		if o.Name == name {
			return o, nil
		}
		names = append(names, o.Name)
	}
	return policy.Organisation{}, unknown("organisation", name, names)
}

// organisationNames returns the names of all tenants by their ids.
func (s *Service) organisationNames(ctx context.Context) (map[string]string, error) {
	all, err := s.store.Organisations(ctx)
	names := make(map[string]string, len(all))
	for _, o := range all {
		names[o.ID] = o.Name
	}
	return names, err
}
