package sqlite

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// Space that was freed is given back in steps, until what is left is worth keeping.
func TestTrimGivesBack(t *testing.T) {
	db := openTest(t, Options{})
	large := strings.Repeat("x", 1<<20)
	for i := range 12 {
		if err := db.PutSetting(context.Background(), fmt.Sprint("large ", i), large); err != nil {
			t.Fatal(err)
		}
	}
	full := pages(t, db)
	err := execute(context.Background(), db, func(tx *tx) error {
		_, err := tx.exec("DELETE FROM settings")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	for last := full; ; steps++ {
		if _, err := db.Trim(context.Background(), time.Unix(1, 0), 10); err != nil {
			t.Fatal(err)
		}
		now := pages(t, db)
		if now == last {
			break
		}
		if last-now > freeStep+2 { // and pages that told where these belong
			t.Errorf("a step gave back %d pages", last-now)
		}
		last = now
	}
	if left := pages(t, db); left > freeFloor*2 || steps < 5 {
		t.Errorf("of %d pages %d are left after %d steps", full, left, steps)
	}
	checkSound(t, db)
}

func pages(t *testing.T, db *DB) (n int) {
	t.Helper()
	if err := db.reading.QueryRow("PRAGMA page_count").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The log is written back while the server runs, and gone when it stops.
func TestLogStaysSmall(t *testing.T) {
	db := openTest(t, Options{})
	large := strings.Repeat("x", 400<<10)
	var longest int64
	for i := range 200 {
		if err := db.PutSetting(context.Background(), fmt.Sprint("large ", i%3), large); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Setting(context.Background(), "large 0"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(db.path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, info.Size())
	}
	if longest > 20<<20 {
		t.Errorf("the log grew to %d octets", longest)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(db.path + "-wal"); err == nil {
		t.Error("the log is left after Close")
	}
}
