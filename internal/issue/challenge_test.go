package issue_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

func refuseAll(context.Context, policy.Look) acme.Outcome {
	failure := &acme.Failure{Kind: string(fault.Unauthorized), Public: "The answer was wrong."}
	return acme.Outcome{Failure: failure, Attempts: []acme.Attempt{{Seen: "another body", Failure: failure}}}
}

// held makes every look wait until release is called.
func held() (decide func(context.Context, policy.Look) acme.Outcome, release func()) {
	gate := make(chan struct{})
	return func(ctx context.Context, _ policy.Look) acme.Outcome {
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return acme.Outcome{Attempts: []acme.Attempt{{Seen: "at last"}}}
	}, sync.OnceFunc(func() { close(gate) })
}

// impatient returns the same house with a service that answers challenges at once.
func (h *house) impatient() *issue.Service {
	return h.service(func(_ *issue.Engines, o *issue.Options) { o.Wait = time.Nanosecond })
}

func TestTheReplyToAChallengeCarriesItsOutcome(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	a, err := h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.HTTP01)
	check(t, err)
	c, _ := a.Challenge(acme.HTTP01)
	if a.Status != acme.Valid || c.Status() != acme.Valid || len(c.Attempts) != 1 || !c.Begun.IsZero() {
		t.Errorf("%s %+v", a.Status, c)
	}
	if want := c.Token + "." + r.Account.Key.Thumbprint(); c.KeyAuthorization != want || h.Validator.Looks()[0].KeyAuthorization != want {
		t.Errorf("C-05: %q", c.KeyAuthorization)
	}
}

func TestTokensAreUniqueAndLong(t *testing.T) {
	h := newHouse(t)
	order, err := h.issue.NewOrder(t.Context(), h.requester(), dns("a.example.com", "b.example.com", "c.example.com"))
	check(t, err)
	seen := map[string]bool{}
	for _, part := range order.Parts {
		for _, c := range part.Challenges {
			if len(c.Token) < 22 || strings.Trim(c.Token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" || seen[c.Token] {
				t.Errorf("C-04: token %q", c.Token)
			}
			seen[c.Token] = true
		}
	}
}

func TestAWrongAnswerEndsTheAuthorizationAtOnce(t *testing.T) {
	h := newHouse(t)
	h.Validator.Decide(refuseAll)
	r := h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	id := order.Parts[0].ID
	a, err := h.issue.Respond(t.Context(), r, id, acme.HTTP01)
	check(t, err)
	c, _ := a.Challenge(acme.HTTP01)
	if a.Status != acme.Invalid || c.Failure == nil || len(c.Attempts) != 1 {
		t.Errorf("%s %+v", a.Status, c)
	}
	again, err := h.issue.Respond(t.Context(), r, id, acme.HTTP01)
	if err != nil || again.Status != acme.Invalid || len(h.Validator.Looks()) != 1 {
		t.Errorf("C-06: %s %v after %d looks", again.Status, err, len(h.Validator.Looks()))
	}
	_, err = h.issue.Respond(t.Context(), r, id, acme.DNS01)
	if !fault.Is(err, fault.Malformed) {
		t.Errorf("Z-08: %v", err)
	}
	view, err := h.issue.Order(t.Context(), r, order.ID)
	if err != nil || view.Status != acme.Invalid {
		t.Errorf("O-11: the order is %s", view.Status)
	}
}

func TestASlowLookIsRecordedAsProcessingAndGoesOn(t *testing.T) {
	h := newHouse(t)
	decide, release := held()
	h.Validator.Decide(decide)
	s, r := h.impatient(), h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	id := order.Parts[0].ID
	a, err := s.Respond(t.Context(), r, id, acme.HTTP01)
	check(t, err)
	c, _ := a.Challenge(acme.HTTP01)
	if a.Status != acme.Pending || c.Status() != acme.Processing || a.RetryAfter != time.Second {
		t.Errorf("%s %s %v", a.Status, c.Status(), a.RetryAfter)
	}
	if _, err := s.Respond(t.Context(), r, id, acme.DNS01); !fault.Is(err, fault.Malformed) {
		t.Errorf("Z-08: a second method while one is looked at: %v", err)
	}
	release()
	joined, err := h.issueWaits(s, r, id)
	if err != nil || joined.Status != acme.Valid || len(h.Validator.Looks()) != 1 {
		t.Errorf("%s %v after %d looks", joined.Status, err, len(h.Validator.Looks()))
	}
}

// issueWaits reads an authorization until it is no longer pending.
func (h *house) issueWaits(s *issue.Service, r issue.Requester, id string) (issue.AuthorizationView, error) {
	deadline := time.Now().Add(10 * time.Second)
	for {
		a, err := s.Authorization(h.t.Context(), r, id)
		if err != nil || a.Status != acme.Pending || time.Now().After(deadline) {
			return a, err
		}
		time.Sleep(time.Millisecond)
	}
}

