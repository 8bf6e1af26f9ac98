// Package baseline has what the Baseline Requirements of the CA/Browser Forum (BR) demand of public certificates from a date
// on. Each date begins at midnight UTC.
package baseline

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// step is what holds from a date on.
type step[T any] struct {
	year  int
	month time.Month // its 15th day
	then  T
}

// at returns what holds at a time: first, until the first of the steps, which are in the order of their dates.
func at[T any](now time.Time, first T, steps ...step[T]) T {
	holds := first
	for _, s := range steps {
		if !now.Before(time.Date(s.year, s.month, 15, 0, 0, 0, 0, time.UTC)) {
			holds = s.then
		}
	}
	return holds
}

// Lifetime returns the longest validity of a TLS certificate that is issued at a time, both ends included (section 6.3.2).
func Lifetime(issued time.Time) span.Span {
	return at(issued, 398*span.Day,
		step[span.Span]{2026, time.March, 200 * span.Day},
		step[span.Span]{2027, time.March, 100 * span.Day},
		step[span.Span]{2029, time.March, 47 * span.Day})
}

// Reuse returns how long a proof of control counts for certificates that are issued at a time (section 4.2.1).
func Reuse(issued time.Time) span.Span {
	return at(issued, 398*span.Day,
		step[span.Span]{2026, time.March, 200 * span.Day},
		step[span.Span]{2027, time.March, 100 * span.Day},
		step[span.Span]{2029, time.March, 10 * span.Day})
}

// Remotes returns how many perspectives beyond the CA's own node must look at a proof, at least (section 3.2.2.9).
func Remotes(now time.Time) int {
	return at(now, 2,
		step[int]{2026, time.March, 3},
		step[int]{2026, time.June, 4},
		step[int]{2026, time.December, 5})
}
