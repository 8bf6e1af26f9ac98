package issue

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// under returns the requester as a profile sees it. For a public certificate nobody's word stands for a proof of control
// (BR section 3.2.2.4), and a proof counts that enough places saw. Error: InvalidProfile when the connector may not issue by
// the profile.
func (s *Service) under(ctx context.Context, r Requester, p pki.Profile) (Requester, error) {
	if !p.Spec.Public {
		return r, nil
	}
	known, err := s.store.Perspectives(ctx)
	if err != nil {
		return r, err
	}
	r.Credential.Scope.PreApproved, r.places = nil, known
	return r, s.mayBePublic(r.Connector, p, known)
}

// mayBePublic refuses a profile for public certificates at a connector whose rules of now are not those of the Baseline
// Requirements. What is missing is for the operator to mend, so that the log has it, when it turns up; the requester learns
// only that asking again does not help. Error: InvalidProfile.
func (s *Service) mayBePublic(c policy.Connector, p pki.Profile, known []policy.Perspective) error {
	against := strings.Join(c.Rules.Public(known, s.now()), " ")
	if s.unfit.changed(c.ID, against) && against != "" {
		s.log.Error("a connector offers a public profile, and its rules are not those of the Baseline Requirements; nothing is issued by it",
			slog.String("connector", c.Name), slog.String("profile", p.Name), slog.String("against", against))
	}
	if against == "" {
		return nil
	}
	return fault.Wrap(errors.New(against), fault.InvalidProfile, "The profile %s is for public certificates, and this connector does not look closely enough for them; "+
		"ask for another profile, or ask the operator of the CA.", p.Name)
}

// seen reports whether enough places saw a proof, by the connector's quorum of now: what was proven before the quorum was
// declared, or before the public rules wanted more, proves nothing for a public certificate.
func (r Requester) seen(proof acme.Challenge) bool {
	return r.places == nil || r.Connector.Rules.Quorum.Decide(policy.Sights(proof.Attempts, r.places)) == nil
}
