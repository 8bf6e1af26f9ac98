// Package va is the validation authority: it decides whether a challenge is met, from what lookers see of the world: the
// CA's own node, and validators elsewhere where a quorum wants them.
//
// A host that could not be reached gets time to come up; a wrong answer is final at once, because clients wait for
// the challenge to end before they try another way. Every look is kept as evidence.
package va

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Looker looks once. The attempt's Failure is nil when the challenge is met, or when CAA records let the CA issue.
type Looker interface {
	Look(ctx context.Context, l policy.Look) acme.Attempt
	LookCAA(ctx context.Context, q caa.Question) acme.Attempt
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
	here         Looker
	perspectives Perspectives
	retries      []time.Duration
	total        time.Duration
}

// New returns a Validator that sees through here, and through the perspectives that a connector's quorum names.
func New(here Looker, perspectives Perspectives, o Options) *Validator {
	return &Validator{here, perspectives, o.Retries, o.Total}
}

// Validate decides by the quorum of the look's rules. From each place it looks until the challenge is met, until the
// failure is final, or until no look is left; what a place saw last counts, and the evidence of all is kept. When ctx ends
// before that, the outcome says what was seen so far and must not be taken for a decision: the caller looks at ctx.
func (v *Validator) Validate(ctx context.Context, look policy.Look) acme.Outcome {
	ctx, cancel := context.WithTimeout(ctx, v.total)
	defer cancel()
	return v.everywhere(ctx, look.Rules.Quorum, look.Identifier, func(ctx context.Context, from Looker) []acme.Attempt {
		return repeat(ctx, v.retries, func() acme.Attempt { return from.Look(ctx, look) })
	})
}

// How CAA records are looked for: the Baseline Requirements, section 4.2.2.1, want a retry before a failed look-up may
// count for anything.
const (
	caaPause = 2 * time.Second
	caaTotal = 20 * time.Second
)

// CheckCAA looks from every place of a quorum whether CAA records let this CA certify a name. Records decide at once. A
// look-up that fails is tried again, and only then may the failure be passed over, where the question allows it. The
// outcome is to be read as that of Validate.
func (v *Validator) CheckCAA(ctx context.Context, quorum policy.Quorum, q caa.Question) acme.Outcome {
	ctx, cancel := context.WithTimeout(ctx, caaTotal)
	defer cancel()
	return v.everywhere(ctx, quorum, q.Name, func(ctx context.Context, from Looker) []acme.Attempt {
		asked := q
		asked.MayFail = false
		return repeat(ctx, []time.Duration{caaPause}, func() acme.Attempt {
			attempt := from.LookCAA(ctx, asked)
			asked.MayFail = q.MayFail
			return attempt
		})
	})
}

// repeat looks from one place until a look succeeds, fails for good, or no pause is left. It returns every attempt, at
// least one.
func repeat(ctx context.Context, pauses []time.Duration, look func() acme.Attempt) []acme.Attempt {
	var attempts []acme.Attempt
	for {
		attempt := look()
		attempts = append(attempts, attempt)
		if attempt.Failure == nil || !attempt.Retryable || len(pauses) == 0 || !pause(ctx, pauses[0]) {
			return attempts
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
