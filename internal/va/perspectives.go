package va

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Perspectives finds the places beyond this node from which validation looks.
type Perspectives interface {
	// Perspective returns a perspective by its name, and what looks from there. Error: NotFound.
	Perspective(ctx context.Context, name string) (policy.Perspective, Looker, error)
}

// sight is what is done from one place: every attempt, at least one.
type sight func(ctx context.Context, from Looker) []acme.Attempt

// everywhere looks from every place of the quorum at once, each with retries of its own, and keeps the evidence of all in
// the sequence of the places. Nothing that one place found is known to another (BR section 3.2.2.9). Once enough agree,
// the others are not waited for.
func (v *Validator) everywhere(ctx context.Context, quorum policy.Quorum, name ident.Identifier, look sight) acme.Outcome {
	seen := v.views(ctx, quorum, look)
	var outcome acme.Outcome
	for _, s := range seen {
		outcome.Attempts = append(outcome.Attempts, s.attempts...)
	}
	if outcome.Failure = quorum.Decide(sightsOf(seen)); outcome.Failure == nil {
		outcome.Failure = discord(outcome.Attempts)
	}
	if f := outcome.Failure; f != nil && f.Identifier.IsZero() {
		named := *f
		named.Identifier = name
		outcome.Failure = &named
	}
	return outcome
}

// views returns what each place of the quorum saw, in their sequence.
func (v *Validator) views(ctx context.Context, quorum policy.Quorum, look sight) []view {
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	places := quorum.Places()
	seen, done := make([]view, len(places)), make(chan int)
	for i, place := range places {
		go func() {
			seen[i] = v.from(ctx, place, look)
			done <- i
		}()
	}
	var ended []view
	for range places {
		ended = append(ended, seen[<-done])
		if quorum.Decide(sightsOf(ended)) == nil {
			enough()
		}
	}
	for _, s := range seen {
		if s.panicked != "" {
			panic(s.panicked) // the caller contains it
		}
	}
	return seen
}

func sightsOf(seen []view) []policy.Sight {
	var sights []policy.Sight
	for _, s := range seen {
		sights = append(sights, s.sight)
	}
	return sights
}

// view is what one place saw, with its evidence.
type view struct {
	sight    policy.Sight
	attempts []acme.Attempt
	panicked string
}

func (v *Validator) from(ctx context.Context, place string, look sight) (seen view) {
	defer func() {
		if p := recover(); p != nil {
			seen.panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
			seen.sight = policy.Sight{Place: place, Failure: &acme.Failure{}}
		}
	}()
	looker, region, err := v.looker(ctx, place)
	if err != nil {
		attempt := unknown(err)
		seen.attempts = []acme.Attempt{attempt}
	} else {
		seen.attempts = look(ctx, looker)
	}
	if place != policy.Here {
		for i := range seen.attempts {
			seen.attempts[i].Perspective = place
		}
	}
	last := seen.attempts[len(seen.attempts)-1]
	seen.sight = policy.Sight{Place: place, Region: region, Failure: last.Failure}
	return seen
}

// looker returns what looks from a place.
func (v *Validator) looker(ctx context.Context, place string) (looker Looker, region string, err error) {
	if place == policy.Here {
		return v.here, "", nil
	}
	p, looker, err := v.perspectives.Perspective(ctx, place)
	return looker, p.Region, err
}

// unknown is what a perspective sees that cannot be asked.
func unknown(err error) acme.Attempt {
	kind, public := fault.KindOf(err), "The CA cannot ask one of its validators."
	if kind == fault.Internal || kind == fault.NotFound {
		kind = fault.Unavailable
	}
	return acme.Attempt{Seen: public, Failure: &acme.Failure{Kind: string(kind), Public: public}}
}
