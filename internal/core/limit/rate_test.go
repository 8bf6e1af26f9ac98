package limit

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/span"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestRateText(t *testing.T) {
	for text, want := range map[string]Rate{
		"none": {}, "100": {Count: 100}, "300/3h": {300, span.Span(3 * time.Hour)}, "1/7d": {1, 7 * span.Day}, "1000000/1s": {MaxCount, MinPeriod},
	} {
		got, err := ParseRate(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %+v (%s), %v", text, got, got, err)
		}
	}
	for _, text := range []string{
		"", "0", "-1", "+1", "01", "1.5", "1/", "/1h", "0/1h", "1/0s", "1/500ms", "1/1500ms", "1/367d", "1000001", "1/1h/1h", "None", " 1/1h",
		"99999999999999999999/1h", "1/99999999999999999999h",
	} {
		if r, err := ParseRate(text); !errors.Is(err, ErrRate) {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
}

func FuzzParseRate(f *testing.F) {
	for _, text := range []string{"none", "100", "300/3h", "1/7d12h", "1000000/1s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRate(text)
		if err != nil {
			return
		}
		again, err := ParseRate(r.String())
		if err != nil || again != r {
			t.Fatalf("%q is %+v, and %q is %+v (%v)", text, r, r.String(), again, err)
		}
	})
}

// rates are the extremes, and some between.
func rates(random *rand.Rand) []Rate {
	all := []Rate{
		{1, MinPeriod}, {MaxCount, MinPeriod}, {MaxCount, MaxPeriod}, {1, MaxPeriod}, {7, span.Span(time.Hour)}, {3, MinPeriod}, {999_983, MinPeriod},
	}
	for range 20 {
		all = append(all, Rate{1 + random.IntN(12), MinPeriod + span.Span(random.Int64N(int64(2*time.Minute)))})
	}
	return all
}

// In no window is more allowed than the burst and what is earned in it. Proves R-01.
func TestNeverMoreThanTheRateInAnyWindow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, r := range rates(random) {
		var arrival time.Time
		var taken []time.Time
		now := noon
		for range 400 {
			if random.IntN(3) == 0 { // else at the same time as the one before
				now = now.Add(time.Duration(random.Int64N(int64(r.Period)/int64(r.Count) + 2)))
			}
			if next, allowed := r.take(arrival, now); !allowed.After(now) {
				arrival, taken = next, append(taken, now)
			}
		}
		for i := range taken {
			for j := i; j < len(taken); j++ {
				window := taken[j].Sub(taken[i]).Seconds()
				most := float64(r.Count) * (1 + window/r.Period.Duration().Seconds())
				if n := float64(j - i + 1); n > most+1e-6 {
					t.Fatalf("%s: %v in %v s, at most %v", r, n, window, most)
				}
			}
		}
	}
}

// What is refused is allowed at exactly the time that is told, and a microsecond earlier it is not. Proves R-02.
func TestRefusalNamesTheExactTime(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, r := range rates(random) {
		var arrival time.Time
		now, refused := noon, 0
		for range 50 {
			next, allowed := r.take(arrival, now)
			if !allowed.After(now) {
				arrival = next
				continue
			}
			refused++
			if _, early := r.take(arrival, allowed.Add(-grain)); early != allowed {
				t.Fatalf("%s: just before %v it is allowed at %v", r, allowed, early)
			}
			if arrival, next = r.take(arrival, allowed); next != allowed {
				t.Fatalf("%s: at %v it is allowed at %v", r, allowed, next)
			}
			now = allowed
		}
		if refused == 0 && r.Count < 50 {
			t.Fatalf("%s refused nothing", r)
		}
	}
}

// All that a rate allows may be taken at once, after any pause.
func TestTheWholeCountIsAllowedAtOnce(t *testing.T) {
	for _, r := range []Rate{{1, MinPeriod}, {7, span.Span(time.Hour)}, {300, span.Span(3 * time.Hour)}, {999, MaxPeriod}} {
		for _, pause := range []time.Duration{0, r.burst(), 100 * r.burst()} {
			arrival, now := noon, noon.Add(pause)
			for i := range r.Count {
				next, allowed := r.take(arrival, now)
				if allowed.After(now) {
					t.Fatalf("%s: number %d after %s is refused until %v", r, i+1, pause, allowed)
				}
				arrival = next
			}
			if _, allowed := r.take(arrival, now); !allowed.After(now) {
				t.Errorf("%s: one more than all is allowed", r)
			}
			if got := r.taken(arrival, now); got != r.Count {
				t.Errorf("%s: %d are taken", r, got)
			}
			if got := r.taken(arrival, now.Add(r.burst())); got != 0 {
				t.Errorf("%s: %d are taken after all was earned", r, got)
			}
		}
	}
}

// Whoever comes later, or took less, never waits longer.
func TestTakeIsMonotone(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		r := Rate{1 + random.IntN(50), MinPeriod + span.Span(random.Int64N(int64(time.Hour)))}
		less := noon.Add(time.Duration(random.Int64N(int64(2*time.Hour))) - time.Hour)
		more := less.Add(time.Duration(random.Int64N(int64(time.Hour))))
		lower, from := r.take(less, noon)
		higher, until := r.take(more, noon)
		if lower.After(higher) || from.After(until) {
			t.Fatalf("%s: having taken less is worse", r)
		}
		if _, after := r.take(more, noon.Add(time.Minute)); after.After(later(until, noon.Add(time.Minute))) {
			t.Fatalf("%s: coming later makes wait longer", r)
		}
	}
}

// What cannot be refused any more does not make anybody wait for longer than it takes to earn one.
func TestForceIsBounded(t *testing.T) {
	r := Rate{3, span.Span(time.Hour)}
	var arrival time.Time
	for range 100 {
		arrival = r.force(arrival, noon)
	}
	if _, allowed := r.take(arrival, noon); allowed != noon.Add(20*time.Minute) {
		t.Errorf("the next is allowed at %v", allowed)
	}
	far := noon.Add(1000 * time.Hour)
	if got := r.force(far, noon); got != far {
		t.Errorf("forced back to %v", got)
	}
}

// Dates at both ends of what a clock can say.
func TestExtremeTimes(t *testing.T) {
	for _, now := range []time.Time{{}, time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		for _, r := range []Rate{{MaxCount, MaxPeriod}, {1, MaxPeriod}, {MaxCount, MinPeriod}} {
			next, allowed := r.take(time.Time{}, now)
			if allowed != now || next.Sub(now) != r.interval() || r.interval() <= 0 || r.burst() < r.Period.Duration() {
				t.Errorf("%s at %v: %v, %v", r, now, next, allowed)
			}
		}
	}
}
