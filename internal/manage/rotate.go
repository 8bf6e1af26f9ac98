package manage

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// maxGrace bounds how long a rotated key goes on to bind accounts.
const maxGrace = 90 * span.Day

// RotateCredential gives a credential a new key, which is returned this once. The old key binds accounts until grace has
// passed, and a key before it no more; accounts that came in by either stay as they are. Errors: NotFound; Malformed for
// the grace; Conflict when another rotation came in between, whose key holds.
func (s *Service) RotateCredential(ctx context.Context, by Actor, id string, grace time.Duration) (view CredentialView, key []byte, err error) {
	if grace < 0 || grace > maxGrace.Duration() || grace%time.Second != 0 {
		return view, nil, fault.New(fault.Malformed, "grace: %s is not a number of whole seconds up to %s.", span.Of(grace), maxGrace)
	}
	c, err := s.credential(ctx, id)
	if err != nil {
		return view, nil, err
	}
	sealed, key, err := s.newSecret(c.ID)
	if err != nil {
		return view, nil, err
	}
	var former policy.Former
	detail := c.Name + "; the old key binds nothing more"
	if grace > 0 {
		former = policy.Former{Sealed: c.Sealed, Until: s.now().Add(grace)}
		detail = c.Name + "; the old key binds until " + former.Until.Format(time.RFC3339)
	}
	e, err := s.happening(by, event.CredentialRotated, c.Organisation, c.ID, detail)
	if err != nil {
		return view, nil, err
	}
	if err := s.store.RotateCredential(ctx, c.ID, c.Sealed, sealed, former, e); err != nil {
		return view, nil, err
	}
	view, err = s.Credential(ctx, id)
	return view, key, err
}
