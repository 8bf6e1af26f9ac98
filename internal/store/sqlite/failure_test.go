package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// limitPages lets the database file grow to so many pages and no further; 0 lets it grow again.
func limitPages(t testing.TB, db *DB, more int) {
	t.Helper()
	err := execute(context.Background(), db, func(tx *tx) error {
		limit := 0x7ffffffe
		if more > 0 {
			if err := tx.conn.raw.QueryRowContext(context.Background(), "PRAGMA page_count").Scan(&limit); err != nil {
				return err
			}
			limit += more
		}
		_, err := tx.conn.raw.ExecContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", limit))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// No space in the middle of a group: nobody is told that it is stored, nothing of it is, and the writer goes on.
func TestNoSpaceInGroup(t *testing.T) {
	db := openTest(t, Options{})
	if err := db.PutSetting(context.Background(), "before", "x"); err != nil {
		t.Fatal(err)
	}
	refusal := fault.New(fault.NotReady, "The order is pending.")
	refuse := func(*tx) error { return refusal }
	undone := func(tx *tx) error { return errors.Join(put("undone", "x")(tx), refusal) } // it takes savepoints
	large := strings.Repeat("x", 1<<20)
	for round, other := range []func(*tx) error{refuse, undone, refuse} {
		limitPages(t, db, 20)
		for i, err := range group(t, db, put("first", "x"), other, put("large", large), put("last", "x")) {
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("round %d, member %d: %v", round, i, err)
			}
			if i == 2 && !strings.Contains(fault.Sentence(err), "no space left") {
				t.Errorf("round %d: the one for which there is no room is told %q", round, fault.Sentence(err))
			}
		}
		for _, name := range []string{"first", "undone", "large", "last"} {
			if stored(t, db, name) {
				t.Errorf("round %d: %q is stored", round, name)
			}
		}
	}
	if err := db.PutSetting(context.Background(), "small", "x"); err != nil { // there is room for this
		t.Error(err)
	}
	limitPages(t, db, 0)
	for i, err := range group(t, db, put("first", "x"), put("large", large), put("last", "x")) {
		if err != nil {
			t.Errorf("with space again, member %d: %v", i, err)
		}
	}
	for _, name := range []string{"before", "small", "first", "large", "last"} {
		if !stored(t, db, name) {
			t.Errorf("%q is not stored", name)
		}
	}
	checkSound(t, db)
}

// A member that keeps quiet about an error after which the transaction may be gone does not get away with it.
func TestSwallowedFailure(t *testing.T) {
	db := openTest(t, Options{})
	limitPages(t, db, 20)
	errs := group(t, db, put("first", "x"), func(tx *tx) error {
		_ = put("large", strings.Repeat("x", 1<<20))(tx)
		_ = put("after", "x")(tx)
		return nil
	}, put("last", "x"))
	for i, err := range errs {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("member %d: %v", i, err)
		}
	}
	for _, name := range []string{"first", "large", "after", "last"} {
		if stored(t, db, name) {
			t.Errorf("%q is stored", name)
		}
	}
}

// A failure of the machine that only a member's result tells of: SQLite may have ended the transaction with it.
func TestFailureInResult(t *testing.T) {
	db := openTest(t, Options{})
	_, failure := db.reading.Exec("UPDATE pulse SET beat = 1") // on a connection that cannot write
	if !isFailure(failure) {
		t.Fatalf("a write on a reading connection: %v", failure)
	}
	if err := translate(failure); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a failure has the kind %q", fault.KindOf(err))
	}
	for i, err := range group(t, db, put("first", "x"), func(*tx) error { return fmt.Errorf("read: %w", failure) }, put("last", "x")) {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("member %d: %v", i, err)
		}
	}
	if stored(t, db, "first") || stored(t, db, "last") {
		t.Error("a part of the group is stored")
	}
}

// A transaction that ended without the member's knowledge fails the group, also when savepoints are in use.
func TestTransactionEndedUnseen(t *testing.T) {
	for name, others := range map[string][]func(*tx) error{
		"plainly":         nil,
		"with savepoints": {func(tx *tx) error { return fmt.Errorf("after a change: %w", put("a", "")(tx)) }},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t, Options{})
			end := func(tx *tx) error {
				_, err := tx.conn.raw.ExecContext(context.Background(), "ROLLBACK")
				return err
			}
			errs := group(t, db, append(others, put("first", "x"), end)...)
			for i, err := range errs {
				if !fault.Is(err, fault.Unavailable) {
					t.Errorf("member %d: %v", i, err)
				}
			}
			if stored(t, db, "first") {
				t.Error("a part of the group is stored")
			}
			if err := db.PutSetting(context.Background(), "later", "x"); err != nil {
				t.Error(err)
			}
		})
	}
}

func checkSound(t testing.TB, db *DB) {
	t.Helper()
	findings, err := db.Check(context.Background(), time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) > 0 {
		t.Errorf("the store is not sound: %q", findings)
	}
}
