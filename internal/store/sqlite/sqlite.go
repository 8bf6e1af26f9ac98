// Package sqlite is the embedded engine of the store: one database file, one writer, several readers.
//
// Guarantees beyond those of package store. The log is synced at every commit (WAL, synchronous=FULL). One goroutine
// writes and commits together what is waiting, so that writers share one fsync and never meet a lock; each write can be
// undone alone, and its error takes nobody else along. When an error ends the transaction of a group
// (no space, an I/O error), every member of the group gets Unavailable; nothing of it is stored, unless COMMIT itself
// failed, which leaves it open. The writer goes on with the next group. Readers see what was committed before they
// began and never wait for the writer.
//
// The file belongs to one process at a time; that is the caller's to ensure.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/store"
)

var _ store.Store = (*DB)(nil)

// defaultReaders is how many reads run at the same time unless Options say otherwise.
const defaultReaders = 4

// Options are the choices of a process; the zero value is a good one.
type Options struct {
	// Readers is how many reads run at the same time; 0 means 4.
	Readers int
	// Observe is called after each commit with the number of writes that shared it and the time that it took. It runs on
	// the writer's goroutine: it must be quick.
	Observe func(members int, took time.Duration)
}

// DB is an open database. Its methods may be called from any goroutine.
type DB struct {
	path    string
	writing *sql.DB
	reading *sql.DB
	writer  *writer
	readers chan *conn
	count   int // of readers

	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error
}

// Open opens the database file at path, makes it when there is none (readable by its owner alone), and brings its
// schema up to date. A file that a newer version wrote, or that is no database of Everleaf, is refused with a sentence
// and left as it is.
func Open(ctx context.Context, path string, options Options) (*DB, error) {
	if err := createFile(path); err != nil {
		return nil, err
	}
	head, err := inspect(ctx, path)
	if err != nil {
		return nil, translate(err)
	}
	db := &DB{path: path, closing: make(chan struct{}), count: options.Readers}
	if db.count == 0 {
		db.count = defaultReaders
	}
	if err := db.open(ctx, head, options); err != nil {
		return nil, errors.Join(translate(err), db.release())
	}
	return db, nil
}

// createFile makes an empty file that nobody else can read; SQLite gives its log the same mode.
func createFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return file.Close()
}

// open opens the writer first: it recovers the log of a process that was killed.
func (db *DB) open(ctx context.Context, head header, options Options) error {
	pool, err := openPool(db.path, readWrite)
	if err != nil {
		return err
	}
	db.writing = pool
	if err := migrate(ctx, db.path, head, pool); err != nil {
		return err
	}
	if db.reading, err = openPool(db.path, readOnly); err != nil {
		return err
	}
	conn, err := newConn(ctx, pool)
	if err != nil {
		return err
	}
	if err := db.openReaders(ctx); err != nil {
		return errors.Join(err, conn.close())
	}
	db.writer = newWriter(conn, newWALLog(db.path+"-wal"), options.Observe)
	return nil
}

func (db *DB) openReaders(ctx context.Context) error {
	db.readers = make(chan *conn, db.count)
	for range db.count {
		reader, err := newConn(ctx, db.reading)
		if err != nil {
			close(db.readers)
			for reader := range db.readers {
				err = errors.Join(err, reader.close())
			}
			return err
		}
		db.readers <- reader
	}
	return nil
}

func openPool(path string, access access) (*sql.DB, error) {
	connector, err := newConnector(path, access)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// Close waits for the writes that were accepted and for running reads, writes the log back into the file and
// releases it. Calls that come later get Unavailable.
func (db *DB) Close() error {
	db.closeOnce.Do(func() {
		close(db.closing)
		db.writer.close()
		problems := []error{db.writer.conn.close()}
		for range db.count {
			problems = append(problems, (<-db.readers).close())
		}
		db.closeErr = errors.Join(append(problems, db.release())...)
	})
	return db.closeErr
}

// release closes the pools, the writer's last: the last connection that may write removes the log.
func (db *DB) release() error {
	var problems []error
	for _, pool := range []*sql.DB{db.reading, db.writing} {
		if pool != nil {
			problems = append(problems, pool.Close())
		}
	}
	return errors.Join(problems...)
}
