package demo

import (
	"context"
	"fmt"
	"io"
	"time"
)

// stage tells a person what happens, one line a step, with the time since the start.
type stage struct {
	out     io.Writer
	started time.Time
}

func (s *stage) step(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, "%7.2fs  %s\n", time.Since(s.started).Seconds(), fmt.Sprintf(format, args...))
}

func (s *stage) title(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, "\n%s\n\n", fmt.Sprintf(format, args...))
}

// tick is how often the countdown is shown.
const tick = 10 * time.Second

// countdown waits until t and tells how long it takes. It reports false when ctx ended before.
func (s *stage) countdown(ctx context.Context, t time.Time) bool {
	for {
		left := time.Until(t)
		if left <= 0 {
			s.step("two thirds of its life are over: renewal")
			return true
		}
		s.step("renewal in %s", left.Round(time.Second))
		timer := time.NewTimer(min(tick, left))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}
