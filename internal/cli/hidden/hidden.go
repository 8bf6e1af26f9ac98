// Package hidden reads from a terminal what nobody shall see on it.
package hidden

import (
	"context"
	"errors"
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether a person sits at the other end of the file.
func IsTerminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

// Line reads a line of at most limit octets from a terminal, without its end, and lets the terminal not show it. The
// terminal is as it was when Line returns, also when ctx ends first; a read that waits then goes on waiting, so the
// process must be about to end. Errors: a longer line, no terminal, ctx's.
func Line(ctx context.Context, terminal *os.File, limit int) ([]byte, error) {
	descriptor := int(terminal.Fd())
	before, err := term.GetState(descriptor)
	if err != nil {
		return nil, err
	}
	type outcome struct {
		line []byte
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		line, err := term.ReadPassword(descriptor)
		done <- outcome{line, err}
	}()
	select {
	case got := <-done:
		if len(got.line) > limit {
			return nil, errors.New("the line is too long")
		}
		return got.line, got.err
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(descriptor, before))
	}
}
