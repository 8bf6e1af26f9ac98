package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/test/terminal"
)

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
		person, program := terminal.New(t)
		go terminal.TypeHidden(t, person, program, test.typed)
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
