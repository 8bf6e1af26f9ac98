// Package hidden reads from a terminal what nobody shall see on it.
package hidden

import (
	"context"
	"errors"
	"io"
	"os"
)

// IsTerminal reports whether a person sits at the other end of the file.
func IsTerminal(file *os.File) bool {
	_, err := mute(file, false)
	return err == nil
}

// Line reads a line of at most limit octets from a terminal, without its end, and lets the terminal not show it. The
// terminal is as it was when Line returns, also when ctx ends first; a read that waits then goes on waiting, so the
// process must be about to end. Errors: io.EOF when the line is ended without a word (Ctrl-D), ctx's.
func Line(ctx context.Context, terminal *os.File, limit int) (line []byte, err error) {
	restore, err := mute(terminal, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, restore()) }()
	type outcome struct {
		line []byte
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		line, err := readLine(terminal, limit)
		done <- outcome{line, err}
	}()
	select {
	case got := <-done:
		return got.line, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readLine takes octets one by one, so that the next line is left to the next reader.
func readLine(r io.Reader, limit int) ([]byte, error) {
	var line []byte
	for one := make([]byte, 1); ; {
		n, err := r.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return line, nil
		case n == 1 && one[0] == '\r': // a terminal of windows ends a line with both
		case n == 1 && len(line) == limit:
			return nil, errors.New("the line is too long")
		case n == 1:
			line = append(line, one[0])
		case err != nil:
			return nil, err
		}
	}
}
