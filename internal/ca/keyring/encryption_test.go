package keyring_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/ca/keyring/pbes2"
)

const sources = "--passphrase-file FILE, $EVERLEAF_PASSPHRASE or the systemd credential everleaf-passphrase"

func TestKeysAreEncryptedAtRest(t *testing.T) {
	dir := privateDir(t)
	ring := openRing(t, dir, passphrase)
	key, err := ring.Generate("root", pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Sealer(); err != nil {
		t.Fatal(err)
	}
	requireFirstLine(t, filepath.Join(dir, "root.key"), "-----BEGIN ENCRYPTED PRIVATE KEY-----")
	requireFirstLine(t, filepath.Join(dir, "sealing.key"), "-----BEGIN ENCRYPTED EVERLEAF SEALING KEY-----")
	requireKey(t, openRing(t, dir, passphrase), "root", key)
}

func TestPassphrasesAreStretched(t *testing.T) {
	dir := privateDir(t)
	ring, err := keyring.Open(dir, keyring.Options{Passphrase: []byte(passphrase)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Generate("root", pki.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pbes2.Decrypt(pemBytes(text), []byte(passphrase), 599_999); !errors.Is(err, pbes2.ErrUnsupported) {
		t.Errorf("fewer than 600000 rounds: %v", err)
	}
}

func TestKeysArePlainWithoutAPassphrase(t *testing.T) {
	dir := privateDir(t)
	ring := openRing(t, dir, "")
	if _, err := ring.Generate("root", pki.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Sealer(); err != nil {
		t.Fatal(err)
	}
	requireFirstLine(t, filepath.Join(dir, "root.key"), "-----BEGIN PRIVATE KEY-----")
	requireFirstLine(t, filepath.Join(dir, "sealing.key"), "-----BEGIN EVERLEAF SEALING KEY-----")
}

func TestPlainKeysInARingWithPassphrase(t *testing.T) {
	dir := privateDir(t)
	plain := openRing(t, dir, "")
	old, err := plain.Generate("root", pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Sealer(); err != nil {
		t.Fatal(err)
	}
	ring := openRing(t, dir, passphrase)
	if _, err := ring.Generate("new", pki.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	requireKey(t, ring, "root", old)
	if _, err := ring.Sealer(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"root", "sealing"}, openRing(t, dir, passphrase).Plain()); diff != "" {
		t.Errorf("Plain (-want +got):\n%s", diff)
	}
}

// The start-up names the plain keys at the first start too, when they were made after Open.
func TestPlainFollowsWhatIsWritten(t *testing.T) {
	for secret, want := range map[string][]string{"": {"kept", "sealing"}, passphrase: nil} {
		ring := openRing(t, privateDir(t), secret)
		if got := ring.Plain(); got != nil {
			t.Errorf("a new ring has plain keys: %q", got)
		}
		for _, name := range []string{"kept", "deleted"} {
			if _, err := ring.Generate(name, pki.ECDSAP256); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := ring.Sealer(); err != nil {
			t.Fatal(err)
		}
		if err := ring.Delete("deleted"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ring.Plain()); diff != "" {
			t.Errorf("Plain (-want +got):\n%s", diff)
		}
	}
}

func TestWriteOutside(t *testing.T) {
	for secret, first := range map[string]string{"": "-----BEGIN PRIVATE KEY-----", passphrase: "-----BEGIN ENCRYPTED PRIVATE KEY-----"} {
		ring := openRing(t, privateDir(t), secret)
		key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "root.key")
		if err := ring.WriteOutside(path, key); err != nil {
			t.Fatal(err)
		}
		if err := ring.WriteOutside(path, key); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a second time: got %v, want fs.ErrExist", err)
		}
		requireFirstLine(t, path, first)
		requireNames(t, ring)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		again, err := keyring.ParsePrivateKey(text, []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Import("root", again); err != nil {
			t.Fatal(err)
		}
		requireKey(t, ring, "root", key)
	}
}

// The place for a key that leaves is looked at before anything is made.
func TestCheckOutside(t *testing.T) {
	data, elsewhere := t.TempDir(), t.TempDir()
	writePrivate(t, filepath.Join(elsewhere, "taken"), "")
	if err := os.Symlink(data, filepath.Join(elsewhere, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(data, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(elsewhere, "new"):           "",
		filepath.Join(elsewhere, "taken"):         "exists already, and no key is ever overwritten; name another file",
		filepath.Join(elsewhere, "none", "new"):   "/none/new does not exist; make it, or name another file",
		filepath.Join(data, "root.key"):           "would lie in the data folder " + data,
		filepath.Join(data, "keys", "root.key"):   "would lie in the data folder",
		filepath.Join(elsewhere, "link", "a.key"): "would lie in the data folder",
	} {
		requireRefusal(t, keyring.CheckOutside(data, path), want)
	}
	later := filepath.Join(elsewhere, "not made yet")
	for path, want := range map[string]string{
		filepath.Join(elsewhere, "new"):             "",
		filepath.Join(later, "root.key"):            "would lie in the data folder " + later,
		filepath.Join(later, "..", "neither", "it"): "does not exist; make it",
	} {
		requireRefusal(t, keyring.CheckOutside(later, path), want)
	}
}

func TestWrongPassphrase(t *testing.T) {
	dir := privateDir(t)
	ring := openRing(t, dir, passphrase)
	if _, err := ring.Generate("root", pki.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Sealer(); err != nil {
		t.Fatal(err)
	}
	_, rootErr := openRing(t, dir, "wrong").Load("root")
	_, sealingErr := openRing(t, dir, "wrong").Sealer()
	for name, err := range map[string]error{"root": rootErr, "sealing": sealingErr} {
		requireSentence(t, err, keyring.ErrWrongPassphrase, "the key file "+filepath.Join(dir, name+".key")+
			" cannot be used: the passphrase is wrong, or the file is damaged; give the right one with "+sources+
			", or, when a change of the passphrase was interrupted, finish it with \"everleaf key passphrase\"")
	}
}

// One wrong passphrase in 256 gets through the padding of CBC.
func TestNoWrongPassphraseGetsThrough(t *testing.T) {
	text, err := os.ReadFile("testdata/p256-encrypted.pem")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.ParsePrivateKey(text, []byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		if _, err := keyring.ParsePrivateKey(text, fmt.Append(nil, i)); !errors.Is(err, keyring.ErrWrongPassphrase) {
			t.Fatalf("%d: got %v, want ErrWrongPassphrase", i, err)
		}
	}
}

func TestEncryptedKeyInAPlainRing(t *testing.T) {
	dir := privateDir(t)
	if _, err := openRing(t, dir, passphrase).Generate("root", pki.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	ring := openRing(t, dir, "")
	path := filepath.Join(dir, "root.key")
	_, err := ring.Load("root")
	requireSentence(t, err, keyring.ErrNoPassphrase,
		"the key file "+path+" cannot be used: the key is encrypted and no passphrase was given; give it with "+sources)

	_, generated := ring.Generate("new", pki.ECDSAP256)
	_, sealed := ring.Sealer()
	for act, err := range map[string]error{"Generate": generated, "Sealer": sealed} {
		if !errors.Is(err, keyring.ErrNoPassphrase) || !strings.Contains(err.Error(), "the key file "+path+" is encrypted, so no plain key is written beside it") {
			t.Errorf("%s: got %v", act, err)
		}
	}
	requireNames(t, ring, "root")
	if has, err := ring.HasSealingKey(); has || err != nil {
		t.Errorf("a sealing key was made: %v, %v", has, err)
	}
}

func TestDamagedKeys(t *testing.T) {
	dir := privateDir(t)
	ring := openRing(t, dir, passphrase)
	if _, err := ring.Generate("root", pki.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "root.key")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty":     nil,
		"cut off":   whole[:len(whole)/2],
		"twice":     bytes.Repeat(whole, 2),
		"too large": append(bytes.Repeat([]byte("\n"), keyring.MaxPEM), whole...),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ring.Load("root"); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want an error that names the file", name, err)
		}
	}
}

func requireSentence(t *testing.T, err, is error, want string) {
	t.Helper()
	if !errors.Is(err, is) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func requireFirstLine(t *testing.T, path, want string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if line, _, _ := strings.Cut(string(content), "\n"); line != want {
		t.Errorf("%s begins %q, want %q", path, line, want)
	}
}
