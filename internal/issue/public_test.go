package issue_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

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
