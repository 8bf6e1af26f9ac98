package issue

import (
	"context"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// How the looks are shared between accounts.
const (
	waiting      = 16 // looks that may wait for each that may run at once
	runningShare = 4  // one account runs at most a quarter of the looks that may run at once
	heldShare    = 8  // one account has at most an eighth of all looks, running and waiting together

	retryLooks = 5 * time.Second // what a refusal says: half of what the longest look takes
)

// flights runs at most one look for each authorization at a time, at most a fixed number altogether, and lets at most
// some wait. Accounts with waiting looks take turns, and none gets more than its share, so that no single account can
// keep the others from being looked at. Several together can: eight accounts with their full shares, or nine where the
// eighths do not come out even, hold all room, and until one of their looks ends everybody else is refused as
// Unavailable. Accounts cost nothing at a connector without external account binding. It can be closed.
type flights struct {
	bounds bounds
	ctx    context.Context //nolint:containedctx // the life of the looks is the life of the service, not of a request
	stop   context.CancelFunc
	wait   sync.WaitGroup // the looks that run

	mu      sync.Mutex // guards all below
	closed  bool
	running int
	flying  map[string]*flight // by authorization: those that run and those that wait
	lanes   map[string]*lane   // by account; only accounts that have a look
	turns   []*lane            // who may start a look, in turn
}

// bounds are the most looks that may be under way.
type bounds struct {
	running, all               int // altogether
	accountRunning, accountAll int // of one account
}

func newBounds(atOnce int) bounds {
	all := atOnce * (1 + waiting)
	return bounds{
		running: atOnce, all: all,
		accountRunning: max(1, atOnce/runningShare), accountAll: max(1, all/heldShare),
	}
}

// flight is one look under way.
type flight struct {
	authorization string
	method        acme.Method
	run           func(context.Context)
	done          chan struct{} // closed at its end
}

// lane is the looks of one account.
type lane struct {
	account string
	running int
	waiting []*flight // the oldest first
	queued  bool      // stands in turns
}

func newFlights(atOnce int) *flights {
	ctx, cancel := context.WithCancel(context.Background())
	return &flights{
		bounds: newBounds(atOnce), ctx: ctx, stop: cancel,
		flying: make(map[string]*flight), lanes: make(map[string]*lane),
	}
}

// join starts run for a method of an account's authorization, or joins the look that flies already, and returns a
// channel that is closed at its end. Errors: Malformed when another method of the authorization is looked at;
// RateLimited when the account has its share; Unavailable when the service closes or too many wait.
func (f *flights) join(account, authorization string, m acme.Method, run func(context.Context)) (<-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if under, ok := f.flying[authorization]; ok {
		if under.method != m {
			return nil, fault.New(fault.Malformed, "The %s challenge of this authorization is being validated.", under.method)
		}
		return under.done, nil
	}
	if err := f.room(); err != nil {
		return nil, err
	}
	if l, ok := f.lanes[account]; ok && l.running+len(l.waiting) >= f.bounds.accountAll {
		err := fault.New(fault.RateLimited, "%d challenges of this account are being validated, which is its share; try again when some have ended.", f.bounds.accountAll)
		err.RetryAfter = retryLooks
		return nil, err
	}
	return f.add(account, authorization, m, run), nil
}

// resume starts run unless the authorization is looked at already, and reports whether it did. What a requester was
// promised before is not held to the account's share, but it waits for the account's turns like everything else.
// Error: Unavailable, as with join.
func (f *flights) resume(account, authorization string, m acme.Method, run func(context.Context)) (started bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.flying[authorization]; ok {
		return false, nil
	}
	if err := f.room(); err != nil {
		return false, err
	}
	f.add(account, authorization, m, run)
	return true, nil
}

// count returns how many looks run and wait.
func (f *flights) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.flying)
}

// room refuses looks when the service closes or too many wait.
func (f *flights) room() error {
	if !f.closed && len(f.flying) < f.bounds.all {
		return nil
	}
	err := fault.New(fault.Unavailable, "The server is busy or stopping; try again in a moment.")
	err.RetryAfter = retryLooks
	return err
}

func (f *flights) add(account, authorization string, m acme.Method, run func(context.Context)) <-chan struct{} {
	added := &flight{authorization: authorization, method: m, run: run, done: make(chan struct{})}
	f.flying[authorization] = added
	l, ok := f.lanes[account]
	if !ok {
		l = &lane{account: account}
		f.lanes[account] = l
	}
	l.waiting = append(l.waiting, added)
	f.queue(l)
	f.dispatch()
	return added.done
}

// queue gives an account its next turn, at the end of those who wait, unless it has nothing to run or runs its share.
func (f *flights) queue(l *lane) {
	if !l.queued && len(l.waiting) > 0 && l.running < f.bounds.accountRunning {
		l.queued = true
		f.turns = append(f.turns, l)
	}
}

// dispatch starts looks while there are slots: one for each account, then round again.
func (f *flights) dispatch() {
	for f.running < f.bounds.running && len(f.turns) > 0 {
		l := f.turns[0]
		f.turns, l.queued = f.turns[1:], false
		next := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.running++
		f.running++
		f.wait.Go(func() {
			defer f.land(l, next)
			next.run(f.ctx)
		})
		f.queue(l)
	}
}

func (f *flights) land(l *lane, ended *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.flying, ended.authorization)
	close(ended.done)
	f.running--
	l.running--
	if l.running == 0 && len(l.waiting) == 0 {
		delete(f.lanes, l.account)
	}
	f.queue(l)
	f.dispatch()
}

// close cancels what flies, lets nothing start any more, and waits for the last landing.
func (f *flights) close() {
	f.mu.Lock()
	f.closed, f.turns = true, nil
	for _, l := range f.lanes {
		for _, grounded := range l.waiting {
			delete(f.flying, grounded.authorization)
			close(grounded.done)
		}
		l.waiting = nil
	}
	f.mu.Unlock()
	f.stop()
	f.wait.Wait()
}
