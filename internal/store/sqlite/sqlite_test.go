package sqlite_test

import (
	"bytes"
	"path/filepath"
	"sync"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/store"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, sqlite.Options{}) })
}

// open opens a new database, as production does.
func open(t testing.TB, options sqlite.Options) *sqlite.DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "everleaf.db"), options)
}

func openAt(t testing.TB, path string, options sqlite.Options) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, options)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// A database holds the same when it is opened again.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "everleaf.db")
	db := openAt(t, path, sqlite.Options{})
	storetest.NewWorld(t, db).Populate()
	before := storetest.Describe(t, db)
	must(t, db.Close())
	again := openAt(t, path, sqlite.Options{Readers: 1})
	defer func() { must(t, again.Close()) }()
	if !bytes.Equal(before, storetest.Describe(t, again)) {
		t.Error("the database holds something else after it was opened again")
	}
}

// A backup is the store at one moment, however busy it is, and a check of a busy store finds nothing.
func TestBackupAndCheckUnderLoad(t *testing.T) {
	db := open(t, sqlite.Options{})
	w := storetest.NewWorld(t, db)
	w.Populate()
	quiet := filepath.Join(t.TempDir(), "quiet.db")
	must(t, db.Backup(t.Context(), quiet))
	want := storetest.Describe(t, db)
	restored := openAt(t, quiet, sqlite.Options{})
	if !bytes.Equal(want, storetest.Describe(t, restored)) {
		t.Error("the backup holds something else than the store")
	}
	must(t, restored.Close())

	account := w.NewAccount()
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for range 25 {
				w.Issue(account.ID, "example.com")
			}
		})
	}
	for n := range 3 {
		path := filepath.Join(t.TempDir(), "busy.db")
		must(t, db.Backup(t.Context(), path))
		copied := openAt(t, path, sqlite.Options{})
		for what, checked := range map[string]*sqlite.DB{"store": db, "backup": copied} {
			findings, err := checked.Check(t.Context(), storetest.Noon)
			must(t, err)
			if len(findings) > 0 {
				t.Errorf("%s %d is not sound: %q", what, n, findings)
			}
		}
		must(t, copied.Close())
	}
	load.Wait()
}
