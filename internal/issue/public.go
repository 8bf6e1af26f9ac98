package issue

import (
	"context"
	"log/slog"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// mayBePublic refuses a profile for public certificates at a connector whose rules of now are not those of the Baseline
// Requirements. What is missing is for the operator to mend, so that the log has it, when it turns up; the requester learns
// only that asking again does not help. Error: InvalidProfile.
func (s *Service) mayBePublic(ctx context.Context, c policy.Connector, p pki.Profile) error {
	if !p.Spec.Public {
		return nil
	}
	known, err := s.store.Perspectives(ctx)
	if err != nil {
		return err
	}
	against := strings.Join(c.Rules.Public(known, s.now()), " ")
	if s.unfit.changed(c.ID, against) && against != "" {
		s.log.Error("a connector offers a public profile, and its rules are not those of the Baseline Requirements; nothing is issued by it",
			slog.String("connector", c.Name), slog.String("profile", p.Name), slog.String("against", against))
	}
	if against == "" {
		return nil
	}
	return fault.New(fault.InvalidProfile, "The profile %s is for public certificates, and this connector does not look closely enough for them; "+
		"ask for another profile, or ask the operator of the CA.", p.Name)
}
