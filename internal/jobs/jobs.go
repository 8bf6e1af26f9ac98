// Package jobs runs what happens without a request: each job is one function that is called again and again, at its
// interval.
package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Job is one background service.
type Job struct {
	Name     string
	Interval time.Duration                                    // between the end of one run and the start of the next
	Run      func(ctx context.Context) (int, error)           // returns how many things it did; it is called again at once while it did More or more
	More     int                                              // 0: never called again at once
	Observe  func(name string, took time.Duration, err error) // nil: nobody asks
}

// Runner runs jobs, each in its own goroutine, one run at a time.
type Runner struct {
	log    *slog.Logger
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// Start begins to run jobs, each at once for the first time.
func Start(log *slog.Logger, jobs ...Job) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runner{log: log, cancel: cancel}
	for _, j := range jobs {
		r.wait.Go(func() { r.loop(ctx, j) })
	}
	return r
}

// Stop cancels the jobs and waits until the last has returned.
func (r *Runner) Stop() {
	r.cancel()
	r.wait.Wait()
}

func (r *Runner) loop(ctx context.Context, j Job) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if r.once(ctx, j) {
			timer.Reset(0)
		} else {
			timer.Reset(j.Interval)
		}
	}
}

// once runs a job and reports whether it wants to run again at once.
func (r *Runner) once(ctx context.Context, j Job) (again bool) {
	started := time.Now()
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("a job panicked; it runs again at its interval", slog.String("job", j.Name), slog.Any("panic", p))
		}
	}()
	done, err := j.Run(ctx)
	if ctx.Err() != nil {
		return false
	}
	if j.Observe != nil {
		j.Observe(j.Name, time.Since(started), err)
	}
	if err != nil {
		r.log.Error("a job failed; it runs again at its interval", slog.String("job", j.Name), slog.Any("error", err))
		return false
	}
	if done > 0 {
		r.log.Debug("a job did something", slog.String("job", j.Name), slog.Int("done", done))
	}
	return j.More > 0 && done >= j.More
}
