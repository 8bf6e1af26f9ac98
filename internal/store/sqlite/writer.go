package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// How much waits for the writer, and how much it commits together.
const (
	queueLength = 1024
	groupLimit  = 256
)

// writer is the one goroutine that writes. It takes what is waiting, runs it in one transaction and commits it with
// one fsync. Nobody is answered before COMMIT; nobody's context reaches the transaction.
type writer struct {
	conn    *conn
	observe func(members int, took time.Duration)
	done    chan struct{} // closed when the last write is answered

	gate   sync.RWMutex // held for reading while something enters the queue
	closed bool
	queue  chan *member
}

// member is one write of a group. The answer channel has room for the answer, so that nobody needs to wait for it.
type member struct {
	apply  func(*tx) error
	answer chan error
}

// tx is the transaction of one member.
type tx struct {
	conn   *conn
	broken error // what ended the transaction, or may have
}

func newWriter(conn *conn, observe func(members int, took time.Duration)) *writer {
	if observe == nil {
		observe = func(int, time.Duration) {}
	}
	w := &writer{conn: conn, observe: observe, done: make(chan struct{}), queue: make(chan *member, queueLength)}
	go w.loop()
	return w
}

// write runs fn in a transaction of the writer, and returns its result when that is committed.
// A context that ends first leaves the write to its fate: the error is Unavailable with the context's error as cause.
func write[T any](ctx context.Context, db *DB, fn func(*tx) (T, error)) (T, error) {
	var none, result T
	m := &member{answer: make(chan error, 1)}
	m.apply = func(tx *tx) (err error) {
		result, err = fn(tx)
		return err
	}
	if err := db.writer.submit(ctx, m); err != nil {
		return none, err
	}
	select {
	case err := <-m.answer:
		if err != nil {
			return none, err
		}
		return result, nil
	case <-ctx.Done():
		return none, fault.Wrap(context.Cause(ctx), fault.Unavailable, "The request ended before its outcome was known.")
	}
}

// execute is write for transitions without a result.
func execute(ctx context.Context, db *DB, fn func(*tx) error) error {
	_, err := write(ctx, db, func(tx *tx) (struct{}, error) { return struct{}{}, fn(tx) })
	return err
}

func (w *writer) submit(ctx context.Context, m *member) error {
	if err := ctx.Err(); err != nil {
		return notBegun(ctx)
	}
	w.gate.RLock()
	defer w.gate.RUnlock()
	if w.closed {
		return errClosed()
	}
	select {
	case w.queue <- m:
		return nil
	case <-ctx.Done():
		return notBegun(ctx)
	}
}

func notBegun(ctx context.Context) error {
	return fault.Wrap(context.Cause(ctx), fault.Unavailable, "The request ended before its turn; nothing was changed.")
}

func errClosed() error {
	return fault.New(fault.Unavailable, "The server is stopping; try again in a moment.")
}

// close lets the accepted writes finish and accepts no more.
func (w *writer) close() {
	w.gate.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.gate.Unlock()
	<-w.done
}

func (w *writer) loop() {
	defer close(w.done)
	for m := range w.queue {
		group := w.gather(m)
		begun := time.Now()
		answers := w.commit(group)
		for i, m := range group {
			m.answer <- answers[i]
		}
		w.observe(len(group), time.Since(begun))
	}
}

// gather returns first and what else is waiting.
func (w *writer) gather(first *member) []*member {
	group := []*member{first}
	for len(group) < groupLimit {
		select {
		case m, open := <-w.queue:
			if !open {
				return group
			}
			group = append(group, m)
		default:
			return group
		}
	}
	return group
}

// commit runs a group in one transaction and returns each member's answer. When the transaction ends early or cannot
// be committed, every member fails, also those that had an error of their own: what they saw never was.
func (w *writer) commit(group []*member) []error {
	answers := make([]error, len(group))
	err := w.conn.run("BEGIN IMMEDIATE")
	if err == nil {
		err = w.apply(group, answers)
	}
	if err == nil {
		err = w.conn.run("COMMIT")
	}
	if err != nil {
		_ = w.conn.run("ROLLBACK") // often SQLite did it already, and says so
		err = ended(err)
		for i := range answers {
			answers[i] = err
		}
	}
	return answers
}

// apply runs each member under its own savepoint. Its error is what ended the transaction.
func (w *writer) apply(group []*member, answers []error) error {
	for i, m := range group {
		if err := w.conn.run("SAVEPOINT member"); err != nil {
			return err
		}
		tx := &tx{conn: w.conn}
		err := tx.apply(m)
		if tx.broken != nil {
			return tx.broken
		}
		if err != nil {
			if back := w.conn.run("ROLLBACK TO member"); back != nil {
				return fmt.Errorf("%w, after: %w", back, err)
			}
		}
		if err := w.conn.run("RELEASE member"); err != nil {
			return err
		}
		answers[i] = translate(err)
	}
	return nil
}

// apply runs one member; a panic is its error and nobody else's.
func (t *tx) apply(m *member) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic in a write: %v\n%s", reason, debug.Stack())
		}
	}()
	return m.apply(t)
}

// ended is the error of every member of a group whose transaction ended.
func ended(err error) error {
	if err = translate(err); fault.KindOf(err) == fault.Unavailable {
		return err
	}
	return unavailable(err)
}

// Query implements query.Querier inside the transaction.
func (t *tx) Query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if t.broken != nil {
		return nil, t.broken
	}
	rows, err := t.conn.Query(ctx, text, args...)
	return rows, t.note(err)
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(text string, args ...any) (int64, error) {
	if t.broken != nil {
		return 0, t.broken
	}
	changed, err := t.conn.exec(text, args...)
	return changed, t.note(err)
}

// note remembers an error after which the transaction may not be there any more: whatever ran then would be a
// transaction of its own.
func (t *tx) note(err error) error {
	if isFailure(err) {
		t.broken = err
	}
	return err
}
