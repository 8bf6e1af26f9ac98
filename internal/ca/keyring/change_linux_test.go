package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
)

// TestMain is also the process that TestChangePassphraseKilled kills: with KEYRING_CHANGE set to a folder it changes
// the passphrase there.
func TestMain(m *testing.M) {
	dir, child := os.LookupEnv("KEYRING_CHANGE")
	if !child {
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // strace counts the calls of each thread
	if err := changeIn(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func changeIn(dir string) error {
	ring, err := keyring.Open(dir, keyring.Options{Passphrase: []byte(passphrase)})
	if err != nil {
		return err
	}
	_, err = ring.Quick().ChangePassphrase(context.Background(), []byte(newPassphrase))
	return err
}

// TestChangePassphraseKilled kills the process at each system call that changes the folder. Whatever is there then, no
// key is lost: each opens with one of the two passphrases. The same command again leaves what an undisturbed one leaves.
func TestChangePassphraseKilled(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is not installed; run make tools")
	}
	original := newContent(t, passphrase)
	files := folderText(t, original.dir)
	for call, least := range map[string]int{"fchmod": len(files), "fsync": 2 * len(files), "/^rename": len(files)} {
		kills := 0
		for killed := true; killed && kills < 10*len(files); {
			c := &content{dir: privateDir(t), keys: original.keys, sealed: original.sealed}
			restoreFiles(t, c.dir, files)
			killed = killedAt(t, strace, c.dir, call, kills+1)
			if killed {
				kills++
				c.requireEach(t, passphrase, newPassphrase)
				if err := changeIn(c.dir); err != nil {
					t.Errorf("%s %d: the second run: %v", call, kills, err)
				}
			}
			c.requireUnder(t, newPassphrase)
			requireFolder(t, c.dir, "by-hand.key", "default-1.key", "root-1.key", "sealing.key")
		}
		if kills < least {
			t.Errorf("killed at %d calls of %s, want at least %d", kills, call, least)
		}
	}
}

// killedAt changes the passphrase in a process that dies at the nth call of that name, and reports whether there was one.
func killedAt(t *testing.T, strace, dir, call string, nth int) bool {
	t.Helper()
	command := exec.Command(strace, "-f", "-o", filepath.Join(t.TempDir(), "trace"), "-e", "trace="+call,
		"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, nth), os.Args[0])
	command.Env = append(os.Environ(), "KEYRING_CHANGE="+dir)
	said, err := command.CombinedOutput()
	if strings.Contains(string(said), "ptrace") {
		t.Fatalf("strace may not trace here, and nothing is proven about a crash: %s", said)
	}
	if end, ok := errors.AsType[*exec.ExitError](err); ok && !end.Exited() {
		return true
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return false
}

// requireEach fails unless each key opens with one of the passphrases.
func (c *content) requireEach(t *testing.T, secrets ...string) {
	t.Helper()
	for name := range c.keys {
		opened := false
		for _, secret := range secrets {
			key, err := openRing(t, c.dir, secret).Load(name)
			opened = opened || err == nil && key != nil
		}
		if !opened {
			t.Errorf("%s opens with neither passphrase", name)
		}
	}
}

func restoreFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		writePrivate(t, filepath.Join(dir, name), text)
	}
}
