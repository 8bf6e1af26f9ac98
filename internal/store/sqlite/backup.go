package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Backup implements store.Maintenance. The copy is one snapshot, compact, readable by its owner alone, verified and
// synced before it gets its name: a file with this name is a whole backup. A name that exists is refused with Conflict.
func (db *DB) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fault.New(fault.Conflict, "%s exists already; name a new file for the backup.", path)
	}
	folder, name := filepath.Split(path)
	file, err := os.CreateTemp(filepath.Clean(folder), "."+name+".*.tmp") // 0600
	if err != nil {
		return fmt.Errorf("make the backup: %w", err)
	}
	temporary := file.Name()
	defer os.Remove(temporary) //nolint:errcheck // it has its name by then, or is worth nothing
	if err := file.Close(); err != nil {
		return err
	}
	if err := db.copyInto(ctx, temporary); err != nil {
		return err
	}
	if err := Verify(ctx, temporary); err != nil {
		return err
	}
	return publish(temporary, path)
}

// copyInto writes a copy of the database into an empty file, on a connection of its own that the context can interrupt.
func (db *DB) copyInto(ctx context.Context, path string) error {
	pool, err := openPool(db.path, readOnly)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.ExecContext(ctx, "VACUUM INTO ?", path)
	return translate(err)
}

// publish makes the bytes of a file durable and gives it its name, unless something has it.
func publish(temporary, path string) error {
	if err := syncFile(temporary); err != nil {
		return err
	}
	err := os.Link(temporary, path)
	if errors.Is(err, fs.ErrExist) {
		return fault.Wrap(err, fault.Conflict, "%s exists already; name a new file for the backup.", path)
	}
	if err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	return syncFile(filepath.Dir(path))
}

func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// Verify reads the whole database file at path, e.g. a backup before it is put in place, and returns what makes it
// unusable: it is no database of Everleaf, a newer version wrote it, or it is damaged. The file is not changed.
func Verify(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("verify the database: %w", err)
	}
	head, err := inspect(ctx, path)
	if err != nil {
		return translate(err)
	}
	if head.version == 0 {
		return notOurs(path, nil)
	}
	pool, err := openPool(path, quiet(path))
	if err != nil {
		return err
	}
	defer pool.Close()
	damage, err := damages(ctx, pool, "PRAGMA quick_check(1)")
	if err == nil && len(damage) > 0 {
		err = fault.New(fault.Conflict, "%s is damaged: %s.", path, damage[0])
	}
	return translate(err)
}

// damages runs one of SQLite's checks and returns what it found.
func damages(ctx context.Context, pool *sql.DB, check string) ([]string, error) {
	rows, err := pool.QueryContext(ctx, check)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		if line != "ok" {
			found = append(found, line)
		}
	}
	return found, rows.Err()
}
