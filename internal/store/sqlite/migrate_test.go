package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/store/storetest"
)

// scribble runs statements on a database file as any other program could.
func scribble(t *testing.T, path string, statements ...string) {
	t.Helper()
	if err := createFile(path); err != nil {
		t.Fatal(err)
	}
	pool, err := openPool(path, readWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, statement := range statements {
		if _, err := pool.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	cases := map[string]struct {
		make  func(t *testing.T, path string)
		words []string
	}{
		"a newer schema": {
			func(t *testing.T, path string) {
				closeTest(t, path)
				scribble(t, path, "INSERT INTO schema_versions (version_id, is_applied) VALUES (99, 1)")
			},
			[]string{"newer version", "schema 99", "restore the backup"},
		},
		"another program's database": {
			func(t *testing.T, path string) { scribble(t, path, "CREATE TABLE contacts (name TEXT)") },
			[]string{"not a database of Everleaf"},
		},
		"another application": {
			func(t *testing.T, path string) { scribble(t, path, "PRAGMA application_id = 252006674") },
			[]string{"not a database of Everleaf"},
		},
		"something else": {
			func(t *testing.T, path string) {
				if err := os.WriteFile(path, bytes.Repeat([]byte("plain text "), 1000), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"not a database of Everleaf"},
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "everleaf.db")
			test.make(t, path)
			before := contents(t, path)
			for attempt, open := range map[string]func() error{
				"Open": func() error {
					db, err := Open(context.Background(), path, Options{})
					if err == nil {
						err = db.Close()
					}
					return err
				},
				"Verify": func() error { return Verify(context.Background(), path) },
			} {
				err := open()
				if !fault.Is(err, fault.Conflict) {
					t.Fatalf("%s: %v", attempt, err)
				}
				for _, word := range append(test.words, path) {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("%s says %q, without %q", attempt, err, word)
					}
				}
			}
			if !bytes.Equal(before, contents(t, path)) {
				t.Error("the refused file was changed")
			}
		})
	}
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// closeTest leaves a database behind.
func closeTest(t *testing.T, path string) {
	t.Helper()
	db, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A process that was killed during its first start leaves something that the next start completes.
func TestOpenAfterInterruptedStart(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, path string){
		"nothing":    func(*testing.T, string) {},
		"empty file": func(t *testing.T, path string) { scribble(t, path) },
		"a table of versions": func(t *testing.T, path string) {
			scribble(t, path, "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, "+
				"is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))",
				"INSERT INTO schema_versions (version_id, is_applied) VALUES (0, 1)")
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a folder", "50% of ?#&.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			prepare(t, path)
			closeTest(t, path)
			if err := Verify(context.Background(), path); err != nil {
				t.Error(err)
			}
			files, err := os.ReadDir(filepath.Dir(path))
			if err != nil {
				t.Fatal(err)
			}
			if len(files) != 1 || files[0].Name() != filepath.Base(path) {
				t.Errorf("a closed database is %v; want one file", files)
			}
			info, err := files[0].Info()
			if err != nil {
				t.Fatal(err)
			}
			if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
				t.Errorf("the file has the mode %o", mode)
			}
		})
	}
}

// A database of the first schema knows after the upgrade what the second one asks: which blocked keys are in use, and
// which events are routine.
func TestUpgradeFillsIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "everleaf.db")
	if err := os.WriteFile(path, contents(t, "testdata/schema-0001.db"), 0o600); err != nil {
		t.Fatal(err)
	}
	scribble(t, path, "UPDATE certificates SET key_hash = (SELECT key_hash FROM blocked_keys) WHERE revoked = 0")
	db, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.Compromised(context.Background(), storetest.Noon, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || !found[0].Revoked.IsZero() {
		t.Errorf("of a blocked key with one certificate in use these are found: %v", found)
	}
	if _, err := db.Trim(context.Background(), storetest.Noon.AddDate(20, 0, 0), 1000); err != nil {
		t.Fatal(err)
	}
	events, err := db.Events(context.Background(), "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) == 0 {
		t.Error("every event left")
	}
	for _, e := range events {
		if e.Action.Routine() {
			t.Errorf("%s stayed", e.Action)
		}
	}
}

// The settings of the connections are what the promises stand on.
func TestSettings(t *testing.T) {
	db := openTest(t, Options{})
	want := map[string]string{
		"synchronous":        "2", // FULL
		"journal_mode":       "wal",
		"fullfsync":          "1",
		"foreign_keys":       "1",
		"auto_vacuum":        "2", // INCREMENTAL
		"application_id":     "1163283526",
		"trusted_schema":     "0",
		"wal_autocheckpoint": "4000",
		"busy_timeout":       "10000",
	}
	err := execute(context.Background(), db, func(tx *tx) error {
		for name, value := range want {
			var got string
			if err := tx.conn.raw.QueryRowContext(context.Background(), "PRAGMA "+name).Scan(&got); err != nil {
				return err
			}
			if got != value {
				t.Errorf("%s is %s; want %s", name, got, value)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := db.reading.Exec("DELETE FROM events"); !isFailure(err) {
		t.Errorf("a reader deletes: %v", err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		info, err := os.Stat(db.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
			t.Errorf("%s has the mode %o", suffix, mode)
		}
	}
}

func TestVerifyDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "everleaf.db")
	if err := Verify(context.Background(), path); err == nil {
		t.Error("a missing file is sound")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("Verify made the file")
	}
	scribble(t, path)
	if err := Verify(context.Background(), path); !fault.Is(err, fault.Conflict) {
		t.Errorf("an empty file: %v", err)
	}
	closeTest(t, path)
	data := contents(t, path)
	clear(data[len(data)/2:]) // half of it was never written
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Verify(context.Background(), path)
	if kind := fault.KindOf(err); err == nil || kind != fault.Conflict && kind != fault.Unavailable {
		t.Errorf("a damaged file: %v", err)
	}
}

// An open database costs its start little when there is nothing to migrate.
// TestVerifyFindings has a file that can be read everywhere, and in which a row breaks its table's rule.
func TestVerifyFindings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "everleaf.db")
	closeTest(t, path)
	pool, err := sql.Open("sqlite", "file:"+path+"?_pragma=writable_schema(1)")
	if err != nil {
		t.Fatal(err)
	}
	const ruled = `CREATE TABLE ruled (a INTEGER);
		INSERT INTO ruled VALUES (NULL);
		UPDATE sqlite_schema SET sql = 'CREATE TABLE ruled (a INTEGER NOT NULL)' WHERE name = 'ruled'`
	if _, err := pool.Exec(ruled); err != nil {
		t.Fatal(err)
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Verify(context.Background(), path); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Sentence(err), "ruled") {
		t.Errorf("a row that breaks a rule: %v", err)
	}
}

// TestPublishReplacesNothing has a file that appeared under the backup's name while the backup was made.
func TestPublishReplacesNothing(t *testing.T) {
	folder := t.TempDir()
	temporary, path := filepath.Join(folder, "new"), filepath.Join(folder, "backup.db")
	for name, text := range map[string]string{temporary: "new", path: "old"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := publish(temporary, path); !fault.Is(err, fault.Conflict) || string(contents(t, path)) != "old" {
		t.Errorf("%v", err)
	}
}

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "everleaf.db")
	for range b.N + 1 {
		db, err := Open(context.Background(), path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
