package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func openTest(t testing.TB, options Options) *DB {
	t.Helper()
	db, err := Open(context.Background(), filepath.Join(t.TempDir(), "everleaf.db"), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// hold keeps the writer busy until release is called: what is written in between becomes one group.
func hold(t testing.TB, db *DB) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	go func() {
		_ = execute(context.Background(), db, func(*tx) error {
			close(begun)
			<-end
			return nil
		})
	}()
	<-begun
	return sync.OnceFunc(func() { close(end) })
}

// group runs writes as one group and returns their errors.
func group(t testing.TB, db *DB, writes ...func(*tx) error) []error {
	t.Helper()
	release := hold(t, db)
	defer release()
	members := make([]*member, len(writes))
	for i, write := range writes {
		members[i] = &member{apply: write, answer: make(chan error, 1)}
		if err := db.writer.submit(context.Background(), members[i]); err != nil {
			t.Fatal(err)
		}
	}
	release()
	errs := make([]error, len(members))
	for i, m := range members {
		errs[i] = <-m.answer
	}
	return errs
}

// put is a write that stores a setting.
func put(name, value string) func(*tx) error {
	return func(tx *tx) error {
		_, err := tx.exec("INSERT INTO settings (name, value) VALUES (?, ?)", name, value)
		return err
	}
}

// beat counts how often it was applied for good.
func beat(tx *tx) error {
	_, err := tx.exec("UPDATE pulse SET beat = beat + 1")
	return err
}

func beats(t testing.TB, db *DB) (n int) {
	t.Helper()
	if err := db.reading.QueryRow("SELECT beat FROM pulse").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func stored(t testing.TB, db *DB, name string) bool {
	t.Helper()
	value, err := db.Setting(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return value != ""
}

// A failed member takes nobody along, whether it changed something before or not, and nobody is applied twice.
func TestMemberFailsAlone(t *testing.T) {
	refusal := fault.New(fault.NotReady, "The order is pending.")
	broken := errors.New("broken")
	failures := map[string]struct {
		write func(*tx) error
		check func(error) bool
	}{
		"before a change": {
			func(*tx) error { return refusal },
			func(err error) bool { return errors.Is(err, refusal) },
		},
		"after a change": {
			func(tx *tx) error { return errors.Join(put("failed", "x")(tx), broken) },
			func(err error) bool { return errors.Is(err, broken) },
		},
		"with a duplicate": {
			func(tx *tx) error { return errors.Join(put("failed", "x")(tx), put("failed", "x")(tx)) },
			func(err error) bool { return fault.Is(err, fault.Conflict) },
		},
		"with wrong SQL": {
			func(tx *tx) error {
				_, err := tx.exec("UPDATE nothing SET x = 1")
				return errors.Join(put("failed", "x")(tx), err)
			},
			func(err error) bool { return err != nil && fault.KindOf(err) == fault.Internal },
		},
		"with a panic": {
			func(tx *tx) error {
				if err := put("failed", "x")(tx); err != nil {
					return err
				}
				panic("a defect")
			},
			func(err error) bool { return err != nil && fault.KindOf(err) == fault.Internal },
		},
	}
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openTest(t, Options{})
			errs := group(t, db, beat, put("first", "x"), failure.write, beat, put("last", "x"))
			for i, err := range errs {
				if failed := i == 2; failed && !failure.check(err) || !failed && err != nil {
					t.Errorf("member %d: %v", i, err)
				}
			}
			if got := beats(t, db); got != 2 {
				t.Errorf("two members were applied %d times", got)
			}
			if !stored(t, db, "first") || !stored(t, db, "last") || stored(t, db, "failed") {
				t.Error("the wrong members are stored")
			}
		})
	}
}

// What is waiting shares one commit, and a member sees what those before it did.
func TestGroupCommits(t *testing.T) {
	var groups []int
	db := openTest(t, Options{Observe: func(members int, took time.Duration) {
		if took <= 0 {
			t.Errorf("the commit took %s", took)
		}
		groups = append(groups, members)
	}})
	errs := group(t, db, put("a", "x"), func(tx *tx) error {
		if err := put("a", "x")(tx); !isDuplicate(err) {
			return fmt.Errorf("the setting of the member before is not there: %w", err)
		}
		return nil
	}, put("c", "x"))
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(groups) != "[1 3]" {
		t.Errorf("the commits had %v members; want 1 and 3", groups)
	}
}

