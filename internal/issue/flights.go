package issue

import (
	"context"
	"sync"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// flights runs at most one look for each authorization at a time, at most a fixed number altogether, and at most
// some waiting ones; it can be closed.
type flights struct {
	slots  chan struct{}
	most   int
	stop   context.CancelFunc
	ctx    context.Context //nolint:containedctx // the life of the looks is the life of the service, not of a request
	mu     sync.Mutex      // guards closed, flying and the start of new looks against close
	closed bool
	flying map[string]flight
	wait   sync.WaitGroup
}

// flight is one look under way.
type flight struct {
	method acme.Method
	done   chan struct{} // closed at its end
}

// waiting is how many looks may wait for each that may run.
const waiting = 16

func newFlights(atOnce int) *flights {
	ctx, cancel := context.WithCancel(context.Background())
	return &flights{
		slots: make(chan struct{}, atOnce), most: atOnce * (1 + waiting),
		ctx: ctx, stop: cancel, flying: make(map[string]flight),
	}
}

// join starts run for a method of an authorization, or joins the look that flies already, and returns a channel that
// is closed at its end. Errors: Malformed when another method of the authorization is looked at; Unavailable when
// the service closes or too many wait.
func (f *flights) join(authorization string, m acme.Method, run func(context.Context)) (<-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if under, ok := f.flying[authorization]; ok {
		if under.method != m {
			return nil, fault.New(fault.Malformed, "The %s challenge of this authorization is being validated.", under.method)
		}
		return under.done, nil
	}
	if f.closed || len(f.flying) >= f.most {
		return nil, fault.New(fault.Unavailable, "The server is busy or stopping; try again in a moment.")
	}
	done := make(chan struct{})
	f.flying[authorization] = flight{method: m, done: done}
	f.wait.Go(func() {
		defer f.land(authorization, done)
		select {
		case f.slots <- struct{}{}:
			defer func() { <-f.slots }()
			run(f.ctx)
		case <-f.ctx.Done():
		}
	})
	return done, nil
}

func (f *flights) land(authorization string, done chan struct{}) {
	f.mu.Lock()
	delete(f.flying, authorization)
	f.mu.Unlock()
	close(done)
}

// close cancels what flies, lets nothing start any more, and waits for the last landing.
func (f *flights) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.stop()
	f.wait.Wait()
}
