package issue_test

import (
	"context"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// TestLookKnowsTheRules by which a redirect may lead to other hosts: those of the connector that is asked.
func TestLookKnowsTheRules(t *testing.T) {
	h := newHouse(t)
	rules := h.setRules(func(r *policy.Rules) { r.Names = []string{".example.com"} })
	r := h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	_, err = h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.HTTP01)
	check(t, err)
	if got := h.Validator.Looks()[0].Rules; !reflect.DeepEqual(got, rules) {
		t.Errorf("got %+v, want %+v", got, rules)
	}
}

// setRules changes the rules of the connector and returns them.
func (h *house) setRules(change func(*policy.Rules)) policy.Rules {
	h.t.Helper()
	_, err := h.manage.SetRules(h.t.Context(), manageActor, "default", func(r *policy.Rules) error {
		change(r)
		return nil
	})
	check(h.t, err)
	h.connector, err = h.issue.Connector(h.t.Context(), policy.KindACME, "default")
	check(h.t, err)
	return h.connector.Rules
}

// queued makes one look run and another wait for its turn. It returns the authorization of the one that waits, and
// what lets both go on and reads it when it has ended.
func (h *house) queued() (r issue.Requester, goOn func() issue.AuthorizationView) {
	h.t.Helper()
	decide, release := held()
	h.t.Cleanup(release)
	began := make(chan struct{}, 2)
	h.Validator.Decide(func(ctx context.Context, l policy.Look) acme.Outcome {
		began <- struct{}{}
		return decide(ctx, l)
	})
	s, r := h.looking(1), h.requester()
	ids := h.pending(r, 2)
	for _, id := range ids {
		_, err := s.Respond(h.t.Context(), r, id, acme.HTTP01)
		check(h.t, err)
	}
	<-began
	return r, func() issue.AuthorizationView {
		h.t.Helper()
		release()
		a, err := h.issueWaits(s, r, ids[1])
		check(h.t, err)
		return a
	}
}

// TestASuspensionReachesALookThatWaits: it proves nothing, and nobody is looked at for it.
func TestASuspensionReachesALookThatWaits(t *testing.T) {
	h := newHouse(t)
	r, goOn := h.queued()
	h.suspend(r)
	a := goOn()
	c, _ := a.Challenge(acme.HTTP01)
	if a.Status != acme.Invalid || c.Failure == nil || c.Failure.Kind != string(fault.Unauthorized) || !strings.Contains(c.Failure.Public, "suspended") {
		t.Errorf("%s %+v", a.Status, c.Failure)
	}
	if looks := len(h.Validator.Looks()); looks != 1 {
		t.Errorf("%d looks", looks)
	}
}

// TestChangedRulesReachALookThatWaits: where it may connect, where it may be led, and how long its proof counts.
func TestTheEndOfAnAccountReachesALookThatWaits(t *testing.T) {
	h := newHouse(t)
	r, goOn := h.queued()
	_, err := h.issue.DeactivateAccount(t.Context(), r)
	check(t, err)
	if a := goOn(); a.Status == acme.Valid {
		t.Errorf("the authorization is %s", a.Status)
	}
	if looks := len(h.Validator.Looks()); looks != 1 {
		t.Errorf("%d looks: the second was for an account that had ended", looks)
	}
}

func TestChangedRulesReachALookThatWaits(t *testing.T) {
	h := newHouse(t)
	_, goOn := h.queued()
	rules := h.setRules(func(r *policy.Rules) {
		r.Names = []string{".example.com"}
		r.Addresses.Deny = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		r.ReuseLife = span.Span(2 * time.Hour)
	})
	if a := goOn(); a.Status != acme.Valid || !a.Expires.Equal(h.Clock.Now().Add(2*time.Hour)) {
		t.Errorf("%s until %v", a.Status, a.Expires)
	}
	looks := h.Validator.Looks()
	if len(looks) != 2 || !reflect.DeepEqual(looks[1].Rules, rules) || !reflect.DeepEqual(looks[1].Addresses, rules.Addresses) {
		t.Errorf("looks %+v, want the second by %+v", looks, rules)
	}
}

// unreadable is a store whose connectors cannot be read.
type unreadable struct{ issue.Store }

func (unreadable) Connector(context.Context, string) (policy.Connector, error) {
	return policy.Connector{}, errGone
}

// TestALookWithoutConnectorIsLeftForLater: it neither proves nor fails.
func TestALookWithoutConnectorIsLeftForLater(t *testing.T) {
	h := newHouse(t)
	blind := h.service(func(e *issue.Engines, _ *issue.Options) { e.Store = unreadable{h.Store} })
	r := h.requester()
	id := h.pending(r, 1)[0]
	a, err := blind.Respond(t.Context(), r, id, acme.HTTP01)
	check(t, err)
	if c, _ := a.Challenge(acme.HTTP01); c.Status() != acme.Processing || len(h.Validator.Looks()) != 0 {
		t.Errorf("the challenge is %s after %d looks", c.Status(), len(h.Validator.Looks()))
	}
	resumed, err := h.issue.ResumeLooks(t.Context(), h.Clock.Now().Add(time.Second), 10)
	if resumed != 1 || err != nil {
		t.Fatalf("%d %v", resumed, err)
	}
	if a, err = h.issueWaits(h.issue, r, id); err != nil || a.Status != acme.Valid {
		t.Errorf("%s %v", a.Status, err)
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
