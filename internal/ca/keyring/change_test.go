package keyring_test

import (
	"context"
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

const newPassphrase = "tr0ub4dor & 3"

// content is what the ring of a folder keeps, to be found again under another passphrase.
type content struct {
	dir    string
	keys   map[string]crypto.Signer
	sealed []byte
}

// newContent makes keys of several forms: two of the ring, one of openssl that was put there by hand, the sealing key.
func newContent(t *testing.T, secret string) *content {
	t.Helper()
	c := &content{dir: privateDir(t), keys: map[string]crypto.Signer{}}
	ring := openRing(t, c.dir, secret)
	for name, kind := range map[string]pki.KeyType{"default-1": pki.ECDSAP256, "root-1": pki.RSA2048} {
		key, err := ring.Generate(name, kind)
		if err != nil {
			t.Fatal(err)
		}
		c.keys[name] = key
	}
	writePrivate(t, filepath.Join(c.dir, "by-hand.key"), readText(t, "testdata/p256-sec1.pem"))
	byHand, err := ring.Load("by-hand")
	if err != nil {
		t.Fatal(err)
	}
	c.keys["by-hand"] = byHand
	sealer, err := ring.Sealer()
	if err != nil {
		t.Fatal(err)
	}
	if c.sealed, err = sealer.Seal([]byte("secret"), []byte("row 1")); err != nil {
		t.Fatal(err)
	}
	return c
}

// requireUnder fails unless the passphrase opens everything, and every file is a private one of its encryption.
func (c *content) requireUnder(t *testing.T, secret string) {
	t.Helper()
	ring := openRing(t, c.dir, secret)
	for name, key := range c.keys {
		requireKey(t, ring, name, key)
	}
	sealer, err := ring.Sealer()
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := sealer.Open(c.sealed, []byte("row 1")); err != nil || string(plain) != "secret" {
		t.Errorf("the sealed value opens as %q, %v", plain, err)
	}
	if plain := ring.Plain(); secret != "" && len(plain) > 0 {
		t.Errorf("plain keys: %q", plain)
	}
}

func TestChangePassphrase(t *testing.T) {
	for about, old := range map[string]string{"plain keys": "", "another passphrase": passphrase} {
		t.Run(about, func(t *testing.T) {
			c := newContent(t, old)
			writePrivate(t, filepath.Join(c.dir, ".root-1.key.123.tmp"), "left by a crash")
			change, err := openRing(t, c.dir, old).ChangePassphrase(t.Context(), []byte(newPassphrase))
			if err != nil {
				t.Fatal(err)
			}
			want := keyring.PassphraseChange{Changed: []string{"by-hand", "default-1", "root-1", "sealing"}}
			if diff := cmp.Diff(want, change); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			c.requireUnder(t, newPassphrase)
			requireFolder(t, c.dir, "by-hand.key", "default-1.key", "root-1.key", "sealing.key")
			requireFirstLine(t, filepath.Join(c.dir, "by-hand.key"), "-----BEGIN ENCRYPTED PRIVATE KEY-----")
			for name := range c.keys {
				if _, err := openRing(t, c.dir, old).Load(name); !errors.Is(err, keyring.ErrNoPassphrase) && !errors.Is(err, keyring.ErrWrongPassphrase) {
					t.Errorf("the old passphrase and %s: %v", name, err)
				}
			}

			before := folderText(t, c.dir)
			change, err = openRing(t, c.dir, old).ChangePassphrase(t.Context(), []byte(newPassphrase))
			if diff := cmp.Diff(keyring.PassphraseChange{Kept: want.Changed}, change); err != nil || diff != "" {
				t.Errorf("a second time: %v (-want +got):\n%s", err, diff)
			}
			if diff := cmp.Diff(before, folderText(t, c.dir)); diff != "" {
				t.Errorf("a second time changed files:\n%s", diff)
			}
		})
	}
}

// A key that is damaged, or that neither passphrase opens, keeps every file as it is.
func TestChangePassphraseRefuses(t *testing.T) {
	const nothing = "nothing was changed. Give the present one with " + sources
	for about, test := range map[string]struct {
		given, next string
		spoil       func(t *testing.T, dir string)
		is          error
		want        string
	}{
		"wrong passphrase": {
			given: "wrong", next: newPassphrase, is: keyring.ErrWrongPassphrase,
			want: "neither the present nor the new passphrase opens the key file DIR/default-1.key; " + nothing,
		},
		"no passphrase": {
			next: newPassphrase, is: keyring.ErrNoPassphrase,
			want: "the key file DIR/default-1.key is encrypted, and not with the new passphrase; " + nothing,
		},
		"no new passphrase": {given: passphrase, want: "the new passphrase is empty; choose one"},
		"a damaged key": {
			given: passphrase, next: newPassphrase,
			spoil: func(t *testing.T, dir string) { writePrivate(t, filepath.Join(dir, "root-1.key"), "") },
			want:  `the key file DIR/root-1.key cannot be used: there is no PEM block of type "PRIVATE KEY" in it, or it is damaged; put it back from a backup`,
		},
		"a damaged sealing key": {
			given: passphrase, next: newPassphrase,
			spoil: func(t *testing.T, dir string) { writePrivate(t, filepath.Join(dir, "sealing.key"), "") },
			want:  `the key file DIR/sealing.key cannot be used: there is no PEM block of type "EVERLEAF SEALING KEY" in it, or it is damaged; put it back from a backup`,
		},
	} {
		t.Run(about, func(t *testing.T) {
			c := newContent(t, passphrase)
			if test.spoil != nil {
				test.spoil(t, c.dir)
			}
			before := folderText(t, c.dir)
			change, err := openRing(t, c.dir, test.given).ChangePassphrase(t.Context(), []byte(test.next))
			want := strings.ReplaceAll(test.want, "DIR", c.dir)
			if err == nil || err.Error() != want || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if diff := cmp.Diff(keyring.PassphraseChange{}, change); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, folderText(t, c.dir)); diff != "" {
				t.Errorf("files were changed:\n%s", diff)
			}
		})
	}
}

