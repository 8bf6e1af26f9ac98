package sqlite

import (
	"context"
	"fmt"
	"os"
)

// logStep is the size, in octets, from which the log is written back with force. SQLite writes it back by itself at
// half of that; with reads that always overlap it never gets to the end, and the log would grow for ever.
const logStep = 32 << 20

// logPatience is how long, in milliseconds, the writer waits for reads that still need the log. Only a check or a
// backup lasts longer.
const logPatience = 250

// walLog keeps the write-ahead log short. It belongs to the writer's goroutine.
type walLog struct {
	path  string
	step  int64
	limit int64 // the size at which it is time again
}

func newWALLog(path string) *walLog { return &walLog{path: path, step: logStep, limit: logStep} }

// shorten writes a long log back into the database file, so that the next commit begins it anew. When a long read is in
// the way, it is tried again after another step. An error is the next commit's to report.
func (l *walLog) shorten(c *conn) {
	info, err := os.Stat(l.path)
	if err != nil || info.Size() < l.limit {
		return
	}
	l.limit = l.step
	if done, err := c.writeBack(); err != nil || !done {
		l.limit = info.Size() + l.step
	}
}

// writeBack copies the whole log into the database file and reports whether the log can begin anew.
func (c *conn) writeBack() (done bool, err error) {
	if err := c.setPatience(logPatience); err != nil {
		return false, err
	}
	defer c.setPatience(busyTimeout) //nolint:errcheck // the patience matters only with other programs
	var busy, frames, copied int
	row := c.raw.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(RESTART)")
	err = row.Scan(&busy, &frames, &copied)
	return busy == 0, err
}

func (c *conn) setPatience(milliseconds int) error {
	_, err := c.raw.ExecContext(context.Background(), fmt.Sprintf("PRAGMA busy_timeout = %d", milliseconds))
	return err
}
