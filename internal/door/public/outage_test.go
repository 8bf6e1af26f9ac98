package public

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wantError fetches a list that cannot be had, and compares why, and how often the store was asked since the start.
func (p *press) wantError(t *testing.T, l *lists, issuer string, want error, looks int) {
	t.Helper()
	_, err := l.newest(t.Context(), place{issuer, 1})
	if !errors.Is(err, want) || p.looks != looks {
		t.Errorf("%v after %d looks, want %v and %d", err, p.looks, want, looks)
	}
}

func TestAListIsServedUntilItsNextUpdateWhileLooksFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p, broken := &press{}, errors.New("broken")
		l := newLists(p, memory, slog.New(slog.NewTextHandler(&log, nil)))
		p.publish("i", 1, 1, []byte("one"))
		nextUpdate := p.lists[place{"i", 1}].NextUpdate
		p.want(t, l, "i", "one", 1, 1)

		p.broken = broken
		time.Sleep(lookInterval)
		for range 10 {
			p.want(t, l, "i", "one", 2, 1)
		}
		p.wantError(t, l, "unknown", broken, 2)
		if lines := bytes.Count(log.Bytes(), []byte("error=broken\n")); lines != 1 {
			t.Errorf("one failed look makes %d lines in the log: %s", lines, &log)
		}
		time.Sleep(time.Until(nextUpdate) - time.Nanosecond)
		p.want(t, l, "i", "one", 3, 1)
		time.Sleep(time.Nanosecond)
		p.wantError(t, l, "i", broken, 3)

		p.broken = nil
		p.publish("i", 1, 2, []byte("two"))
		time.Sleep(lookInterval)
		p.want(t, l, "i", "two", 4, 2)
	})
}

func TestAFailedLookIsRememberedForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		p := &press{broken: broken}
		l := newLists(p, memory, slog.New(slog.DiscardHandler))
		p.publish("i", 1, 1, []byte("one"))
		p.wantError(t, l, "i", broken, 1)
		p.broken = nil
		time.Sleep(lookInterval - time.Nanosecond)
		p.wantError(t, l, "i", broken, 1)
		time.Sleep(time.Nanosecond)
		p.want(t, l, "i", "one", 2, 1)
	})
}

func TestManyWhoFetchFromABrokenStoreCauseOneLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock stands still: the second does not pass
		p := &press{broken: errors.New("broken")}
		l := newLists(p, memory, slog.New(slog.DiscardHandler))
		var wait sync.WaitGroup
		for range 100 {
			wait.Go(func() {
				if _, err := l.newest(t.Context(), place{"i", 1}); !errors.Is(err, p.broken) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if p.looks != 1 {
			t.Errorf("%d looks", p.looks)
		}
	})
}

func TestListsAreServedDuringALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &press{}
		l := newLists(p, memory, slog.New(slog.DiscardHandler))
		p.publish("i", 1, 1, []byte("one"))
		p.publish("j", 1, 1, []byte("other"))
		p.want(t, l, "i", "one", 1, 1)
		p.want(t, l, "j", "other", 1, 2)

		p.publish("i", 1, 2, []byte("two"))
		time.Sleep(lookInterval)
		p.looking = func(context.Context) {
			p.want(t, l, "i", "one", 1, 2)
			p.want(t, l, "j", "other", 1, 2)
		}
		p.want(t, l, "i", "two", 2, 3)
	})
}

func TestALookThatHangsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &press{}
		l := newLists(p, memory, slog.New(slog.DiscardHandler))
		p.publish("i", 1, 1, []byte("one"))
		p.want(t, l, "i", "one", 1, 1)
		p.looking = func(ctx context.Context) { <-ctx.Done() }
		time.Sleep(lookInterval)
		start := time.Now()
		p.want(t, l, "i", "one", 1, 1)
		p.wantError(t, l, "unknown", context.DeadlineExceeded, 1)
		if waited := time.Since(start); waited != lookLimit {
			t.Errorf("two fetches waited %s, want %s", waited, lookLimit)
		}
	})
}

func TestAClientThatLeavesDoesNotFailTheLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &press{}
		l := newLists(p, memory, slog.New(slog.DiscardHandler))
		p.publish("i", 1, 1, []byte("one"))
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := l.slot(gone, place{"i", 1}); err != nil {
			t.Error(err)
		}
		p.want(t, l, "i", "one", 1, 1)
	})
}
