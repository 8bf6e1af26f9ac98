package sqlite

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/store/query"
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

// The log is written back while the server runs, with reads that never pause too, and is gone when it stops.
func TestLogStaysSmall(t *testing.T) {
	for _, reads := range []bool{false, true} {
		t.Run(fmt.Sprint("reads: ", reads), func(t *testing.T) {
			db := openTest(t, Options{})
			shrinkLog(t, db)
			stop := make(chan struct{})
			var reader sync.WaitGroup
			if reads {
				reader.Go(func() { relay(t, db, stop) })
			}
			longest := fillLog(t, db, 200)
			close(stop)
			reader.Wait()
			if longest > smallStep*4 {
				t.Errorf("the log grew to %d octets", longest)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(db.writer.log.path); err == nil {
				t.Error("the log is left after Close")
			}
		})
	}
}

// A read that lasts holds up the log, and not the writer; afterwards the log is short again.
func TestLogAfterLongRead(t *testing.T) {
	db := openTest(t, Options{})
	shrinkLog(t, db)
	_, err := snapshot(context.Background(), db, func(q query.Querier) (string, error) {
		if _, err := query.Setting(context.Background(), q, "x"); err != nil {
			return "", err
		}
		if longest := fillLog(t, db, 100); longest < smallStep {
			t.Errorf("the log did not grow: %d octets", longest)
		}
		return query.Setting(context.Background(), q, "x")
	})
	if err != nil {
		t.Fatal(err)
	}
	fillLog(t, db, 50)
	info, err := os.Stat(db.writer.log.path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > smallStep*3/2 {
		t.Errorf("after the read the log has %d octets", info.Size())
	}
}

// smallStep is the step at which tests write the log back.
const smallStep = logStep / 32

// shrinkLog makes everything that bounds the log 32 times smaller.
func shrinkLog(t *testing.T, db *DB) {
	t.Helper()
	err := execute(context.Background(), db, func(tx *tx) error {
		for _, setting := range []string{"wal_autocheckpoint = 125", "journal_size_limit = 524288"} {
			if _, err := tx.conn.raw.ExecContext(context.Background(), "PRAGMA "+setting); err != nil {
				return err
			}
		}
		db.writer.log.step, db.writer.log.limit = smallStep, smallStep
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fillLog writes 40 KiB so many times, and returns the largest size of the log.
func fillLog(t *testing.T, db *DB, times int) (longest int64) {
	t.Helper()
	for i := range times {
		large := strings.Repeat(string(rune('a'+i%26)), 40<<10) // SQLite does not write what stays the same
		if err := db.PutSetting(context.Background(), fmt.Sprint("large ", i%3), large); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(db.writer.log.path)
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, info.Size())
	}
	return longest
}

// relay reads without a pause: each read ends after the next one has begun, and lasts longer than a commit.
func relay(t *testing.T, db *DB, stop <-chan struct{}) {
	var reads sync.WaitGroup
	defer reads.Wait()
	end := make(chan struct{})
	for pause := true; pause; {
		last, begun := end, make(chan struct{})
		mine := make(chan struct{})
		end = mine
		reads.Go(func() {
			_, err := snapshot(context.Background(), db, func(q query.Querier) (string, error) {
				value, err := query.Setting(context.Background(), q, "small")
				close(begun)
				<-mine
				return value, err
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-begun
		close(last)
		select {
		case <-stop:
			pause = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	close(end)
}
