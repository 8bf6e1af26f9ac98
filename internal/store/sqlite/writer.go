package sqlite

import (
	"context"
	"database/sql"
	"errors"
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
	log     *walLog
	observe func(members int, took time.Duration)
	done    chan struct{} // closed when the last write is answered

	gate   sync.RWMutex // held for reading while something enters the queue
	closed bool
	queue  chan *member
}

// member is one write of a group. It may be applied twice, the first time for nothing. The answer channel has room for
// the answer, so that nobody needs to wait for it.
type member struct {
	apply  func(*tx) error
	answer chan error
}

// tx is the transaction of one member.
type tx struct {
	conn    *conn
	changed bool  // the member changed something
	broken  error // what ended the transaction, or may have
}

func newWriter(conn *conn, log *walLog, observe func(members int, took time.Duration)) *writer {
	if observe == nil {
		observe = func(int, time.Duration) {}
	}
	w := &writer{conn: conn, log: log, observe: observe, done: make(chan struct{}), queue: make(chan *member, queueLength)}
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
		w.log.shorten(w.conn)
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
//
// Savepoints are dear: SQLite copies every page that a member touches. Nearly all members that fail do so before they
// change anything, so a group runs without savepoints first, and a second time with them when one of it needs its own.
func (w *writer) commit(group []*member) []error {
	answers, err := w.attempt(group, w.applyPlainly)
	if errors.Is(err, errNeedsSavepoints) {
		answers, err = w.attempt(group, w.applySaved)
	}
	if err != nil {
		err = ended(err)
		for i := range answers {
			answers[i] = err
		}
	}
	return answers
}

// errNeedsSavepoints says that a member failed after it had changed something.
var errNeedsSavepoints = errors.New("a write has to be undone alone")

// attempt runs a group in one transaction. With an error nothing of it is stored, unless COMMIT failed.
func (w *writer) attempt(group []*member, apply func(*member) (error, error)) (answers []error, err error) {
	answers = make([]error, len(group))
	err = w.conn.run("BEGIN IMMEDIATE")
	for i := 0; i < len(group) && err == nil; i++ {
		answers[i], err = apply(group[i])
	}
	if err == nil {
		err = w.conn.run("COMMIT")
	}
	if err != nil {
		_ = w.conn.run("ROLLBACK") // often SQLite did it already, and says so
	}
	return answers, err
}

// applyPlainly runs a member in the transaction as it is.
func (w *writer) applyPlainly(m *member) (answer, ended error) {
	tx := &tx{conn: w.conn}
	answer = tx.apply(m)
	switch {
	case tx.broken != nil:
		return nil, tx.broken
	case answer != nil && tx.changed:
		return nil, errNeedsSavepoints
	}
	return translate(answer), nil
}

// applySaved runs a member under a savepoint, to which its error leads back.
func (w *writer) applySaved(m *member) (answer, ended error) {
	if err := w.conn.run("SAVEPOINT member"); err != nil {
		return nil, err
	}
	tx := &tx{conn: w.conn}
	answer = tx.apply(m)
	if tx.broken != nil {
		return nil, tx.broken
	}
	if answer != nil {
		if err := w.conn.run("ROLLBACK TO member"); err != nil {
			return nil, errors.Join(err, answer)
		}
	}
	return translate(answer), w.conn.run("RELEASE member")
}

// apply runs one member; a panic is its error and nobody else's.
func (t *tx) apply(m *member) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic in a write: %v\n%s", reason, debug.Stack())
		}
	}()
	return t.note(m.apply(t))
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
	rows, err := t.conn.exec(text, args...)
	t.changed = t.changed || rows > 0
	return rows, t.note(err)
}

// note remembers an error after which the transaction may not be there any more: whatever ran then would be a
// transaction of its own. Errors that come up while rows are read are seen in the member's result.
func (t *tx) note(err error) error {
	if isFailure(err) {
		t.broken = err
	}
	return err
}
