package issue

import (
	"context"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// clockTolerance is how far the clock may stand before the newest event without stopping issuance.
const clockTolerance = 5 * time.Second

// CheckClock refuses, as Unavailable, to issue while the clock stands before the newest event that Log.LastEvent tells
// of: certificates would be dated wrongly. The cause has both times.
func CheckClock(now, newest time.Time) error {
	if !now.Before(newest.Add(-clockTolerance)) {
		return nil
	}
	cause := fmt.Errorf("the clock stands at %s, the newest event at %s", now.UTC().Format(time.RFC3339), newest.UTC().Format(time.RFC3339))
	return fault.Wrap(cause, fault.Unavailable, "Issuance is stopped: the clock of the CA stands before its newest record. "+
		"The operator has to set the clock or, when it is right now and had been ahead once, run \"everleaf clock accept\".")
}

// trustClock refuses to issue at now while the clock cannot be trusted.
func (s *Service) trustClock(ctx context.Context, now time.Time) error {
	newest, err := s.store.LastEvent(ctx)
	if err != nil {
		return err
	}
	return CheckClock(now, newest)
}