func TestParallelAnswersAreOneLook(t *testing.T) {
	h := newHouse(t)
	decide, release := held()
	h.Validator.Decide(decide)
	r := h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if a, err := h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.HTTP01); err != nil || a.Status != acme.Valid {
				t.Errorf("%s %v", a.Status, err)
			}
		})
	}
	release()
	wait.Wait()
	if len(h.Validator.Looks()) != 1 {
		t.Errorf("%d looks", len(h.Validator.Looks()))
	}
}

func TestAStoppedServerLeavesTheLookToTheNext(t *testing.T) {
	h := newHouse(t)
	decide, release := held()
	defer release()
	h.Validator.Decide(decide)
	s, r := h.impatient(), h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	id := order.Parts[0].ID
	_, err = s.Respond(t.Context(), r, id, acme.HTTP01)
	check(t, err)
	s.Close()
	if _, err := s.Respond(t.Context(), r, id, acme.HTTP01); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a closed service answers %v", err)
	}
	a, err := h.issue.Authorization(t.Context(), r, id)
	check(t, err)
	if c, _ := a.Challenge(acme.HTTP01); c.Status() != acme.Processing {
		t.Fatalf("after the stop the challenge is %s", c.Status())
	}
	h.Validator.Decide(nil)
	resumed, err := h.issue.ResumeLooks(t.Context(), h.Clock.Now().Add(time.Second), 10)
	if err != nil || resumed != 1 {
		t.Fatalf("%d resumed, %v", resumed, err)
	}
	if a, err = h.issueWaits(h.issue, r, id); err != nil || a.Status != acme.Valid {
		t.Errorf("%s %v", a.Status, err)
	}
}

func TestAChallengeOfAnEndedAuthorizationIsNotLookedAt(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	id := order.Parts[0].ID
	_, err = h.issue.DeactivateAuthorization(t.Context(), r, id)
	check(t, err)
	_, err = h.issue.Respond(t.Context(), r, id, acme.HTTP01)
	wantKind(t, err, fault.Malformed)
	_, err = h.issue.Respond(t.Context(), r, id, "tls-sni-01")
	wantKind(t, err, fault.NotFound)
	if len(h.Validator.Looks()) != 0 {
		t.Error("the validator looked")
	}
}

func TestPreAuthorization(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	a, err := h.issue.NewAuthorization(t.Context(), r, issue.Name{Type: "dns", Value: "a.example.com"})
	check(t, err)
	_, err = h.issue.Respond(t.Context(), r, a.ID, acme.HTTP01)
	check(t, err)
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	if err != nil || order.Status != acme.Ready || order.Parts[0].ID != a.ID {
		t.Errorf("Z-04: %s %v", order.Status, err)
	}
	_, err = h.issue.NewAuthorization(t.Context(), r, issue.Name{Type: "dns", Value: "*.example.com"})
	wantKind(t, err, fault.Malformed)
}

func TestLoopbackIsLookedAtOnATrialOnly(t *testing.T) {
	h := newHouse(t)
	trial := h.service(func(_ *issue.Engines, o *issue.Options) { o.Trial = true })
	r := h.requester()
	for i, s := range []*issue.Service{h.issue, trial} {
		order, err := h.issue.NewOrder(t.Context(), r, dns([]string{"a.example.com", "b.example.com"}[i]))
		check(t, err)
		_, err = s.Respond(t.Context(), r, order.Parts[0].ID, acme.HTTP01)
		check(t, err)
	}
	if h.Validator.Looks()[0].Addresses.Loopback || !h.Validator.Looks()[1].Addresses.Loopback {
		t.Errorf("%+v", h.Validator.Looks())
	}
}

func TestIdentifiersThatAreRefused(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	for _, c := range []struct {
		kind, value string
		want        fault.Kind
	}{
		{"email", "a@example.com", fault.UnsupportedIdentifier},
		{"bundleEID", "x", fault.UnsupportedIdentifier},
		{"dns", "", fault.RejectedIdentifier},
		{"dns", "192.0.2.1", fault.RejectedIdentifier},
		{"dns", "a_b.example.com", fault.RejectedIdentifier},
		{"dns", "example.com.", fault.RejectedIdentifier},
		{"dns", "*.*.example.com", fault.RejectedIdentifier},
		{"dns", "*.com", fault.RejectedIdentifier},
		{"dns", "co.uk", fault.RejectedIdentifier},
		{"ip", "::ffff:192.0.2.1", fault.Malformed},
		{"ip", "192.0.2.01", fault.Malformed},
	} {
		_, err := h.issue.NewOrder(t.Context(), r, issue.NewOrder{Names: []issue.Name{{Type: c.kind, Value: c.value}}})
		if !fault.Is(err, c.want) || strings.Contains(fault.Sentence(err), "  ") {
			t.Errorf("%s %q: %v", c.kind, c.value, err)
		}
	}
	_, err := h.issue.NewOrder(t.Context(), r, issue.NewOrder{})
	wantKind(t, err, fault.Malformed)
}
