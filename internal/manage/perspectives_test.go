package manage_test

import (
	"fmt"
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
	if want := "The quorum of the connector default needs 2 of its validators, and only 1 can be asked: The validator east could not be reached."; fault.Sentence(err) != want {
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

func TestPerspectivesThatAreRefused(t *testing.T) {
	i := newReady(t)
	good := manage.NewPerspective{Name: "east", URL: "https://east.example.com", Key: strings.Repeat("ab", 32)}
	for part, change := range map[string]func(*manage.NewPerspective){
		"cannot be the name":             func(p *manage.NewPerspective) { p.Name = "East" },
		"means the CA's own node":        func(p *manage.NewPerspective) { p.Name = policy.Here },
		"is not the URL of a validator;": func(p *manage.NewPerspective) { p.URL = "http://east.example.com" },
		`"https://east.example.com/x"`:   func(p *manage.NewPerspective) { p.URL += "/x" },
		"is not the key of a validator":  func(p *manage.NewPerspective) { p.Key = p.Key[2:] },
		"is not a region":                func(p *manage.NewPerspective) { p.Region = "far east" },
	} {
		bad := good
		change(&bad)
		_, err := i.CreatePerspective(t.Context(), operator, bad)
		expect(t, err, fault.Malformed, part)
	}
	_, err := i.DeletePerspective(t.Context(), operator, "none")
	expect(t, err, fault.NotFound, `no perspective "none"`)
	for n := range 100 {
		next := good
		next.Name = fmt.Sprintf("east-%d", n)
		if _, err := i.CreatePerspective(t.Context(), operator, next); err != nil {
			expect(t, err, fault.Malformed, "more are not possible")
			if n < 5 {
				t.Errorf("only %d are possible", n)
			}
			return
		}
	}
	t.Error("a hundred perspectives were taken")
}