// What was stopped in the middle is refused with a third passphrase, and finished with the same two.
func TestChangePassphraseAfterAnInterruption(t *testing.T) {
	c := newContent(t, passphrase)
	stopped := &countdown{Context: t.Context(), left: 2}
	change, err := openRing(t, c.dir, passphrase).ChangePassphrase(stopped, []byte(newPassphrase))
	want := keyring.PassphraseChange{Changed: []string{"by-hand", "default-1"}}
	if diff := cmp.Diff(want, change); diff != "" || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if !strings.HasPrefix(err.Error(), "the change was interrupted when 2 of 4 keys had the new passphrase; run the same command again") {
		t.Errorf("got %v", err)
	}

	before := folderText(t, c.dir)
	if _, err := openRing(t, c.dir, passphrase).ChangePassphrase(t.Context(), []byte("a third")); !errors.Is(err, keyring.ErrWrongPassphrase) {
		t.Errorf("a third passphrase: %v", err)
	}
	if diff := cmp.Diff(before, folderText(t, c.dir)); diff != "" {
		t.Errorf("a third passphrase changed files:\n%s", diff)
	}

	change, err = openRing(t, c.dir, passphrase).ChangePassphrase(t.Context(), []byte(newPassphrase))
	want = keyring.PassphraseChange{Changed: []string{"root-1", "sealing"}, Kept: []string{"by-hand", "default-1"}}
	if diff := cmp.Diff(want, change); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	c.requireUnder(t, newPassphrase)
}

// countdown is a context that ends after it was asked some times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// folderText returns all that is in a folder.
func folderText(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, e := range entries {
		texts[e.Name()] = readText(t, filepath.Join(dir, e.Name()))
	}
	return texts
}

func requireFolder(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
