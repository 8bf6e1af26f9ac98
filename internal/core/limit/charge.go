package limit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// PauseLife is how long a pause lasts after its last failure when nobody ends it: whoever is gone leaves nothing behind.
const PauseLife = 30 * 24 * time.Hour

// Key names what a store keeps of one limit at a connector.
type Key struct {
	Kind    Kind
	Subject string // what is counted: an account's id, a name; made by the functions of this package
}

// Charge is what a request costs one limit.
type Charge struct {
	Key
	Rate  Rate   // None: nothing is counted
	Pause int    // with FailedValidations: after how many failures in a row all is refused; 0: never
	Ask   bool   // nothing is taken: it is only asked whether one more would be allowed
	Shown string // what stands in sentences for the subject; "": the subject
}

// Level is what is kept of a limit.
type Level struct {
	Key
	Arrival time.Time // everything that was taken is earned again by then
	Row     int       // failures in a row; with FailedValidations
}

// Taken is how many of a rate are not yet earned again at now.
func (l Level) Taken(r Rate, now time.Time) int { return r.taken(l.Arrival, now) }

// Paused reports whether so many failures in a row pause the subject at now, and until when if nobody ends it.
func (l Level) Paused(after int, now time.Time) (until time.Time, paused bool) {
	until = l.Arrival.Add(PauseLife)
	return until, after > 0 && l.Row >= after && now.Before(until)
}

// Fail returns the level after a failed validation that the charge is for, and whether that one begins a pause.
func (l Level) Fail(c Charge, now time.Time) (next Level, pauses bool) {
	next = Level{Key: c.Key, Arrival: later(l.Arrival, now), Row: l.Row + 1}
	if !c.Rate.IsNone() {
		next.Arrival = c.Rate.force(l.Arrival, now)
	}
	return next, next.Row == c.Pause
}

// Judge decides on all charges of one request together: either each is allowed at now, and what comes back is what is to
// be kept, or nothing is taken. The error is RateLimited, says which limits refuse, and its RetryAfter is until all of
// them allow the same request.
func Judge(charges []Charge, kept []Level, now time.Time) ([]Level, error) {
	var next []Level
	var reasons []string
	until := now
	for _, c := range charges {
		level, allowed, reason := c.judge(find(kept, c.Key), now)
		if reason != "" {
			reasons = append(reasons, reason)
			until = later(until, allowed)
			continue
		}
		if !c.Ask && !c.Rate.IsNone() {
			next = append(next, level)
		}
	}
	if len(reasons) > 0 {
		return nil, refusal(reasons, until, now)
	}
	return next, nil
}

func find(kept []Level, k Key) Level {
	if i := slices.IndexFunc(kept, func(l Level) bool { return l.Key == k }); i >= 0 {
		return kept[i]
	}
	return Level{Key: k}
}

// judge returns the level after one more, or the reason against it and when that ends.
func (c Charge) judge(l Level, now time.Time) (next Level, allowed time.Time, reason string) {
	if until, paused := l.Paused(c.Pause, now); paused {
		return l, until, fmt.Sprintf("This account pauses for %s after %d failed validations in a row; mend what their errors say, "+
			"then let the operator of the CA end the pause (everleaf limit resume).", c.shown(), l.Row)
	}
	if c.Rate.IsNone() {
		return l, now, ""
	}
	next = l
	next.Arrival, allowed = c.Rate.take(l.Arrival, now)
	if allowed.After(now) {
		return l, allowed, c.Kind.sentence(c.Rate, c.shown())
	}
	return next, allowed, ""
}

func (c Charge) shown() string {
	if c.Shown != "" {
		return c.Shown
	}
	return c.Subject
}

// maxReasons bounds how many limits one refusal tells of.
const maxReasons = 3

func refusal(reasons []string, until, now time.Time) error {
	if more := len(reasons) - maxReasons; more > 0 {
		reasons = append(reasons[:maxReasons:maxReasons], fmt.Sprintf("%d more limits refuse it.", more))
	}
	after := until.Sub(now)
	told := until.Add(time.Second - 1).Truncate(time.Second).UTC()
	err := fault.New(fault.RateLimited, "%s Try again after %s.", strings.Join(reasons, " "), told.Format("2006-01-02 15:04:05 UTC"))
	err.RetryAfter = after
	return err
}
