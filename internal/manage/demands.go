package manage

import (
	"context"
	"errors"
	"fmt"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// How a demand is worked off.
const (
	demandPage = 100  // certificates that one write revokes
	demandStep = 1000 // and one call of ContinueRevocation at most
)

// RevokeAll asks, with the end of a credential, for the end of everything that its accounts have.
type RevokeAll struct {
	Reason string // name or code of RFC 5280 section 5.3.1; "": unspecified
}

// stop returns what is recorded when a credential is stopped: the demand, nil without revoke, and the event.
func (s *Service) stop(by Actor, action event.Action, c policy.Credential, revoke *RevokeAll) (*pki.Demand, event.Event, error) {
	if revoke == nil {
		e, err := s.happening(by, action, c.Organisation, c.ID, c.Name)
		return nil, e, err
	}
	reason, err := parseReason(revoke.Reason)
	if err != nil {
		return nil, event.Event{}, err
	}
	e, err := s.happening(by, action, c.Organisation, c.ID, fmt.Sprintf("%s; its certificates are to be revoked: %s", c.Name, reason))
	return &pki.Demand{Credential: c.ID, Name: c.Name, Organisation: c.Organisation, Actor: string(by), Reason: reason, Asked: s.now()}, e, err
}

// Demand returns what was last demanded of the certificates of a credential, also of a deleted one, and how far it is.
// Error: NotFound.
func (s *Service) Demand(ctx context.Context, credential string) (pki.Demand, error) {
	d, err := s.store.Demand(ctx, credential)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "Nobody demanded that the certificates of the credential %q be revoked.", clip(credential))
	}
	return d, err
}

// ContinueRevocation works off a part of a demand and returns how far it is. When it is open afterwards there is more to
// do, or an issuance that had begun before the credential was stopped still waits for its signature: a job goes on with
// both. Error: NotFound.
func (s *Service) ContinueRevocation(ctx context.Context, credential string) (pki.Demand, error) {
	d, err := s.Demand(ctx, credential)
	if err != nil || !d.Ended.IsZero() {
		return d, err
	}
	if _, err := s.workOff(ctx, d); err != nil {
		return d, err
	}
	return s.Demand(ctx, credential)
}

// RevokeDemanded works off a part of every open demand and returns how many certificates it revoked: while that is any,
// there may be more to do at once. A demand that fails does not hold up the others.
func (s *Service) RevokeDemanded(ctx context.Context) (int, error) {
	open, err := s.store.OpenDemands(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	var failed []error
	for _, d := range open {
		revoked, err := s.workOff(ctx, d)
		total += revoked
		if err != nil {
			failed = append(failed, fmt.Errorf("credential %s: %w", d.Credential, err))
		}
	}
	return total, errors.Join(failed...)
}

// workOff revokes at most demandStep certificates of a demand, and ends it when none is left. Whether an issuance is
// under way is read first: none begins any more, so what ends after that look is found by the ones that follow.
func (s *Service) workOff(ctx context.Context, d pki.Demand) (int, error) {
	busy, err := s.store.IssuesFor(ctx, d.Credential)
	if err != nil {
		return 0, err
	}
	total, after := 0, pki.Certificate{}
	for total < demandStep {
		page, err := s.store.Unrevoked(ctx, d.Credential, after, s.now(), demandPage)
		if err != nil {
			return total, err
		}
		if len(page) == 0 {
			return total, s.endDemand(ctx, d, busy)
		}
		revoked, err := s.revokePage(ctx, d, page)
		total += revoked
		if err != nil {
			return total, err
		}
		after = page[len(page)-1]
	}
	return total, nil
}

// revokePage revokes certificates in one write, each with an event of its own by whoever demanded it.
func (s *Service) revokePage(ctx context.Context, d pki.Demand, page []pki.Certificate) (int, error) {
	events := make([]event.Event, len(page))
	for i, c := range page {
		var err error
		detail := fmt.Sprintf("%s; credential %s", d.Reason, d.Name)
		if events[i], err = s.happening(Actor(d.Actor), event.CertificateRevoked, c.Organisation, c.ID, detail); err != nil {
			return 0, err
		}
	}
	return s.store.RevokeDemanded(ctx, d.Credential, events)
}

// endDemand ends a demand of which nothing is left, unless an issuance may still bring a certificate.
func (s *Service) endDemand(ctx context.Context, d pki.Demand, busy bool) error {
	if busy {
		return nil
	}
	d, err := s.store.Demand(ctx, d.Credential)
	if err != nil {
		return err
	}
	e, err := s.happening(System, event.CredentialCleared, d.Organisation, d.Credential, fmt.Sprintf("%s; %d certificates were revoked", d.Name, d.Revoked))
	if err != nil {
		return err
	}
	if err := s.store.EndDemand(ctx, d.Credential, e); !fault.Is(err, fault.Conflict) { // another was faster
		return err
	}
	return nil
}
