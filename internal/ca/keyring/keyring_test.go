package keyring_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

const passphrase = "correct horse battery staple"

func TestGenerateEachKind(t *testing.T) {
	isEC := func(curve elliptic.Curve) func(crypto.Signer) bool {
		return func(key crypto.Signer) bool { k, ok := key.(*ecdsa.PrivateKey); return ok && k.Curve == curve }
	}
	isRSA := func(bits int) func(crypto.Signer) bool {
		return func(key crypto.Signer) bool { k, ok := key.(*rsa.PrivateKey); return ok && k.N.BitLen() == bits }
	}
	kinds := map[pki.KeyType]func(crypto.Signer) bool{
		"ecdsa-p256": isEC(elliptic.P256()), "ecdsa-p384": isEC(elliptic.P384()),
		"rsa-2048": isRSA(2048), "rsa-3072": isRSA(3072), "rsa-4096": isRSA(4096),
	}
	ring := openRing(t, privateDir(t), "")
	for kind, isKind := range kinds {
		name := string(kind)
		key, err := ring.Generate(name, kind)
		if err != nil {
			t.Fatal(err)
		}
		if !isKind(key) {
			t.Errorf("%s: got %T %v", kind, key, key.Public())
		}
		requireKey(t, ring, name, key)
	}
}

func TestGenerateRefusesUnknownKinds(t *testing.T) {
	dir := privateDir(t)
	ring := openRing(t, dir, "")
	for _, kind := range []pki.KeyType{"", "rsa-1024", "ed25519", "ECDSA-pki.ECDSAP256"} {
		if _, err := ring.Generate("root", kind); !fault.Is(err, fault.Malformed) {
			t.Errorf("%q: got %v, want Malformed", kind, err)
		}
	}
	requireNames(t, ring)
}

func TestNames(t *testing.T) {
	dir := privateDir(t)
	ring := openRing(t, dir, "")
	names := []string{"-", "0", "a", "a-b", strings.Repeat("z", 64)}
	for _, name := range names {
		if _, err := ring.Generate(name, pki.ECDSAP256); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ring.Sealer(); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{".a.key.1.tmp", "a.key.bak", "A.key", "notes.txt", ".key"} {
		if err := os.WriteFile(filepath.Join(dir, other), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	requireNames(t, ring, names...)
	requireNames(t, openRing(t, dir, ""), names...)
}

func TestBadNames(t *testing.T) {
	ring := openRing(t, privateDir(t), "")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"", "Root", "a.b", "../root", "a/b", `a\b`, "a b", "ä", "a\n", "a\x00", strings.Repeat("a", 65), "sealing",
	} {
		_, generated := ring.Generate(name, pki.ECDSAP256)
		_, loaded := ring.Load(name)
		for act, err := range map[string]error{
			"Generate": generated, "Load": loaded, "Import": ring.Import(name, key), "Delete": ring.Delete(name),
		} {
			if !fault.Is(err, fault.Malformed) {
				t.Errorf("%s(%q): got %v, want Malformed", act, name, err)
			}
		}
	}
	requireNames(t, ring)
}

func TestMissingKey(t *testing.T) {
	ring := openRing(t, privateDir(t), passphrase)
	_, err := ring.Load("root")
	for act, err := range map[string]error{"Load": err, "Delete": ring.Delete("root")} {
		if !errors.Is(err, fs.ErrNotExist) || fault.KindOf(err) != fault.Internal {
			t.Errorf("%s: got %v, want an internal error that wraps fs.ErrNotExist", act, err)
		}
	}
}

func TestDelete(t *testing.T) {
	ring := openRing(t, privateDir(t), "")
	for _, name := range []string{"old", "new"} {
		if _, err := ring.Generate(name, pki.ECDSAP256); err != nil {
			t.Fatal(err)
		}
	}
	if err := ring.Delete("old"); err != nil {
		t.Fatal(err)
	}
	requireNames(t, ring, "new")
}

func TestKeysAreNeverOverwritten(t *testing.T) {
	ring := openRing(t, privateDir(t), "")
	first, err := ring.Generate("root", pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	second, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, generated := ring.Generate("root", pki.ECDSAP384)
	for act, err := range map[string]error{"Generate": generated, "Import": ring.Import("root", second)} {
		if !fault.Is(err, fault.Conflict) || !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: got %v, want a Conflict that wraps fs.ErrExist", act, err)
		}
	}
	requireKey(t, ring, "root", first)
}

func TestParallelGenerateHasOneWinner(t *testing.T) {
	dir := privateDir(t)
	keys := make(chan crypto.Signer, 16)
	var group sync.WaitGroup
	for range cap(keys) {
		ring := openRing(t, dir, "") // as other processes would
		group.Go(func() {
			key, err := ring.Generate("root", pki.ECDSAP256)
			if err != nil && !(fault.Is(err, fault.Conflict) && errors.Is(err, fs.ErrExist) && key == nil) {
				t.Error(err)
			}
			if err == nil {
				keys <- key
			}
		})
	}
	group.Wait()
	if len(keys) != 1 {
		t.Fatalf("%d callers were told that they made the key", len(keys))
	}
	requireKey(t, openRing(t, dir, ""), "root", <-keys)
}

func TestImportRefusesKeysNoIssuerHas(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	odd, err := rsa.GenerateKey(rand.Reader, 2052)
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 2040)
	if err != nil {
		t.Fatal(err)
	}
	ring := openRing(t, privateDir(t), "")
	for name, key := range map[string]crypto.Signer{"ed25519": edwards, "p-521": p521, "odd": odd, "short": short} {
		err := ring.Import("imported", key)
		if !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: got %v, want Malformed", name, err)
		}
	}
	requireNames(t, ring)
}

// openRing opens a ring that encrypts with few rounds.
func openRing(t *testing.T, dir, passphrase string) *keyring.Keyring {
	t.Helper()
	ring, err := keyring.Open(dir, keyring.Options{Passphrase: []byte(passphrase)})
	if err != nil {
		t.Fatal(err)
	}
	return ring.Quick()
}

// privateDir returns a new folder of mode 0700: that of t.TempDir depends on the umask.
func privateDir(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "keys")
}

// requireKey fails unless the ring loads the key under the name.
func requireKey(t *testing.T, ring *keyring.Keyring, name string, want crypto.Signer) {
	t.Helper()
	got, err := ring.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := want.(interface{ Equal(crypto.PrivateKey) bool }); !ok || !key.Equal(got) {
		t.Errorf("key %q is another one than was stored", name)
	}
}

func requireNames(t *testing.T, ring *keyring.Keyring, want ...string) {
	t.Helper()
	got, err := ring.Names()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names in the ring (-want +got):\n%s", diff)
	}
}