func TestGroupIsBounded(t *testing.T) {
	var groups []int
	db := openTest(t, Options{Observe: func(members int, _ time.Duration) { groups = append(groups, members) }})
	writes := make([]func(*tx) error, groupLimit+1)
	for i := range writes {
		writes[i] = beat
	}
	group(t, db, writes...)
	if got := beats(t, db); got != len(writes) {
		t.Errorf("%d of %d members are stored", got, len(writes))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("[1 %d 1]", groupLimit); fmt.Sprint(groups) != want {
		t.Errorf("the commits had %v members; want %s", groups, want)
	}
}

// Parallel writers never meet a lock, and share commits.
func TestParallelWriters(t *testing.T) {
	var commits, members atomic.Int64
	db := openTest(t, Options{Observe: func(n int, _ time.Duration) {
		commits.Add(1)
		members.Add(int64(n))
	}})
	const writers, rounds = 64, 20
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range rounds {
				if err := execute(context.Background(), db, beat); err != nil {
					t.Error(err)
				}
				if _, err := db.Setting(context.Background(), "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := beats(t, db); got != writers*rounds {
		t.Errorf("%d of %d writes are stored", got, writers*rounds)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if members.Load() != writers*rounds || commits.Load() >= members.Load()/2 {
		t.Errorf("%d writes took %d commits", members.Load(), commits.Load())
	}
}

// Cancelled requests in the middle of a group: the group commits, the cancelled writes included.
func TestCancelledInGroup(t *testing.T) {
	db := openTest(t, Options{})
	release := hold(t, db)
	waiting, cancelWaiting := context.WithCancel(context.Background())
	running, cancelRunning := context.WithCancel(context.Background())
	errs := make([]error, 4)
	var all sync.WaitGroup
	start := func(i int, ctx context.Context, write func(*tx) error) {
		queued := len(db.writer.queue)
		all.Go(func() { errs[i] = execute(ctx, db, write) })
		for len(db.writer.queue) == queued {
			runtime.Gosched()
		}
	}
	start(0, context.Background(), put("first", "x"))
	start(1, waiting, put("cancelled while it waited", "x"))
	start(2, running, func(tx *tx) error {
		defer cancelRunning()
		return put("cancelled while it ran", "x")(tx)
	})
	start(3, context.Background(), put("last", "x"))
	cancelWaiting()
	release()
	all.Wait()
	for i, err := range errs {
		cancelled := i == 1 || i == 2 // its answer may have been quicker
		if err != nil && !(cancelled && fault.Is(err, fault.Unavailable) && errors.Is(err, context.Canceled)) {
			t.Errorf("member %d: %v", i, err)
		}
	}
	for _, name := range []string{"first", "cancelled while it waited", "cancelled while it ran", "last"} {
		if !stored(t, db, name) {
			t.Errorf("%q is not stored", name)
		}
	}
	for range 32 { // the queue has room: only the look before it keeps such a write out, every time
		err := execute(waiting, db, put("cancelled before", "x"))
		if !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
			t.Fatalf("a write whose context had ended: %v", err)
		}
	}
	if err := db.Ping(context.Background()); err != nil || stored(t, db, "cancelled before") { // what was accepted is done by now
		t.Errorf("a write whose context had ended is stored, or %v", err)
	}
}

// TestCancelledWhileItWaits leaves a write to its fate: nobody is told that it succeeded before it did.
func TestCancelledWhileItWaits(t *testing.T) {
	db := openTest(t, Options{})
	release := hold(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	outcome := make(chan error)
	queued := len(db.writer.queue)
	go func() { outcome <- execute(ctx, db, put("left", "x")) }()
	for len(db.writer.queue) == queued {
		runtime.Gosched()
	}
	cancel()
	if err := <-outcome; !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Sentence(err), "before its outcome was known") {
		t.Errorf("a write that still waits: %v", err)
	}
	release()
	if err := db.Ping(context.Background()); err != nil || !stored(t, db, "left") {
		t.Errorf("it is not stored: %v", err)
	}
}

// A write that finds the queue full waits no longer than its context.
func TestQueueIsBounded(t *testing.T) {
	db := openTest(t, Options{})
	release := hold(t, db)
	defer release()
	for range queueLength {
		if err := db.writer.submit(context.Background(), &member{apply: beat, answer: make(chan error, 1)}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := execute(ctx, db, put("too much", "x")); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Sentence(err), "nothing was changed") {
		t.Errorf("a write into a full queue: %v", err)
	}
	release()
	if err := db.Ping(context.Background()); err != nil {
		t.Fatal(err)
	}
	if stored(t, db, "too much") {
		t.Error("a write that was not accepted is stored")
	}
}

// A read that finds every reader busy waits no longer than its context.
func TestReadersAreBounded(t *testing.T) {
	db := openTest(t, Options{Readers: 1})
	reader, err := db.acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := db.Setting(ctx, "x"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a read without a reader: %v", err)
	}
	db.readers <- reader
	if _, err := db.Setting(context.Background(), "x"); err != nil {
		t.Error(err)
	}
}
