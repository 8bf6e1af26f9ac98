package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// applicationID marks a database file as one of Everleaf's: "EVLF" in the header. The first migration sets it.
const applicationID = 0x45564c46

// versionTable is where the schema's history stands.
const versionTable = "schema_versions"

// header is what tells whose a database is, and of what age.
type header struct {
	application int64
	empty       bool // nothing was put into it
	versioned   bool // it has our table of versions
	version     int64
	known       int64 // the version that this program makes
}

// migrate brings the schema up to date. A database that is current costs nothing here.
func migrate(ctx context.Context, file string, head header, pool *sql.DB) error {
	if head.version == head.known {
		return nil
	}
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, pool, files,
		goose.WithTableName(versionTable), goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema of %s up to date: %w", file, err)
	}
	return nil
}

// newestVersion reads the numbers that the migrations' file names begin with.
func newestVersion() (newest int64, err error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", name, err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}

// inspect reads the header of a database file without changing it, and returns an error with the reason when this
// program must not touch it.
func inspect(ctx context.Context, file string) (h header, err error) {
	pool, err := openPool(file, quiet(file))
	if err != nil {
		return h, err
	}
	defer pool.Close()
	h, err = readHeader(ctx, pool)
	if isForeign(err) {
		return h, notOurs(file, err)
	}
	if err == nil {
		err = h.refuse(file)
	}
	return h, err
}

// quiet is the access that reads a whole database and leaves the least behind: with a log beside it that a killed
// process left, SQLite has to make its index of it.
func quiet(file string) access {
	if info, err := os.Stat(file + "-wal"); err == nil && info.Size() > 0 {
		return readOnly
	}
	return readFrozen
}

func readHeader(ctx context.Context, pool *sql.DB) (h header, err error) {
	if h.known, err = newestVersion(); err != nil {
		return h, err
	}
	if err := pool.QueryRowContext(ctx, "PRAGMA application_id").Scan(&h.application); err != nil {
		return h, err
	}
	err = pool.QueryRowContext(ctx, "SELECT count(*) = 0, coalesce(max(name = '"+versionTable+"'), 0) FROM sqlite_schema").
		Scan(&h.empty, &h.versioned)
	if err != nil || !h.versioned {
		return h, err
	}
	err = pool.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versionTable+" WHERE is_applied").Scan(&h.version)
	return h, err
}

// refuse says why this program must not touch the database; nil when it may. A process that was killed early may have
// left an empty file, or one with a table of versions and nothing else.
func (h header) refuse(file string) error {
	ours := h.application == applicationID || h.application == 0 && (h.empty || h.versioned)
	switch {
	case !ours:
		return notOurs(file, nil)
	case h.version > h.known:
		return fault.New(fault.Conflict, "%s was written by a newer version of Everleaf (schema %d; this version knows %d). "+
			"Start the newer version, or restore the backup that was made before the upgrade.", file, h.version, h.known)
	}
	return nil
}

func notOurs(file string, cause error) error {
	return fault.Wrap(cause, fault.Conflict, "%s is not a database of Everleaf. Name another data folder, or move that file away.", file)
}
