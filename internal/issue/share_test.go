package issue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// looking returns the same house with a service that looks at most atOnce times at once and answers challenges at once.
func (h *house) looking(atOnce int) *issue.Service {
	return h.service(func(_ *issue.Engines, o *issue.Options) { o.Wait, o.Looks = time.Nanosecond, atOnce })
}

// pending opens an order and returns the ids of its authorizations.
func (h *house) pending(r issue.Requester, names int) []string {
	h.t.Helper()
	var asked []string
	for i := range names {
		asked = append(asked, fmt.Sprintf("a%d.example.com", i))
	}
	order, err := h.issue.NewOrder(h.t.Context(), r, dns(asked...))
	check(h.t, err)
	return order.Order.Authorizations
}

func TestAnAccountWithItsShareOfLooksIsTurnedAway(t *testing.T) {
	h := newHouse(t)
	decide, release := held()
	defer release()
	h.Validator.Decide(decide)
	s := h.looking(1) // of 17 looks an account has 2
	greedy, modest := h.requester(), h.requester()
	ids := h.pending(greedy, 3)
	for _, id := range ids[:2] {
		_, err := s.Respond(t.Context(), greedy, id, acme.HTTP01)
		check(t, err)
	}
	_, err := s.Respond(t.Context(), greedy, ids[2], acme.HTTP01)
	wantKind(t, err, fault.RateLimited)
	a, err := h.issue.Authorization(t.Context(), greedy, ids[2])
	check(t, err)
	if c, _ := a.Challenge(acme.HTTP01); c.Status() != acme.Pending {
		t.Errorf("after the refusal the challenge is %s", c.Status())
	}
	_, err = s.Respond(t.Context(), modest, h.pending(modest, 1)[0], acme.HTTP01)
	check(t, err)
}

// TestResumedLooksAreTakenUpOneAfterAnother resumes what a stopped server left behind, in steps smaller than it.
func TestResumedLooksAreTakenUpOneAfterAnother(t *testing.T) {
	h := newHouse(t)
	decide, release := held()
	defer release()
	h.Validator.Decide(decide)
	stopped := h.looking(8)
	owners := map[string]issue.Requester{}
	for range 2 {
		r := h.requester()
		for i, id := range h.pending(r, 4) {
			if i == 3 {
				continue // this one nobody answered
			}
			owners[id] = r
			_, err := stopped.Respond(t.Context(), r, id, acme.HTTP01)
			check(t, err)
		}
	}
	stopped.Close()
	next := h.looking(1)
	for step, want := range []int{4, 2, 0} {
		if resumed, err := next.ResumeLooks(t.Context(), h.Clock.Now().Add(time.Second), 4); err != nil || resumed != want {
			t.Fatalf("step %d took up %d, want %d; %v", step, resumed, want, err)
		}
	}
	release()
	for id, r := range owners {
		if a, err := h.issueWaits(next, r, id); err != nil || a.Status != acme.Valid {
			t.Errorf("%s %v", a.Status, err)
		}
	}
}

// TestResumingStopsWhereThereIsNoRoom: what has no room is no failure of the job; it is taken up later.
func TestResumingStopsWhereThereIsNoRoom(t *testing.T) {
	h := newHouse(t)
	decide, release := held()
	defer release()
	h.Validator.Decide(decide)
	stopped := h.looking(8)
	for range 3 {
		r := h.requester()
		for _, id := range h.pending(r, 6) {
			_, err := stopped.Respond(t.Context(), r, id, acme.HTTP01)
			check(t, err)
		}
	}
	stopped.Close()
	next := h.looking(1) // room for 17
	for step, want := range []int{17, 0} {
		if resumed, err := next.ResumeLooks(t.Context(), h.Clock.Now().Add(time.Second), 100); err != nil || resumed != want {
			t.Errorf("step %d took up %d, want %d; %v", step, resumed, want, err)
		}
	}
}

// TestResumingKeepsToItsStep also while looks fly of which nothing is recorded yet.
func TestResumingKeepsToItsStep(t *testing.T) {
	h := newHouse(t)
	decide, release := held()
	h.Validator.Decide(decide)
	stopped, r := h.looking(8), h.requester()
	ids := h.pending(r, 4)
	for _, id := range ids[1:] {
		_, err := stopped.Respond(t.Context(), r, id, acme.HTTP01)
		check(t, err)
	}
	stopped.Close()
	began := make(chan struct{}, len(ids))
	h.Validator.Decide(func(ctx context.Context, l policy.Look) acme.Outcome {
		began <- struct{}{}
		return decide(ctx, l)
	})
	replied := make(chan error)
	go func() { replied <- second(h.issue.Respond(t.Context(), r, ids[0], acme.HTTP01)) }() // waits for its outcome
	<-began
	if resumed, err := h.issue.ResumeLooks(t.Context(), h.Clock.Now().Add(time.Second), 2); err != nil || resumed != 2 {
		t.Errorf("took up %d, want 2; %v", resumed, err)
	}
	release()
	check(t, <-replied)
}

// TestWhatExpiredIsNotResumed: it would count as taken up again and again.
func TestWhatExpiredIsNotResumed(t *testing.T) {
	h := newHouse(t)
	decide, release := held()
	defer release()
	h.Validator.Decide(decide)
	stopped, r := h.looking(8), h.requester()
	_, err := stopped.Respond(t.Context(), r, h.pending(r, 1)[0], acme.HTTP01)
	check(t, err)
	stopped.Close()
	before := h.Clock.Now().Add(time.Second)
	h.Clock.Advance(25 * time.Hour)
	if resumed, err := h.issue.ResumeLooks(t.Context(), before, 10); err != nil || resumed != 0 {
		t.Errorf("took up %d; %v", resumed, err)
	}
}
