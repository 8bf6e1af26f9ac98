package sqlite_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/internal/store/storetest"
)

// go test ./internal/store/sqlite -run TestSchemaFixtures -update
//
// makes the fixture of the newest schema when it has none: a database file and, beside it, what it holds. The fixture
// of a schema that was released is never made again: newer programs must read it for ever.
var update = flag.Bool("update", false, "make the fixture of the newest schema")

func TestSchemaFixtures(t *testing.T) {
	migrations, err := filepath.Glob("migrations/*.sql")
	must(t, err)
	for number := 1; number <= len(migrations); number++ {
		path := fmt.Sprintf("testdata/schema-%04d", number)
		if *update && number == len(migrations) {
			makeFixture(t, path)
		}
		t.Run(filepath.Base(path), func(t *testing.T) { checkFixture(t, path) })
	}
}

func makeFixture(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path + ".db"); err == nil {
		t.Fatalf("%s.db exists; remove it if its schema was never released", path)
	}
	db := open(t, sqlite.Options{})
	w := storetest.NewWorld(t, db)
	w.Populate()
	must(t, os.MkdirAll("testdata", 0o755))
	must(t, os.WriteFile(path+".json", storetest.Describe(t, db), 0o600))
	must(t, db.Backup(t.Context(), path+".db"))
}

// checkFixture opens a copy of an old database with this program: everything is there, and work goes on.
func checkFixture(t *testing.T, path string) {
	want, err := os.ReadFile(path + ".json")
	must(t, err)
	data, err := os.ReadFile(path + ".db")
	must(t, err)
	copied := filepath.Join(t.TempDir(), "everleaf.db")
	must(t, os.WriteFile(copied, data, 0o600))
	must(t, sqlite.Verify(t.Context(), copied))

	db, err := sqlite.Open(t.Context(), copied, sqlite.Options{})
	must(t, err)
	defer func() { must(t, db.Close()) }()
	lost := missing("", parse(t, want), parse(t, storetest.Describe(t, db)))
	lost = slices.DeleteFunc(lost, func(place string) bool { return slices.Contains(meant(), place) })
	if len(lost) > 0 {
		t.Errorf("the fixture reads differently:\n%s", strings.Join(lost, "\n"))
	}
	findings, err := db.Check(t.Context(), storetest.Noon)
	must(t, err)
	if len(findings) > 0 {
		t.Errorf("the fixture is not sound: %q", findings)
	}
	rows, err := db.Trim(t.Context(), storetest.Noon.AddDate(20, 0, 0), 1000)
	must(t, err)
	if rows == 0 {
		t.Error("nothing of the fixture can be trimmed")
	}
}

// meant are the differences that newer programs mean: since schema 3 what was abandoned is on the list of its shard.
func meant() []string {
	return []string{
		".CRLs[0].Stale is true; want false",
		".Entries.http://ca.test/crl/3oc66hzk522222222225/1.crl has 3 items; want 2",
	}
}

func parse(t *testing.T, text []byte) (value any) {
	t.Helper()
	must(t, json.Unmarshal(text, &value))
	return value
}

// missing returns where got lacks something of want. Newer programs may know of more than an old database holds.
func missing(path string, want, got any) (places []string) {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for name, value := range want {
			places = append(places, missing(path+"."+name, value, object[name])...)
		}
	case []any:
		list, _ := got.([]any)
		if len(list) != len(want) {
			return []string{fmt.Sprintf("%s has %d items; want %d", path, len(list), len(want))}
		}
		for i, value := range want {
			places = append(places, missing(fmt.Sprintf("%s[%d]", path, i), value, list[i])...)
		}
	default:
		if got != want {
			places = append(places, fmt.Sprintf("%s is %v; want %v", path, got, want))
		}
	}
	return places
}
