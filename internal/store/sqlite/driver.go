package sqlite

import (
	"database/sql/driver"
	"errors"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	engine "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// This file is the only one that knows which driver is behind database/sql: it opens connections and reads errors.

// access says what a connection may do.
type access int

const (
	readOnly access = iota
	readWrite
	readFrozen // nobody writes the file meanwhile, and nothing is made beside it
)

// busyTimeout is how long, in milliseconds, a statement waits for a lock that another program holds.
const busyTimeout = 10_000

// newConnector returns what opens connections to the database file at path.
func newConnector(path string, access access) (driver.Connector, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") { // a drive letter
		slashed = "/" + slashed
	}
	location := url.URL{Path: slashed}
	return engine.NewConnector("file://" + location.EscapedPath() + "?" + settings(access).Encode())
}

// settings are what makes the promises of package store true: a commit is on the disk when it returns (WAL with
// synchronous=FULL; fullfsync is the same on macOS), references hold, and deleted pages can be given back.
func settings(access access) url.Values {
	values := url.Values{
		"_busy_timeout": {strconv.Itoa(busyTimeout)},
		"_fk":           {"1"},
		"_dqs":          {"0"},
		"_defensive":    {"1"},
		"_error_rc":     {"1"},
		"_pragma":       {"trusted_schema(0)", "cell_size_check(1)"},
	}
	if access != readWrite {
		values.Set("mode", "ro")
		if access == readFrozen {
			values.Set("immutable", "1")
		}
		return values
	}
	values.Set("mode", "rw")
	values.Set("_auto_vacuum", "INCREMENTAL")
	values.Set("_journal", "WAL")
	values.Set("_sync", "FULL")
	values["_pragma"] = append(values["_pragma"],
		"fullfsync(1)", "checkpoint_fullfsync(1)",
		"cache_size(-8192)",            // KiB: the right edges of all indexes stay in memory
		"wal_autocheckpoint(4000)",     // pages: pages that change often are copied back once in many commits
		"journal_size_limit(16777216)", // octets: a log that grew during a long read shrinks again
	)
	return values
}

// code returns SQLite's extended result code of an error; 0 when it is none of SQLite's.
func code(err error) int {
	if e, ok := errors.AsType[*engine.Error](err); ok {
		return e.Code()
	}
	return 0
}

// isDuplicate reports whether a row with this key is there already.
func isDuplicate(err error) bool {
	switch code(err) {
	case codes.SQLITE_CONSTRAINT_PRIMARYKEY, codes.SQLITE_CONSTRAINT_UNIQUE:
		return true
	}
	return false
}

// isFailure reports whether an error comes from the machine and not from what was asked: no space, no memory, an I/O
// error, a lock, a damaged file. SQLite may have ended the transaction with it.
func isFailure(err error) bool {
	switch code(err) & 0xff {
	case codes.SQLITE_FULL, codes.SQLITE_IOERR, codes.SQLITE_NOMEM, codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_CANTOPEN,
		codes.SQLITE_READONLY, codes.SQLITE_PERM, codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB, codes.SQLITE_PROTOCOL,
		codes.SQLITE_INTERRUPT, codes.SQLITE_ABORT:
		return true
	}
	return false
}

// Damaged reports whether an error comes from a damaged database file, which no other try mends.
func Damaged(err error) bool {
	switch code(err) & 0xff {
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return true
	}
	return false
}

// isForeign reports whether a file is no database at all.
func isForeign(err error) bool { return code(err)&0xff == codes.SQLITE_NOTADB }

// translate gives an error of SQLite the kind that package store promises. Errors with a kind stay as they are.
func translate(err error) error {
	if err == nil || fault.KindOf(err) != fault.Internal {
		return err
	}
	switch {
	case code(err) == codes.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fault.Wrap(err, fault.NotFound, "Something that this refers to does not exist.")
	case isDuplicate(err):
		return fault.Wrap(err, fault.Conflict, "This exists already.")
	case code(err)&0xff == codes.SQLITE_FULL:
		return fault.Wrap(err, fault.Unavailable, "The database has no space left; try again later.")
	case Damaged(err):
		return fault.Wrap(err, fault.Unavailable, "The database is damaged; its operator has to restore a backup.")
	case isFailure(err):
		return unavailable(err)
	}
	return err
}

// unavailable is the error for a failure that says nothing about the request.
func unavailable(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "The database cannot be used at the moment; try again later.")
}
