// Package limit says how much of something is allowed in a time, and decides whether one more is.
//
// A limit is a generic cell rate algorithm (GCRA): all that is kept of what happened is one point in time, the theoretical
// arrival time, at which everything that was taken will have been earned again. It needs no window and no clean-up, is
// exact to the microsecond, and never lets through more than Count at once and Count in each Period after that. Nothing
// here reads a clock or keeps anything: a store does, in the transaction of the write that is limited.
package limit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Bounds of a rate. They keep every sum below far from the end of the calendar.
const (
	MaxCount  = 1_000_000
	MinPeriod = span.Span(time.Second)
	MaxPeriod = 366 * span.Day
)

// grain is the resolution in which arrival times are kept.
const grain = time.Microsecond

// ErrRate is wrapped by the errors of ParseRate.
var ErrRate = errors.New("invalid rate")

// Rate allows Count at once, earned again evenly over Period. The zero Rate is no limit. A rate without a period is a
// number of times in a row.
type Rate struct {
	Count  int
	Period span.Span
}

// None is written for the rate that limits nothing.
const None = "none"

// ParseRate reads "300/3h", a number alone as in "100", or "none".
func ParseRate(text string) (Rate, error) {
	if text == None {
		return Rate{}, nil
	}
	count, period, found := strings.Cut(text, "/")
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > MaxCount || strconv.Itoa(n) != count {
		return Rate{}, fmt.Errorf("%w %.40q: write a number from 1 to %d and a time, like 300/3h, or %s", ErrRate, text, MaxCount, None)
	}
	if !found {
		return Rate{Count: n}, nil
	}
	length, err := span.Parse(period)
	if err != nil || length < MinPeriod || length > MaxPeriod || length%MinPeriod != 0 {
		return Rate{}, fmt.Errorf("%w %.40q: the time is whole seconds from %s to %s, like 3h or 7d", ErrRate, text, MinPeriod, MaxPeriod)
	}
	return Rate{Count: n, Period: length}, nil
}

// String writes what ParseRate reads.
func (r Rate) String() string {
	switch {
	case r.Count == 0:
		return None
	case r.Period == 0:
		return strconv.Itoa(r.Count)
	default:
		return fmt.Sprintf("%d/%s", r.Count, r.Period)
	}
}

// MarshalText writes String.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what ParseRate reads.
func (r *Rate) UnmarshalText(text []byte) error {
	parsed, err := ParseRate(string(text))
	*r = parsed
	return err
}

// IsNone reports whether the rate limits nothing.
func (r Rate) IsNone() bool { return r.Count == 0 }

// interval is the time in which one is earned again: rounded up, so that rounding never allows more.
func (r Rate) interval() time.Duration {
	count := int64(r.Count)
	return time.Duration((r.Period.Duration().Microseconds()+count-1)/count) * grain
}

// burst is the time in which all are earned again.
func (r Rate) burst() time.Duration { return time.Duration(r.Count) * r.interval() }

// take returns the arrival time after one more at now, and from when on that one is allowed: it is when that is not
// after now. What was refused at one time is allowed at exactly the time returned, and not before it, if nothing else
// is taken meanwhile. Time that goes backwards only makes callers wait.
func (r Rate) take(arrival, now time.Time) (next, allowed time.Time) {
	next = later(arrival, now).Add(r.interval())
	return next, later(next.Add(-r.burst()), now)
}

// force returns the arrival time after one more at now that nobody can refuse any more: what goes beyond the rate is
// forgotten, so that the next is allowed one interval later at most.
func (r Rate) force(arrival, now time.Time) time.Time {
	next, _ := r.take(arrival, now)
	if most := now.Add(r.burst()); next.After(most) {
		return later(most, arrival)
	}
	return next
}

// taken is how many of the rate are not yet earned again at now.
func (r Rate) taken(arrival, now time.Time) int {
	if !arrival.After(now) || r.IsNone() || r.Period == 0 {
		return 0
	}
	interval := r.interval()
	return min(int((arrival.Sub(now)+interval-1)/interval), r.Count)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
