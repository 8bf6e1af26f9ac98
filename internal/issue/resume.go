package issue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// resumePage is how many intents are read at a time.
const resumePage = 100

// ResumeIssuances tries every intent begun before the given time once, oldest first: those that a crash or an error
// left behind. One that cannot be signed holds up none behind it; it is tried again by the next call, and abandoned
// with a reason when its tries have failed for giveUp since the first one of this run of the server. It returns how
// many it ended. The error says how many wait, with the reason of the oldest; the end of the context stops it between
// two intents.
func (s *Service) ResumeIssuances(ctx context.Context, before time.Time, giveUp time.Duration) (int, error) {
	began := s.options.Now()
	ended, waiting, after := 0, 0, ""
	var oldest error
	for {
		intents, err := s.store.Intents(ctx, before, after, resumePage)
		if err != nil {
			return ended, err
		}
		for _, intent := range intents {
			err := s.finish(ctx, intent, giveUp)
			switch {
			case ctx.Err() != nil:
				return ended, ctx.Err()
			case err == nil || fault.Is(err, fault.Conflict): // ended here or by another
				ended++
			default:
				waiting++
				if oldest == nil {
					oldest = fmt.Errorf("intent %s of order %q: %w", intent.ID, intent.Order, err)
				}
			}
			after = intent.ID
		}
		if len(intents) < resumePage {
			break
		}
	}
	s.patience.forget(began)
	if waiting > 0 {
		return ended, fmt.Errorf("%d issuances wait for their signature; the oldest: %w", waiting, oldest)
	}
	return ended, nil
}

// finish signs an intent, or abandons it when its key is blocked, its connector or the credential by which its account came in is
// stopped, or signing has failed for giveUp.
func (s *Service) finish(ctx context.Context, intent pki.Intent, giveUp time.Duration) error {
	if intent.Profile == "" {
		return s.forgone(ctx, intent)
	}
	// A key that is known to be compromised is not certified (BR section 6.1.1.3), also when its intent came first.
	blocked, err := s.store.KeyBlocked(ctx, intent.KeyHash)
	if err == nil && blocked {
		return s.abandon(ctx, intent, acme.Failure{
			Kind: string(fault.BadCSR), Public: "The key was reported as compromised before the certificate was signed; place a new order with a new key.",
		}, errors.New("its key is blocked"))
	}
	if err == nil {
		err = s.stillOwned(ctx, intent)
	}
	if err == nil {
		err = s.outdated(ctx, intent)
	}
	if f, lost := lostCause(err); lost && ctx.Err() == nil {
		return s.abandon(ctx, intent, f, err)
	}
	if err == nil {
		err = s.resume(ctx, intent)
	}
	if err == nil || ctx.Err() != nil || fault.Is(err, fault.Conflict) {
		return err
	}
	if s.patience.failed(intent.ID, s.options.Now()) < giveUp {
		return err
	}
	return s.abandon(ctx, intent, acme.Failure{
		Kind: string(fault.Unavailable), Public: "The certificate could not be signed in time; place a new order.",
	}, err)
}

// lostCause reports whether an intent will not be signed for a reason that trying again does not mend, and what its order
// is told.
func lostCause(err error) (acme.Failure, bool) {
	switch kind := fault.KindOf(err); kind {
	case fault.CAA:
		return acme.Failure{
			Kind: string(kind), Public: "The certificate was not signed for hours, and CAA records do not let this CA issue now: " + fault.Sentence(err),
		}, true
	case fault.Unauthorized:
		return acme.Failure{
			Kind: string(kind), Public: "The account or its connector was stopped before the certificate was signed: ask the operator of the CA.",
		}, true
	default:
		return acme.Failure{}, false
	}
}

// stillOwned refuses, as Unauthorized, an intent at a connector that is suspended, and one of an account whose credential
// was suspended, has expired or is gone: an operator who stops issuance has stopped it.
// The end of the account itself does not stop what it has begun.
func (s *Service) stillOwned(ctx context.Context, intent pki.Intent) error {
	if intent.Account == "" {
		return nil
	}
	connector, err := s.store.Connector(ctx, intent.Connector)
	if err != nil {
		return err
	}
	if err := open(connector); err != nil {
		return err
	}
	a, err := s.store.Account(ctx, intent.Account)
	if err != nil {
		return err
	}
	c, err := s.credentialOf(ctx, a)
	if err != nil {
		return err
	}
	return usableNow(c, s.now())
}

// resume signs the recorded bytes of an intent and records the certificate. It does not sign what has expired: by the
// clock of now, which may be wrong, so that this is one more failed try and not the end.
func (s *Service) resume(ctx context.Context, intent pki.Intent) error {
	if s.now().After(intent.NotAfter) {
		return fmt.Errorf("its validity ended at %s", intent.NotAfter.Format(time.RFC3339))
	}
	issuer, err := s.issuerByID(ctx, intent.Issuer)
	if err != nil {
		return err
	}
	profile, err := s.store.Profile(ctx, intent.Profile)
	if err != nil {
		return err
	}
	// What was short enough when it was prepared may be too long to be signed now.
	if life := intent.NotAfter.Sub(intent.NotBefore) + time.Second; life > profile.Spec.LifetimeAt(s.now()) {
		return fmt.Errorf("its validity of %s is longer than its profile permits by now", life)
	}
	prepared, err := s.signer.Resume(ctx, issuer, profile.Spec, intent)
	if err != nil {
		return err
	}
	_, err = s.complete(ctx, intent, prepared, "system")
	return err
}

// abandon ends an intent without a certificate. The store keeps its serial number: a signature may have been made.
func (s *Service) abandon(ctx context.Context, intent pki.Intent, failure acme.Failure, cause error) error {
	s.log.Error("an issuance is abandoned", slog.String("intent", intent.ID), slog.String("order", intent.Order),
		slog.String("reason", failure.Public), slog.Any("error", cause))
	return s.store.AbandonIssuance(ctx, intent.ID, failure, event.Event{
		ID: s.newID(), At: s.now(), Organisation: intent.Organisation, Actor: "system",
		Action: event.OrderFailed, Object: intent.Order, Detail: failure.Public,
	})
}
