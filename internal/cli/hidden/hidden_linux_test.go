package hidden_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/cli/hidden"
	"github.com/everleaf-pki/everleaf/test/terminal"
)

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
			person, program := terminal.New(t)
			go terminal.TypeHidden(t, person, program, test.typed)
			line, err := hidden.Line(t.Context(), program, 20)
			failed := test.says != ""
			if string(line) != test.want || (err != nil) != failed || failed && !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %q, %v", line, err)
			}
			if !terminal.Echoes(t, program) {
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
	_, program := terminal.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		terminal.AwaitMuted(t, program)
		cancel()
	}()
	if line, err := hidden.Line(ctx, program, 20); line != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v", line, err)
	}
	if !terminal.Echoes(t, program) {
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
	_, program := terminal.New(t)
	if !hidden.IsTerminal(program) || !terminal.Echoes(t, program) {
		t.Error("a terminal is a terminal, and asking changes nothing")
	}
}
