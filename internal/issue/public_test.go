package issue_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// lookedAtPublicly gives the default connector what the Baseline Requirements demand of one: five validators in two
// regions, and CAA records that are obeyed.
func (h *house) lookedAtPublicly() {
	h.t.Helper()
	places := []string{policy.Here}
	for n := range 5 {
		place := manage.NewPerspective{
			Name: fmt.Sprintf("place-%d", n), URL: fmt.Sprintf("https://place-%d.test", n), Key: strings.Repeat("ab", 32), Region: policy.Registries()[n%2],
		}
		_, err := h.manage.CreatePerspective(h.t.Context(), manageActor, place)
		check(h.t, err)
		places = append(places, place.Name)
	}
	h.setRules(func(r *policy.Rules) {
		r.Quorum = policy.Quorum{Perspectives: places, Need: 4, Regions: 2}
		r.CAAIdentities = []string{"ca.example.net"}
	})
	h.Validator.Decide(seenFrom(places...))
}

// seenFrom makes every look succeed, with the evidence of these places, of which the first is the CA's own node.
func seenFrom(places ...string) func(context.Context, policy.Look) acme.Outcome {
	return func(context.Context, policy.Look) acme.Outcome {
		attempts := []acme.Attempt{{Seen: "as told"}}
		for _, place := range places[1:] {
			attempts = append(attempts, acme.Attempt{Seen: "as told", Perspective: place})
		}
		return acme.Outcome{Attempts: attempts}
	}
}

// A proof that too few places saw is none for a public certificate, however long it may be used: it was made before the
// quorum was declared, or before the public rules wanted more.
//
// Proves BR-12, INC-87.
func TestAPublicProfileWantsProofsThatWereSeen(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	h.ready(r, dns("www.example.com"))
	h.setPublic()
	h.lookedAtPublicly()
	r.Connector = h.connector
	places := h.connector.Rules.Quorum.Places()

	order, err := h.issue.NewOrder(t.Context(), r, dns("www.example.com"))
	check(t, err)
	if order.Status != acme.Pending {
		t.Errorf("by a proof that one place saw, the order is %s", order.Status)
	}
	h.Validator.Decide(seenFrom(places[:4]...))
	order = h.ready(r, dns("www.example.com", "example.com"))
	_, err = h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "www.example.com", "example.com"))
	wantKind(t, err, fault.Unauthorized)
	answer, err := h.issue.Why(t.Context(), issue.Question{Order: order.ID})
	check(t, err)
	if answer.Would() || !strings.Contains(answer.Objections[0].Reason, "was not seen from as many places") {
		t.Errorf("the operator is told %+v", answer.Objections)
	}

	h.Clock.Advance(time.Second) // of two proofs that last equally long, either may be found
	h.Validator.Decide(seenFrom(places...))
	h.issued(r, newKey(t), "www.example.com", "example.com")
	if order, err = h.issue.NewOrder(t.Context(), r, dns("www.example.com")); err != nil || order.Status != acme.Ready {
		t.Errorf("by a proof that all places saw, the next order is %s (%v)", order.Status, err)
	}
}

// A public profile wants its perspectives: without them nothing is ordered by it, and what was ordered is not issued. The
// requester learns no more than that; the log says once what is missing.
//
// Proves BR-12, INC-87.
func TestAPublicProfileWantsItsPerspectives(t *testing.T) {
	h := newHouse(t)
	var log bytes.Buffer
	h.issue = h.service(func(e *issue.Engines, _ *issue.Options) { e.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	h.setPublic()
	key, csr := newKey(t), request(t, newKey(t), "www.example.com")
	r := h.requesterWith(key)
	for range 2 {
		_, err := h.issue.NewOrder(t.Context(), r, dns("www.example.com"))
		wantKind(t, err, fault.InvalidProfile)
		if text := fault.Sentence(err); strings.Contains(text, "region") || !strings.Contains(text, "ask the operator of the CA") {
			t.Error(text)
		}
	}
	answer, err := h.issue.Why(t.Context(), issue.Question{Connector: "default", Names: []string{"www.example.com"}})
	check(t, err)
	if answer.Would() || !strings.Contains(answer.Objections[0].Reason, "at least 2 regions") {
		t.Errorf("the operator is told %+v", answer.Objections)
	}
	if text := log.String(); strings.Count(text, "connector=default") != 1 || !strings.Contains(text, "perspectives beyond the CA's own node are needed") {
		t.Errorf("the log has %s", text)
	}

	h.lookedAtPublicly()
	r.Connector = h.connector
	order := h.ready(r, dns("www.example.com"))
	for about, change := range map[string]func(*policy.Rules){
		"fewer must see the proof": func(r *policy.Rules) { r.Quorum.Need = 3 },
		"one region is enough":     func(r *policy.Rules) { r.Quorum.Regions = 1 },
		"CAA records are ignored":  func(r *policy.Rules) { r.CAAIdentities = nil },
	} {
		worse := r
		rules := h.connector.Rules
		change(&rules)
		worse.Connector.Rules = rules
		_, err := h.issue.Finalize(t.Context(), worse, order.ID, csr)
		if !fault.Is(err, fault.InvalidProfile) {
			t.Errorf("%s: %v", about, err)
		}
	}
	view, err := h.issue.Finalize(t.Context(), r, order.ID, csr)
	check(t, err)
	if view.Status != acme.Valid {
		t.Errorf("after the refusals the order is %s", view.Status)
	}
}
