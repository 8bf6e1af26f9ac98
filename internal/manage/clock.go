package manage

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
)

// ClockView is how the clock of this machine stood to the log.
type ClockView struct {
	Now      time.Time // by the clock
	Newest   time.Time // the date of the newest event that counted; zero without one
	Accepted bool      // the clock stood before it, and counts from now on
}

// AcceptClock lets issuance go on where it is stopped because the clock stands before the newest event, and the operator
// knows that the clock is right and was ahead when that event was written. The dates stay in the log; what is dated
// before this acceptance is refused again. Where the clock does not stand before the newest event, nothing is changed.
func (s *Service) AcceptClock(ctx context.Context, by Actor) (ClockView, error) {
	newest, err := s.store.LastEvent(ctx)
	view := ClockView{Now: s.now(), Newest: newest}
	if err != nil || !view.Now.Before(newest) {
		return view, err
	}
	e, err := s.happening(by, event.ClockAccepted, "", "", "instead of "+newest.Format(time.RFC3339))
	if err != nil {
		return view, err
	}
	e.At = view.Now
	view.Accepted = true
	return view, s.store.AcceptClock(ctx, e)
}
