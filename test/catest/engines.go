package catest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Clock is a clock that tests move.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	ticks int
}

// Now returns the time that the test set.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Tick returns a time within the second of Now, a millisecond after the tick before: what comes later sorts later.
func (c *Clock) Tick() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticks++
	return c.now.Add(time.Duration(c.ticks%1000) * time.Millisecond)
}

// Advance moves the clock, also backwards.
func (c *Clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// Set sets the clock.
func (c *Clock) Set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
}

// Validator answers looks as the test decides. At first every look succeeds.
type Validator struct {
	mu     sync.Mutex
	decide func(context.Context, policy.Look) acme.Outcome
	looks  []policy.Look

	permit    func(context.Context, caa.Question) acme.Outcome
	questions []caa.Question
}

// Validate implements issue.Validator.
func (v *Validator) Validate(ctx context.Context, look policy.Look) acme.Outcome {
	v.mu.Lock()
	v.looks = append(v.looks, look)
	decide := v.decide
	v.mu.Unlock()
	if decide == nil {
		return acme.Outcome{Attempts: []acme.Attempt{{Seen: "as told"}}}
	}
	return decide(ctx, look)
}

// CheckCAA implements issue.Validator. At first there are no CAA records.
func (v *Validator) CheckCAA(ctx context.Context, _ policy.Quorum, q caa.Question) acme.Outcome {
	v.mu.Lock()
	v.questions = append(v.questions, q)
	permit := v.permit
	v.mu.Unlock()
	if permit == nil {
		return acme.Outcome{Attempts: []acme.Attempt{{Seen: "no records, as told"}}}
	}
	return permit(ctx, q)
}

// Permit says what looks for CAA records find from now on; nil: none.
func (v *Validator) Permit(permit func(context.Context, caa.Question) acme.Outcome) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.permit = permit
}

// Questions returns which CAA records were looked for so far.
func (v *Validator) Questions() []caa.Question {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.questions)
}

// Decide says what looks find from now on; nil: success.
func (v *Validator) Decide(decide func(context.Context, policy.Look) acme.Outcome) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.decide = decide
}

// Looks returns what was looked at so far.
func (v *Validator) Looks() []policy.Look {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.looks)
}

// Elsewhere stands for the validators on other machines: those that can be asked, by name. Nobody is behind them.
type Elsewhere map[string]bool

// Key implements manage.Validators.
func (Elsewhere) Key() (pki.KeyHash, error) { return pki.HashKey([]byte("this installation")), nil }

// Alive implements manage.Validators.
func (e Elsewhere) Alive(_ context.Context, p policy.Perspective) error {
	if e[p.Name] {
		return nil
	}
	return fault.New(fault.Unavailable, "The validator %s could not be reached.", p.Name)
}
