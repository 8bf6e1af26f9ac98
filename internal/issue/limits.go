package issue

import (
	"context"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// What a request costs is decided here, by the connector's limits of now, and taken by the store in the write that it
// limits. A revocation costs nothing, and neither does what only reads.

// orderCharges returns what an order costs; created are its authorizations that are new.
func (s *Service) orderCharges(ctx context.Context, r Requester, o acme.Order, created []acme.Authorization) ([]limit.Charge, error) {
	renews, err := s.renews(ctx, o)
	if err != nil {
		return nil, err
	}
	var open []ident.Identifier
	for _, a := range created {
		open = append(open, toProve(a)...)
	}
	return r.Connector.Rules.Limits.Order(limit.Order{
		Account: r.Account.ID, Credential: r.Account.Credential, Quota: r.Credential.Scope.OrdersPerDay, Identifiers: o.Identifiers, Open: open,
		Renews: renews,
	}, o.Created), nil
}

// certificateCharges returns what the certificate of an order costs. A renewal costs nothing, as with the order.
func (s *Service) certificateCharges(ctx context.Context, r Requester, o acme.Order) ([]limit.Charge, error) {
	renews, err := s.renews(ctx, o)
	if err != nil || renews {
		return nil, err
	}
	return r.Connector.Rules.Limits.Certificate(o.Identifiers, s.now()), nil
}

// advanceCharges returns what an authorization ahead of any order costs: as much as an order, so that it is no way round.
func advanceCharges(r Requester, a acme.Authorization) []limit.Charge {
	return r.Connector.Rules.Limits.Order(limit.Order{
		Account: r.Account.ID, Credential: r.Account.Credential, Quota: r.Credential.Scope.OrdersPerDay,
		Identifiers: []ident.Identifier{a.Identifier}, Open: toProve(a), Advance: true,
	}, a.Created)
}

// toProve returns the identifier of a new authorization, unless it is approved: then nothing can fail.
func toProve(a acme.Authorization) []ident.Identifier {
	if a.Approved() {
		return nil
	}
	return []ident.Identifier{a.Identifier}
}

// mayTry refuses a challenge of an identifier for which the account failed too often, also where the authorization was
// opened before. Error: RateLimited. Looks that are under way at once are not counted before they end.
func (s *Service) mayTry(ctx context.Context, c policy.Connector, a acme.Authorization) error {
	now := s.now()
	proof := c.Rules.Limits.Proof(a.Account, a.Identifier.Value(), now)
	kept, err := s.store.Level(ctx, c.ID, proof.Key)
	if err != nil {
		return err
	}
	proof.Ask = true
	_, err = limit.Judge([]limit.Charge{proof}, []limit.Level{kept}, now)
	return err
}

// counted adds to the outcome of a challenge what it means for the limits. What failed for a reason of our own, or
// because the connector is suspended or the account was stopped, counts for nothing.
func (s *Service) counted(c policy.Connector, a acme.Authorization, outcome acme.Conclusion) acme.Conclusion {
	if f := outcome.Outcome.Failure; f != nil && (open(c) != nil || ours(fault.Kind(f.Kind))) {
		return outcome
	}
	outcome.Proof = c.Rules.Limits.Proof(a.Account, a.Identifier.Value(), outcome.Now)
	outcome.Pause = event.Event{
		ID: s.newID(), At: outcome.Now, Organisation: c.Organisation, Actor: "account:" + a.Account,
		Action: event.LimitPaused, Object: a.Account, Detail: a.Identifier.Value(),
	}
	return outcome
}

// ours reports whether a failure of this kind is none that the requester can mend. No look ends as Unauthorized: that is
// what ends without one, since the requester was stopped.
func ours(k fault.Kind) bool {
	return k == fault.Internal || k == fault.Unavailable || k == fault.Unauthorized
}
