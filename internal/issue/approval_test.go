package issue_test

import (
	"context"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// Proves Z-04, Z-07, INC-24, INC-86: the word of the operator is for one name, of one credential, and for no public certificate.
func TestAPreApprovalIsNotStretched(t *testing.T) {
	h := newHouse(t)
	h.setRules(func(r *policy.Rules) { r.Subdomains = policy.AllBelow })
	ctx, r := t.Context(), h.bound(policy.Scope{PreApproved: []string{"a.example.com"}})

	below := dns("x.a.example.com")
	below.Names[0].AncestorDomain = "a.example.com"
	order, err := h.issue.NewOrder(ctx, r, below)
	check(t, err)
	if order.Status != acme.Pending {
		t.Errorf("a name below the pre-approved one, to be proven there, is %s", order.Status)
	}
	early, err := h.issue.NewAuthorization(ctx, r, issue.Name{Type: "dns", Value: "a.example.com", SubdomainAuthAllowed: true})
	if err != nil || early.Status != acme.Valid || early.Subdomains {
		t.Errorf("ahead of an order it is %s, for the names below too: %t (%v)", early.Status, early.Subdomains, err)
	}
	order, err = h.issue.NewOrder(ctx, r, dns("a.example.com"))
	check(t, err)
	foreign := r
	foreign.Credential.ID = "another"
	wantKind(t, second(h.issue.Finalize(ctx, foreign, order.ID, request(t, newKey(t), "a.example.com"))), fault.Unauthorized)

	h.lookedAtPublicly()
	r.Connector = h.connector
	s := h.service(func(e *issue.Engines, _ *issue.Options) { e.Store = publicly{h.Store} })
	public, err := s.NewOrder(ctx, r, dns("a.example.com"))
	check(t, err)
	if public.Status != acme.Pending {
		t.Errorf("by a public profile it is %s", public.Status)
	}
}

// publicly is a store whose profiles are all for public certificates.
type publicly struct{ issue.Store }

func (p publicly) Profiles(ctx context.Context, organisation string) ([]pki.Profile, error) {
	all, err := p.Store.Profiles(ctx, organisation)
	for i := range all {
		all[i].Spec.Public = true
	}
	return all, err
}
