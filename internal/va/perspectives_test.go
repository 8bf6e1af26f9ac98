package va_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/va"
)

// elsewhere is the perspectives that a test knows.
type elsewhere map[string]*looker

func (e elsewhere) Perspective(_ context.Context, name string) (policy.Perspective, va.Looker, error) {
	l, ok := e[name]
	if !ok {
		return policy.Perspective{}, nil, fault.New(fault.NotFound, "There is no perspective %q.", name)
	}
	return policy.Perspective{Name: name, Region: name[:1]}, l, nil
}

// Proves BR-13, BR-14, INC-44.
func TestEveryPlaceLooksForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here := &looker{views: []view{{met(), time.Second}}, start: time.Now()}
		places := elsewhere{
			"east": {views: []view{{unreachable(), 0}, {met(), 0}}, start: time.Now()},
			"west": {views: []view{{wrong(), 2 * time.Second}}, start: time.Now()},
		}
		name, err := ident.ParseDNS("a.test")
		if err != nil {
			t.Fatal(err)
		}
		look := policy.Look{Identifier: name, Rules: policy.Rules{
			Quorum: policy.Quorum{Perspectives: []string{policy.Here, "east", "west", "gone"}, Need: 2},
		}}
		validator := va.New(here, places, va.DefaultOptions())
		outcome := validator.Validate(t.Context(), look)
		if outcome.Failure == nil || !strings.HasPrefix(outcome.Failure.Public, "The proof was seen from 1 of 3 other places, and 2 are needed.") ||
			outcome.Failure.Identifier != name {
			t.Errorf("two were needed: %v", outcome.Failure)
		}
		if took := time.Since(here.start); took != 2*time.Second {
			t.Errorf("it took %v: the places look at once", took)
		}
		want := []string{" met", "east refused", "east met", "west wrong", "gone The CA cannot ask one of its validators."}
		if got := trail(outcome); !slices.Equal(got, want) {
			t.Errorf("the evidence is %q", got)
		}
	})
}

func trail(outcome acme.Outcome) []string {
	var list []string
	for _, a := range outcome.Attempts {
		list = append(list, a.Perspective+" "+a.Seen)
	}
	return list
}

// One validator that is down costs no time where the others are enough.
func TestNobodyIsWaitedForWhenEnoughAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here := &looker{views: []view{{met(), 2 * time.Second}}, start: time.Now()}
		places := elsewhere{
			"east": {views: []view{{met(), time.Second}}, start: time.Now()},
			"west": {views: []view{{met(), time.Hour}}, start: time.Now()},
		}
		look := policy.Look{Rules: policy.Rules{Quorum: policy.Quorum{Perspectives: []string{policy.Here, "east", "west"}, Need: 1}}}
		outcome := va.New(here, places, va.DefaultOptions()).Validate(t.Context(), look)
		if outcome.Failure != nil || time.Since(here.start) != 2*time.Second {
			t.Errorf("%v after %v", outcome.Failure, time.Since(here.start))
		}
		if got := trail(outcome); !slices.Equal(got, []string{" met", "east met", "west refused"}) {
			t.Errorf("the evidence is %q", got)
		}
	})
}

// panicking is a place whose look breaks.
type panicking struct{}

func (panicking) Look(context.Context, policy.Look) acme.Attempt { panic("a parser broke") }

func (panicking) LookCAA(context.Context, caa.Question) acme.Attempt { panic("a parser broke") }

// The caller contains panics of looks; one in a goroutine must reach it.
func TestAPanicReachesTheCaller(t *testing.T) {
	defer func() {
		if p, ok := recover().(string); !ok || !strings.HasPrefix(p, "a parser broke\n") {
			t.Errorf("recovered %v", p)
		}
	}()
	va.New(panicking{}, nil, va.DefaultOptions()).Validate(t.Context(), policy.Look{})
	t.Error("no panic")
}
