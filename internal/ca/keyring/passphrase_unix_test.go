//go:build unix

package keyring_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/test/privilege"
)

// systemd shows the grant to the service's user as a read bit of the group: 0440 is private.
func TestPassphraseFileModes(t *testing.T) {
	file := passphraseFile(t, "secret\n")
	for mode, private := range map[fs.FileMode]bool{
		0o400: true, 0o600: true, 0o440: true, 0o640: true,
		0o644: false, 0o604: false, 0o602: false, 0o660: false, 0o620: false, 0o666: false,
	} {
		chmod(t, file, mode)
		got, err := keyring.ReadPassphrase(t.TempDir(), file, env(nil))
		switch {
		case private && (err != nil || string(got) != "secret"):
			t.Errorf("%04o: got %q, %v", mode, got, err)
		case !private && (!errors.Is(err, keyring.ErrExposed) || got != nil):
			t.Errorf("%04o: got %q, %v, want ErrExposed", mode, got, err)
		case !private:
			requireRefusal(t, err, "run: chmod 600 "+file)
		}
	}
}

func TestPassphraseFileOfAnotherUser(t *testing.T) {
	file := passphraseFile(t, "secret\n")
	privilege.Chown(t, file, 4711)
	if _, err := keyring.ReadPassphrase(t.TempDir(), file, env(nil)); !errors.Is(err, keyring.ErrExposed) {
		t.Errorf("got %v, want ErrExposed", err)
	}
}

// A mounted secret is a link; the file that it leads to decides.
func TestPassphraseFileBehindALink(t *testing.T) {
	data, outside := t.TempDir(), t.TempDir()
	for name, target := range map[string]string{"inside": filepath.Join(data, "passphrase"), "outside": filepath.Join(outside, "passphrase")} {
		writePrivate(t, target, "secret")
		link := filepath.Join(outside, "link to "+name)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		_, err := keyring.ReadPassphrase(data, link, env(nil))
		requireRefusal(t, err, map[string]string{"inside": "lies in the data folder", "outside": ""}[name])
	}
	dataLink := filepath.Join(outside, "link to data")
	if err := os.Symlink(data, dataLink); err != nil {
		t.Fatal(err)
	}
	_, err := keyring.ReadPassphrase(dataLink, filepath.Join(data, "passphrase"), env(nil))
	requireRefusal(t, err, "lies in the data folder")
}

// A command can hand over the passphrase: --passphrase-file <(pass show everleaf).
func TestPassphraseFromAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(pipe, []byte("secret\n"), 0o600) }()
	got, err := keyring.ReadPassphrase(t.TempDir(), pipe, env(nil))
	if err != nil || string(got) != "secret" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}
