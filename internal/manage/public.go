package manage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// againstPublic returns what keeps a connector from issuing by the profiles for public certificates that it offers, one
// sentence each; none when nothing does, or when it offers no such profile.
func (s *Service) againstPublic(ctx context.Context, c policy.Connector) ([]string, error) {
	profiles, err := s.store.Profiles(ctx, c.Organisation)
	if err != nil {
		return nil, err
	}
	var public []string
	for _, p := range profiles {
		if p.Spec.Public && slices.Contains(c.Rules.Profiles, p.Name) {
			public = append(public, p.Name)
		}
	}
	if len(public) == 0 {
		return nil, nil
	}
	known, err := s.store.Perspectives(ctx)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, reason := range c.Rules.Public(known, s.now()) {
		found = append(found, fmt.Sprintf("Nothing is issued by the public profile %s: %s", strings.Join(public, ", "), reason))
	}
	return found, nil
}

// CheckPublic wants of every connector that is not suspended and offers a profile for public certificates that it may issue
// by it. Error: Unavailable, with the first connector that may not, and why.
func (s *Service) CheckPublic(ctx context.Context) error {
	connectors, err := s.store.Connectors(ctx)
	if err != nil {
		return err
	}
	for _, c := range connectors {
		against, err := s.againstPublic(ctx, c)
		if err != nil {
			return err
		}
		if len(against) > 0 && c.Suspended.IsZero() {
			return fault.New(fault.Unavailable, "The connector %s: %s", c.Name, strings.Join(against, " "))
		}
	}
	return nil
}
