package issue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// tower starts looks that take a time of the test and remembers when each began.
type tower struct {
	t       *testing.T
	flights *flights
	start   time.Time
	began   chan string
}

func newTower(t *testing.T, atOnce int) *tower {
	t.Helper()
	return &tower{t: t, flights: newFlights(atOnce), start: time.Now(), began: make(chan string, 10_000)}
}

// look is a look of an account that takes a time, or until it is cancelled.
func (w *tower) look(account string, takes time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		w.began <- fmt.Sprintf("%s at %s", account, time.Since(w.start))
		select {
		case <-time.After(takes):
		case <-ctx.Done():
		}
	}
}

// join asks for n looks of an account and returns how many were refused, of which kind, and the channels of the others.
func (w *tower) join(account string, n int, takes time.Duration) (done []<-chan struct{}, refused map[fault.Kind]int) {
	w.t.Helper()
	refused = map[fault.Kind]int{}
	for i := range n {
		d, err := w.flights.join(account, fmt.Sprintf("%s-%d", account, i), acme.HTTP01, w.look(account, takes))
		if err != nil {
			refused[fault.KindOf(err)]++
			continue
		}
		done = append(done, d)
	}
	return done, refused
}

// history returns what began since the last call, sorted: what begins at one moment has no sequence.
func (w *tower) history() []string {
	synctest.Wait()
	var out []string
	for len(w.began) > 0 {
		out = append(out, <-w.began)
	}
	slices.Sort(out)
	return out
}

// Proves INC-117.
func TestOneAccountHasItsShareOfTheLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTower(t, 8) // 8 run and 128 wait; an account runs 2 and has 17 in all
		defer w.flights.close()
		_, refused := w.join("a", 30, time.Second)
		if refused[fault.RateLimited] != 13 || len(refused) != 1 {
			t.Errorf("refused %v", refused)
		}
		_, err := w.flights.join("a", "a-99", acme.HTTP01, w.look("a", 0))
		if refusal, ok := err.(*fault.Error); !ok || refusal.RetryAfter != 5*time.Second || !strings.Contains(refusal.Public, "17 challenges of this account") { //nolint:errorlint // join returns it bare
			t.Errorf("R-02: %#v", err)
		}
		if _, refused := w.join("b", 1, time.Second); len(refused) != 0 {
			t.Errorf("another account is refused: %v", refused)
		}
		if got := w.history(); !slices.Equal(got, []string{"a at 0s", "a at 0s", "b at 0s"}) {
			t.Errorf("at once began %q", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if _, refused := w.join("a", 30, time.Second); refused[fault.RateLimited] != 13 {
			t.Errorf("of 30 after two landed, with 15 joined again, %v are refused", refused)
		}
	})
}

func TestAFullServerRefusesEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTower(t, 1) // 1 runs and 16 wait; an account has 2
		defer w.flights.close()
		for i := range 9 {
			w.join(fmt.Sprint("account", i), 2, time.Second)
		}
		if w.flights.count() != 17 {
			t.Fatalf("%d under way", w.flights.count())
		}
		_, err := w.flights.join("new", "x", acme.HTTP01, w.look("new", 0))
		if !fault.Is(err, fault.Unavailable) || err.(*fault.Error).RetryAfter != 5*time.Second { //nolint:errorlint // join returns it bare
			t.Errorf("%v", err)
		}
		if started, err := w.flights.resume("new", "x", acme.HTTP01, w.look("new", 0)); started || !fault.Is(err, fault.Unavailable) {
			t.Errorf("%t %v", started, err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n, lanes := w.flights.count(), len(w.flights.lanes); n != 0 || lanes != 0 {
			t.Errorf("%d looks and %d accounts are left", n, lanes)
		}
		if got := len(w.history()); got != 17 {
			t.Errorf("%d looks began", got)
		}
	})
}

// TestAccountsTakeTurns fills the server with the looks of a few accounts: one more account does not wait behind them.
func TestAccountsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTower(t, 4) // an account runs 1 and has 8
		defer w.flights.close()
		for _, account := range []string{"a", "b", "c", "d", "e"} {
			w.join(account, 8, 10*time.Second)
		}
		time.Sleep(time.Second)
		w.join("late", 3, 10*time.Second)
		time.Sleep(time.Minute)
		var late []string
		for _, began := range w.history() {
			if strings.HasPrefix(began, "late") {
				late = append(late, began)
			}
		}
		// Four slots come free every 10 s, and six accounts take turns: each has one at least every 20 s.
		if len(late) != 3 || late[0] != "late at 10s" || late[1] > "late at 30s" || late[2] > "late at 50s" {
			t.Errorf("began %q", late)
		}
	})
}

func TestOneAuthorizationIsLookedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTower(t, 4)
		defer w.flights.close()
		first, err := w.flights.join("a", "x", acme.HTTP01, w.look("a", time.Second))
		again, errAgain := w.flights.join("a", "x", acme.HTTP01, w.look("a", time.Second))
		if err != nil || errAgain != nil || first != again {
			t.Errorf("%v %v", err, errAgain)
		}
		if _, err := w.flights.join("a", "x", acme.DNS01, w.look("a", time.Second)); !fault.Is(err, fault.Malformed) {
			t.Errorf("Z-08: %v", err)
		}
		if started, err := w.flights.resume("a", "x", acme.HTTP01, w.look("a", time.Second)); started || err != nil {
			t.Errorf("resumed although it flies: %t %v", started, err)
		}
		<-first
		if time.Since(w.start) != time.Second || len(w.history()) != 1 {
			t.Errorf("after %v", time.Since(w.start))
		}
	})
}

// TestResumedLooksAreNotHeldToTheShare: they were promised, and one account's do not keep the others' back.
func TestResumedLooksAreNotHeldToTheShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTower(t, 4) // an account runs 1 and has 8
		defer w.flights.close()
		for i := range 20 {
			if started, err := w.flights.resume("a", fmt.Sprint(i), acme.HTTP01, w.look("a", time.Second)); !started || err != nil {
				t.Fatalf("%d: %t %v", i, started, err)
			}
		}
		if started, err := w.flights.resume("b", "b", acme.HTTP01, w.look("b", time.Second)); !started || err != nil {
			t.Fatalf("%t %v", started, err)
		}
		if _, refused := w.join("a", 1, time.Second); refused[fault.RateLimited] != 1 {
			t.Errorf("a new look of the account: %v", refused)
		}
		if got := w.history(); len(got) != 2 || !slices.Contains(got, "b at 0s") {
			t.Errorf("at once began %q", got)
		}
		time.Sleep(20 * time.Second)
		if got := w.history(); len(got) != 19 {
			t.Errorf("%d more began in the time of 19", len(got))
		}
	})
}

func TestClosingEndsWhatRunsAndWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTower(t, 4)
		done, _ := w.join("a", 8, time.Hour)
		synctest.Wait()
		w.flights.close()
		for _, d := range done {
			<-d
		}
		if time.Since(w.start) != 0 || len(w.history()) != 1 || w.flights.count() != 0 {
			t.Errorf("after %v, %d left", time.Since(w.start), w.flights.count())
		}
		if _, refused := w.join("b", 1, time.Second); refused[fault.Unavailable] != 1 {
			t.Errorf("after the close: %v", refused)
		}
		w.flights.close()
	})
}
