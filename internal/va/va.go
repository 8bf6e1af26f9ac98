// Package va is the validation authority: it decides whether a challenge is met, from what a looker sees of the world.
//
// A host that could not be reached gets time to come up; a wrong answer is final at once, because clients wait for
// the challenge to end before they try another way. Every look is kept as evidence.
package va

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Looker looks once whether a challenge is met. The attempt's Failure is nil when it is.
type Looker interface {
	Look(ctx context.Context, l policy.Look) acme.Attempt
}

// Options says how patient a Validator is.
type Options struct {
	Retries []time.Duration // pauses before the second and each further look; none: one look only
	Total   time.Duration   // for all looks and pauses together
}

// DefaultOptions looks again after 2 s and then after 5 s, within 10 s in all.
func DefaultOptions() Options {
	return Options{Retries: []time.Duration{2 * time.Second, 5 * time.Second}, Total: 10 * time.Second}
}

// Validator decides challenges. It writes nothing and is safe for concurrent use.
type Validator struct {
	looker  Looker
	retries []time.Duration
	total   time.Duration
}

// New returns a Validator that sees through looker.
func New(looker Looker, o Options) *Validator {
	return &Validator{looker, o.Retries, o.Total}
}

// Validate looks until the challenge is met, until the failure is final, or until no look is left. The outcome is
// that of the last look, with the evidence of all. When ctx ends before that, the outcome says what was seen so far
// and must not be taken for a decision: the caller looks at ctx.
func (v *Validator) Validate(ctx context.Context, look policy.Look) acme.Outcome {
	ctx, cancel := context.WithTimeout(ctx, v.total)
	defer cancel()
	pauses := v.retries
	var outcome acme.Outcome
	for {
		attempt := v.looker.Look(ctx, look)
		outcome.Attempts = append(outcome.Attempts, attempt)
		outcome.Failure = attempt.Failure
		if attempt.Failure == nil || !attempt.Retryable || len(pauses) == 0 || !pause(ctx, pauses[0]) {
			return outcome
		}
		pauses = pauses[1:]
	}
}

// pause waits for d and reports whether there is time left after it. It does not begin to wait when there cannot be.
func pause(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Add(d).Before(deadline) {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
