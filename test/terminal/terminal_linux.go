// Package terminal gives tests a terminal with a person at the other end.
package terminal

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// New returns both ends of a terminal: the person's and the program's. They are closed at the end of the test.
func New(t testing.TB) (person, program *os.File) {
	t.Helper()
	person = open(t, "/dev/ptmx")
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return person, open(t, fmt.Sprintf("/dev/pts/%d", number))
}

func open(t testing.TB, path string) *os.File {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// Echoes reports whether the terminal shows what is typed.
func Echoes(t testing.TB, terminal *os.File) bool {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Error(err)
	}
	return err == nil && modes.Lflag&unix.ECHO != 0
}

// AwaitMuted returns when the terminal shows no more what is typed, or the test ends.
func AwaitMuted(t testing.TB, terminal *os.File) {
	t.Helper()
	for t.Context().Err() == nil && Echoes(t, terminal) {
		runtime.Gosched()
	}
}

// TypeHidden types the text when the program's terminal shows no more what is typed.
func TypeHidden(t testing.TB, person, program *os.File, text string) {
	t.Helper()
	AwaitMuted(t, program)
	if _, err := io.WriteString(person, text); err != nil {
		t.Error(err)
	}
}
