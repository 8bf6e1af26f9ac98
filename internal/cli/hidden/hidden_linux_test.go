package hidden_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/everleaf-pki/everleaf/internal/cli/hidden"
)

// newTerminal returns both ends of a terminal: the person's and the program's.
func newTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// echoes reports whether the terminal shows what is typed.
func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Error(err)
	}
	return err == nil && modes.Lflag&unix.ECHO != 0
}

// untilMuted returns when the terminal shows no more what is typed, or the test ends.
func untilMuted(t *testing.T, terminal *os.File) {
	t.Helper()
	for echoes(t, terminal) && t.Context().Err() == nil {
		runtime.Gosched()
	}
}

// onceMuted types the text when the terminal shows no more what is typed.
func onceMuted(t *testing.T, person, program *os.File, text string) {
	t.Helper()
	untilMuted(t, program)
	if _, err := io.WriteString(person, text); err != nil {
		t.Error(err)
	}
}

func TestLine(t *testing.T) {
	for about, test := range map[string]struct {
		typed, want string
		says        string // "" for no error
	}{
		"a line":        {typed: "correct horse\n", want: "correct horse"},
		"a second line": {typed: "correct\nhorse\n", want: "correct"},
		"corrected":     {typed: "wrong\x15right\n", want: "right"}, // Ctrl-U
		"nothing":       {typed: "\n", want: ""},
		"the longest":   {typed: strings.Repeat("x", 20) + "\n", want: strings.Repeat("x", 20)},
		"too long":      {typed: strings.Repeat("x", 21) + "\n", says: "the line is too long"},
	} {
		t.Run(about, func(t *testing.T) {
			person, program := newTerminal(t)
			go onceMuted(t, person, program, test.typed)
			line, err := hidden.Line(t.Context(), program, 20)
			failed := test.says != ""
			if string(line) != test.want || (err != nil) != failed || failed && !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %q, %v", line, err)
			}
			if !echoes(t, program) {
				t.Error("the terminal stays mute")
			}
			requireUnseen(t, person, program)
		})
	}
}

// requireUnseen fails when anything but the mark that the program writes now has come to the person's screen.
func requireUnseen(t *testing.T, person, program *os.File) {
	t.Helper()
	const mark = "|"
	if _, err := io.WriteString(program, mark); err != nil {
		t.Fatal(err)
	}
	seen := make([]byte, 64)
	n, err := person.Read(seen)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(seen[:n])); got != mark {
		t.Errorf("the person saw %q", got)
	}
}

// A signal ends the wait, and the terminal shows again what is typed.
func TestLineEndsWithTheContext(t *testing.T) {
	_, program := newTerminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		untilMuted(t, program)
		cancel()
	}()
	if line, err := hidden.Line(ctx, program, 20); line != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v", line, err)
	}
	if !echoes(t, program) {
		t.Error("the terminal stays mute")
	}
}

func TestWhatIsNoTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if hidden.IsTerminal(null) {
		t.Error("/dev/null is no person")
	}
	if _, err := hidden.Line(t.Context(), null, 20); err == nil {
		t.Error("a line of /dev/null")
	}
	_, program := newTerminal(t)
	if !hidden.IsTerminal(program) || !echoes(t, program) {
		t.Error("a terminal is a terminal, and asking changes nothing")
	}
}
