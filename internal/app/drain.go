package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// ending is how a server came to its end.
type ending struct {
	cause   error     // a signal, or what failed
	at      time.Time // when it stopped accepting
	problem error     // what failed, before and since; nil: it ended in order
}

// drain stops accepting everywhere at once, answers what is open within the limit, and stops the jobs.
// The failure is why it stops, when it does not stop in order. The error is that, and what failed since.
func (s *server) drain(cause, failure error) error {
	a := s.app
	a.ending = &ending{cause: cause, at: time.Now()}
	s.health.draining.Store(true)
	a.log.Info("the server stops", slog.Any("cause", cause), slog.Duration("limit", a.config.Drain))
	a.ending.problem = errors.Join(failure, s.shutdown())
	s.jobs.Stop()
	return a.ending.problem
}

// shutdown returns when every listener is closed, and with the admin listener its socket removed: the next server may
// bind both at once.
func (s *server) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.app.config.Drain)
	defer cancel()
	problems := make([]error, len(s.http))
	var all sync.WaitGroup
	for i, h := range s.http {
		all.Go(func() { problems[i] = s.shut(ctx, h) })
	}
	all.Wait()
	s.serving.Wait()
	return errors.Join(problems...)
}

func (s *server) shut(ctx context.Context, h *http.Server) error {
	err := h.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(fmt.Errorf("requests that were open after %s were cut off", s.app.config.Drain), h.Close())
	}
	return err
}

// tellEnd writes the last line of a server's log; err is what failed at the very end.
func (a *App) tellEnd(err error) {
	if a.ending == nil {
		return
	}
	attrs := []slog.Attr{slog.Any("cause", a.ending.cause), slog.Duration("drained", time.Since(a.ending.at))}
	level := slog.LevelInfo
	if err = errors.Join(a.ending.problem, err); err != nil {
		level, attrs = slog.LevelError, append(attrs, slog.Any("error", err))
	}
	a.log.LogAttrs(context.Background(), level, "the server has ended", attrs...)
}
