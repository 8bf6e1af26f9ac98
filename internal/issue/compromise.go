package issue

import (
	"context"
	"log/slog"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// compromisedStep is how many certificates of compromised keys are read at a time.
const compromisedStep = 100

// RevokeCompromised revokes the unexpired certificates of keys that are proven to be compromised, whatever account,
// order or connector they are of: each for keyCompromise, in a write and with an event of its own. It returns how many
// it found revoked in the end. One that cannot be revoked does not hold up the others; the error is that of the last.
func (s *Service) RevokeCompromised(ctx context.Context) (int, error) {
	revoked := 0
	for {
		found, done, err := s.revokeCompromised(ctx)
		revoked += done
		if err != nil || found < compromisedStep {
			return revoked, err
		}
	}
}

// revokeCompromised is one step of RevokeCompromised: it returns how many certificates there were, at most
// compromisedStep, and how many are revoked now, by whomever.
func (s *Service) revokeCompromised(ctx context.Context) (found, revoked int, err error) {
	certificates, err := s.store.Compromised(ctx, s.now(), compromisedStep)
	for _, c := range certificates {
		now := s.now()
		_, failed := s.store.Revoke(ctx, c.ID, now, pki.KeyCompromise, false, event.Event{
			ID: s.newID(), At: now, Organisation: c.Organisation, Actor: "system",
			Action: event.CertificateRevoked, Object: c.ID, Detail: string(c.Serial),
		})
		if failed != nil && !fault.Is(failed, fault.AlreadyRevoked) {
			err = failed
			s.log.Error("the certificate of a compromised key could not be revoked", slog.String("certificate", c.ID), slog.Any("error", failed))
			continue
		}
		revoked++
	}
	return len(certificates), revoked, err
}
