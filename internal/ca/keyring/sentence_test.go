package keyring_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
)

// What an operator reads names the file and the next step, and nothing of parsers and system calls.
func TestSentences(t *testing.T) {
	dir := privateDir(t)
	ring := openRing(t, dir, "")
	taken := filepath.Join(t.TempDir(), "taken")
	writePrivate(t, taken, "")
	file := func(name string) string { return filepath.Join(dir, name+".key") }
	writePrivate(t, file("damaged"), "-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n-----END PRIVATE KEY-----\n")
	writePrivate(t, file("empty"), "")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	load := func(name string) error { _, err := ring.Load(name); return err }
	read := func(path string) error {
		_, err := keyring.ReadPassphrase(t.TempDir(), path, env(nil))
		return err
	}
	_, unopened := keyring.Open(taken, keyring.Options{})
	for _, test := range []struct {
		err  error
		want string
		is   error // nil for any
	}{
		{load("none"), "the key file " + file("none") + " does not exist; put it back from a backup", fs.ErrNotExist},
		{load("damaged"), "the key file " + file("damaged") + ` cannot be used: its PEM block of type "PRIVATE KEY" holds no key that is known here, or is damaged; put it back from a backup`, nil},
		{load("empty"), "the key file " + file("empty") + ` cannot be used: there is no PEM block of type "PRIVATE KEY" in it, or it is damaged; put it back from a backup`, nil},
		{ring.Delete("none"), "the key file " + file("none") + " cannot be removed: no such file or directory", fs.ErrNotExist},
		{ring.WriteOutside(taken, key), "the key file " + taken + " exists already, and no key is ever overwritten; name another file", fs.ErrExist},
		{ring.WriteOutside("/none/root.key", key), "the key file /none/root.key cannot be written: no such file or directory", fs.ErrNotExist},
		{unopened, "the folder of the keys " + taken + " cannot be made: exists and is not a folder", nil},
		{read("/none"), "the passphrase file /none does not exist; name the right one with --passphrase-file", fs.ErrNotExist},
	} {
		if test.err == nil || test.err.Error() != test.want || test.is != nil && !errors.Is(test.err, test.is) {
			t.Errorf("got  %v\nwant %s", test.err, test.want)
		}
	}
}
