package issue_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// TestLookKnowsTheRules by which a redirect may lead to other hosts: those of the connector that is asked.
func TestLookKnowsTheRules(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	r.Connector.Rules.Names = []string{".example.com"}
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	_, err = h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.HTTP01)
	check(t, err)
	if got := h.Validator.Looks()[0].Rules; !reflect.DeepEqual(got, r.Connector.Rules) {
		t.Errorf("got %+v, want %+v", got, r.Connector.Rules)
	}
}

// TestLookThatPanics is INCIDENTS 56 and 68: a parser that fails on what a hostile host sent fails that challenge alone.
func TestLookThatPanics(t *testing.T) {
	h := newHouse(t)
	h.Validator.Decide(func(context.Context, policy.Look) acme.Outcome { panic("index out of range") })
	r := h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	a, err := h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.HTTP01)
	check(t, err)
	challenge, _ := a.Challenge(acme.HTTP01)
	if a.Status != acme.Invalid || challenge.Failure == nil || fault.Kind(challenge.Failure.Kind) != fault.Internal {
		t.Fatalf("%s, %+v", a.Status, challenge.Failure)
	}
	if strings.Contains(challenge.Failure.Public, "index") {
		t.Errorf("the requester is told %q", challenge.Failure.Public)
	}
}
