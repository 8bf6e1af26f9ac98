package manage_test

import (
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func TestEnoughValidatorsCanBeAsked(t *testing.T) {
	h := newReady(t)
	ctx := t.Context()
	for _, name := range []string{"east", "west"} {
		_, err := h.CreatePerspective(ctx, operator, manage.NewPerspective{Name: name, URL: "https://" + name + ".example.com", Key: strings.Repeat("AB:", 31) + "ab"})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := h.CheckQuorums(ctx); err != nil {
		t.Errorf("nobody needs a validator: %v", err)
	}
	quorum := func(q policy.Quorum) {
		t.Helper()
		_, err := h.SetRules(ctx, operator, "default", func(r *policy.Rules) error { r.Quorum = q; return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	quorum(policy.Quorum{Perspectives: []string{policy.Here, "east", "west"}, Need: 1})
	if err := h.CheckQuorums(ctx); !fault.Is(err, fault.Unavailable) {
		t.Errorf("none can be asked: %v", err)
	}
	h.Elsewhere["west"] = true
	if err := h.CheckQuorums(ctx); err != nil {
		t.Errorf("one is enough: %v", err)
	}
	quorum(policy.Quorum{Perspectives: []string{policy.Here, "east", "west"}})
	err := h.CheckQuorums(ctx)
	if want := "The connector default needs 2 validators, and 1 can be asked: The validator east could not be reached."; fault.Sentence(err) != want {
		t.Errorf("all are needed: %v", err)
	}
	_, err = h.SuspendConnector(ctx, operator, "default")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.CheckQuorums(ctx); err != nil {
		t.Errorf("a suspended connector needs none: %v", err)
	}
	got, err := h.Perspective(ctx, "west")
	if err != nil {
		t.Fatal(err)
	}
	if got.Problem != "" || got.Key[0] != 0xab {
		t.Errorf("west is %+v", got)
	}
}
