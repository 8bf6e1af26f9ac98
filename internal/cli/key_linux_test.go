package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

// typeHidden types the text once the terminal shows no more what is typed.
func typeHidden(t *testing.T, person, program *os.File, text string) {
	t.Helper()
	for t.Context().Err() == nil {
		modes, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
		if err != nil || modes.Lflag&unix.ECHO == 0 {
			break
		}
		runtime.Gosched()
	}
	if _, err := io.WriteString(person, text); err != nil {
		t.Error(err)
	}
}

// A person at a terminal types the new passphrase twice.
func TestKeyPassphraseTyped(t *testing.T) {
	data, holder := newInstallation(t)
	if err := holder.Close(); err != nil {
		t.Fatal(err)
	}
	const prompts = "New passphrase: \nThe same again: \n"
	for _, test := range []struct {
		typed  string
		code   int
		stdout string
		stderr string
	}{
		{"one\nother\n", exitLocal, "", prompts + "everleaf: the two passphrases differ; nothing was changed, try again\n"},
		{"\n\n", exitLocal, "", prompts + "everleaf: the passphrase that was typed is empty; give one\n"},
		{
			"correct horse\ncorrect horse\n", exitDone, "Encrypted  default-1, root-1, sealing\n",
			prompts + "Every key has the new passphrase: start the server with it. Backups that were made before open as they did.\n",
		},
	} {
		person, program := newTerminal(t)
		go typeHidden(t, person, program, test.typed)
		var out, talk strings.Builder
		c := &command{
			Streams: Streams{In: program, Out: &out, Err: &talk},
			env:     func(name string) string { return map[string]string{"EVERLEAF_CONFIG": emptyFile(t)}[name] }, now: time.Now,
		}
		code := run(t.Context(), c, []string{"key", "passphrase", "--data", data})
		if code != test.code || out.String() != test.stdout || talk.String() != test.stderr {
			t.Errorf("%q: exit %d\n%s---\n%s", test.typed, code, out.String(), talk.String())
		}
	}
	text, err := os.ReadFile(filepath.Join(data, "keys", "root-1.key"))
	if err != nil || !strings.HasPrefix(string(text), "-----BEGIN ENCRYPTED PRIVATE KEY-----") {
		t.Errorf("the root's key is %.40q, %v", text, err)
	}
}

// Who holds the folder is named, and nothing is asked.
func TestKeyPassphraseOfAHeldFolder(t *testing.T) {
	data, holder := newInstallation(t)
	defer holder.Close()
	b := newBench(t, data)
	stdout, stderr, code := b.run("key", "passphrase")
	if code != exitLocal || stdout != "" || !strings.HasPrefix(stderr, "everleaf: the data folder is in use: "+data+" is held by process ") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	served := serveDoor(t, &fakeDoor{})
	newBench(t, served).want(exitLocal, "",
		"everleaf: the server of "+served+" runs with the present passphrase; stop it, run this command again, and start it with the new one\n", "key", "passphrase")
}
