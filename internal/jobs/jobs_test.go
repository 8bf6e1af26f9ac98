package jobs

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

func TestAJobRunsAtOnceAndAtItsInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var runs []time.Duration
		r := Start(quiet, Job{Name: "j", Interval: time.Minute, Run: func(context.Context) (int, error) {
			runs = append(runs, time.Since(start))
			return 0, nil
		}})
		time.Sleep(2*time.Minute + time.Second)
		r.Stop()
		if len(runs) != 3 || runs[0] != 0 || runs[1] != time.Minute || runs[2] != 2*time.Minute {
			t.Errorf("ran at %v", runs)
		}
	})
}

func TestAJobThatHasMoreToDoRunsAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, left, runs := time.Now(), 25, 0
		r := Start(quiet, Job{Name: "j", Interval: time.Hour, More: 10, Run: func(context.Context) (int, error) {
			runs++
			did := min(left, 10)
			left -= did
			return did, nil
		}})
		synctest.Wait()
		r.Stop()
		if left != 0 || runs != 3 || time.Since(start) != 0 {
			t.Errorf("%d left after %d runs in %v", left, runs, time.Since(start))
		}
	})
}

func TestAJobSurvivesErrorsAndPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		r := Start(quiet, Job{Name: "j", Interval: time.Minute, Run: func(context.Context) (int, error) {
			runs++
			switch runs {
			case 1:
				return 0, errors.New("broken")
			case 2:
				panic("broken")
			}
			return 0, nil
		}})
		time.Sleep(150 * time.Second)
		r.Stop()
		if runs != 3 {
			t.Errorf("%d runs, want 3", runs)
		}
	})
}

func TestStopCancelsAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		r := Start(quiet, Job{Name: "j", Interval: time.Minute, Run: func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended = true
			return 0, ctx.Err()
		}})
		synctest.Wait()
		r.Stop()
		if !ended {
			t.Error("Stop returned while the job ran")
		}
	})
}
