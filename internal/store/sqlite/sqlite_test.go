package sqlite_test

import (
	"path/filepath"
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
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "everleaf.db"), options)
	if err != nil {
		t.Fatal(err)
	}
	return db
}
