package sqlite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/store/storetest"
)

// Each invariant is broken behind the store's back, and found.
func TestCheckFinds(t *testing.T) {
	const unlocked = "PRAGMA foreign_keys = 0;"
	cases := map[string]struct{ damage, finding string }{
		"a lost event": {
			"DELETE FROM events WHERE action = 'certificate.issued' AND object = (SELECT min(id) FROM certificates)",
			"has no event that tells of its issuance",
		},
		"a serial number twice": {
			"DROP INDEX certificates_serial; UPDATE certificates SET serial = (SELECT min(serial) FROM certificates)",
			"was used twice by issuer",
		},
		"an intent with a used serial number": {
			"UPDATE intents SET serial = (SELECT min(serial) FROM certificates)",
			"has the serial number of certificate",
		},
		"two certificates": {
			"DROP INDEX certificates_order; UPDATE certificates SET order_id = (SELECT min(order_id) FROM certificates)",
			"has 2 certificates",
		},
		"a lost certificate": {
			unlocked + "DELETE FROM certificates WHERE id = (SELECT min(id) FROM certificates)",
			"which is not there or belongs to another order",
		},
		"a certificate that its order does not name": {
			"UPDATE orders SET certificate = '' WHERE certificate = (SELECT min(id) FROM certificates)",
			"which does not name it",
		},
		"a lost intent":             {"DELETE FROM intents", "no intent will end it"},
		"an abandoned intent":       {"UPDATE intents SET abandoned = 1", "no intent will end it"},
		"a blocked key in use":      {"INSERT INTO blocked_keys (key_hash, since) SELECT key_hash, 1 FROM certificates", "in use with a blocked key"},
		"a lost authorization":      {"DELETE FROM authorizations WHERE id = (SELECT min(id) FROM authorizations)", "which is not there"},
		"an unknown issuer":         {unlocked + "UPDATE certificates SET issuer = 'nobody'", "its issuer is not known"},
		"a missing row":             {unlocked + "DELETE FROM accounts", "A row of orders refers to a missing row of accounts"},
		"an unreadable issuer":      {"UPDATE issuers SET certificate = x'00'", "cannot be read"},
		"a name that search misses": {"DELETE FROM certificate_names", "is missing in the index of names"},
		"nothing":                   {"SELECT 1", ""},
		"bytes of another certificate": {
			"UPDATE certificates SET der = (SELECT der FROM certificates WHERE id = (SELECT max(id) FROM certificates))",
			"its serial number is not the recorded one",
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "everleaf.db")
			leaveInventory(t, path)
			scribble(t, path, test.damage)
			db, err := Open(context.Background(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			findings, err := db.Check(context.Background(), storetest.Noon)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(findings, "\n"); test.finding == "" && all != "" || !strings.Contains(all, test.finding) {
				t.Errorf("the findings are %q; want %q", findings, test.finding)
			}
		})
	}
}

// leaveInventory leaves a database with two issued certificates, and an order that is processing.
func leaveInventory(t *testing.T, path string) {
	t.Helper()
	db, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := storetest.NewWorld(t, db)
	account := w.NewAccount()
	w.Issue(account.ID, "a.example.com")
	w.Issue(account.ID, "b.example.com")
	i, _ := w.Intent(w.NewReadyOrder(account.ID, "c.example.com"))
	w.Begin(i)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A damaged file is found by SQLite's own check, and a store with endless damage has a bounded report.
func TestCheckIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "everleaf.db")
	leaveInventory(t, path)
	scribble(t, path, "PRAGMA foreign_keys = 0; WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500) "+
		"INSERT INTO orders SELECT 'order' || x, account, connector, profile, profile_name, identifiers, 0, 0, 0, 0, '[\"x\"]', 1, NULL, '', NULL, '', '', 0 "+
		"FROM orders, n WHERE id = (SELECT min(id) FROM orders)")
	db, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	findings, err := db.Check(context.Background(), storetest.Noon)
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) != findingsLimit {
		t.Errorf("there are %d findings; want %d", len(findings), findingsLimit)
	}
}

// The inventory can be read in pages smaller than it is.
func TestCheckReadsEveryPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "everleaf.db")
	leaveInventory(t, path)
	const copies = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500) "
	const first = "(SELECT min(id) FROM certificates)"
	scribble(t, path, // each copy has another serial number than its bytes, and nothing else is wrong
		copies+"INSERT INTO events SELECT 'event' || x, at, organisation, actor, action, 'zz' || x, detail, clock, routine FROM events, n "+
			"WHERE action = 'certificate.issued' AND object = "+first,
		copies+"INSERT INTO certificates SELECT 'zz' || x, organisation, connector, account, '', profile, profile_name, issuer, "+
			"CAST('serial' || x AS BLOB), names, not_before, not_after, key_hash, shard, issued, revoked, reason, der, replaces, warnings "+
			"FROM certificates, n WHERE id = "+first,
		copies+"INSERT INTO certificate_names SELECT name, 'zz' || x FROM certificate_names, n WHERE certificate = "+first)
	db, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	findings, err := db.Check(context.Background(), storetest.Noon)
	if err != nil {
		t.Fatal(err)
	}
	if checkPage > 500 || len(findings) != 500 {
		t.Errorf("there are %d findings; want 500: %.3q", len(findings), findings)
	}
}

// Damage that stops SQLite itself is a finding, and elsewhere no reason to try again.
func TestCheckFindsWhatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "everleaf.db")
	leaveInventory(t, path)
	db, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096 // the first one, with the header, stays
	broken := slices.Concat(sound[:page], bytes.Repeat([]byte{0x5a}, len(sound)-page))
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	findings, err := db.Check(context.Background(), storetest.Noon)
	if want := path + " is damaged: database disk image is malformed (11); restore a backup."; err != nil || len(findings) != 1 || findings[0] != want {
		t.Errorf("%q %v; want %s", findings, err, want)
	}
	err = Verify(context.Background(), path)
	if !fault.Is(err, fault.Unavailable) || fault.Sentence(err) != "The database is damaged; its operator has to restore a backup." {
		t.Errorf("%v", err)
	}
}
