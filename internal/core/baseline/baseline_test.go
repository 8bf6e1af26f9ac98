package baseline_test

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/baseline"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Each number holds from the first second of its date, and the one before until then.
// Proves BR-01.
func TestEachDate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		date                     time.Time
		lifetime, reuse, remotes [2]int // before the date, and from it on; the first two in days
	}{
		{midnight(2026, time.March), [2]int{398, 200}, [2]int{398, 200}, [2]int{2, 3}},
		{midnight(2026, time.June), [2]int{200, 200}, [2]int{200, 200}, [2]int{3, 4}},
		{midnight(2026, time.December), [2]int{200, 200}, [2]int{200, 200}, [2]int{4, 5}},
		{midnight(2027, time.March), [2]int{200, 100}, [2]int{200, 100}, [2]int{5, 5}},
		{midnight(2029, time.March), [2]int{100, 47}, [2]int{100, 10}, [2]int{5, 5}},
	} {
		for offset, side := range map[time.Duration]int{-time.Second: 0, 0: 1, time.Second: 1} {
			now := c.date.Add(offset)
			if got, want := baseline.Lifetime(now), span.Span(c.lifetime[side])*span.Day; got != want {
				t.Errorf("at %s: a certificate may live for %s, want %s", now, got, want)
			}
			if got, want := baseline.Reuse(now), span.Span(c.reuse[side])*span.Day; got != want {
				t.Errorf("at %s: a proof may be used for %s, want %s", now, got, want)
			}
			if got, want := baseline.Remotes(now), c.remotes[side]; got != want {
				t.Errorf("at %s: %d perspectives, want %d", now, got, want)
			}
		}
	}
}

func midnight(year int, month time.Month) time.Time {
	return time.Date(year, month, 15, 0, 0, 0, 0, time.UTC)
}
