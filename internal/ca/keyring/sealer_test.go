package keyring_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
)

func TestSealer(t *testing.T) {
	sealer := newSealer(t, 1)
	for _, plain := range []string{"", "x", "the EAB key", string(make([]byte, keyring.MaxSealed))} {
		for _, context := range []string{"", "credential/abc"} {
			sealed := seal(t, sealer, plain, context)
			if len(sealed) != len(plain)+29 || sealed[0] != 1 {
				t.Errorf("%d octets of version %d for %d", len(sealed), sealed[0], len(plain))
			}
			got, err := sealer.Open(sealed, []byte(context))
			if err != nil || string(got) != plain {
				t.Errorf("got %d octets, %v, want %d", len(got), err, len(plain))
			}
		}
	}
}

func TestSealerNeverRepeatsItself(t *testing.T) {
	sealer := newSealer(t, 1)
	if bytes.Equal(seal(t, sealer, "secret", "x"), seal(t, sealer, "secret", "x")) {
		t.Error("two seals of one secret are equal")
	}
}

func TestSealerRefusesLargeSecrets(t *testing.T) {
	if _, err := newSealer(t, 1).Seal(make([]byte, keyring.MaxSealed+1), nil); err == nil {
		t.Error("no error")
	}
}

func TestSealerRefusesEveryChange(t *testing.T) {
	sealer := newSealer(t, 1)
	sealed := seal(t, sealer, "secret", "credential/a")
	for at := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[at] ^= 1 << bit
			requireSealed(t, sealer, changed, "credential/a")
		}
		requireSealed(t, sealer, sealed[:at], "credential/a")
	}
	requireSealed(t, sealer, append(bytes.Clone(sealed), 0), "credential/a")
	requireSealed(t, sealer, sealed, "credential/b")
	requireSealed(t, sealer, sealed, "")
	requireSealed(t, newSealer(t, 2), sealed, "credential/a")
}

func TestNewSealerRefusesOtherKeySizes(t *testing.T) {
	for _, size := range []int{0, 16, 24, 31, 33} {
		if _, err := keyring.NewSealer(make([]byte, size)); err == nil {
			t.Errorf("%d octets: no error", size)
		}
	}
}

func TestRingSealer(t *testing.T) {
	for _, secret := range []string{"", passphrase} {
		dir := privateDir(t)
		requireHasSealingKey(t, openRing(t, dir, secret), false)
		first, err := openRing(t, dir, secret).Sealer()
		if err != nil {
			t.Fatal(err)
		}
		requireHasSealingKey(t, openRing(t, dir, secret), true)
		again, err := openRing(t, dir, secret).Sealer()
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.Open(seal(t, first, "secret", "x"), []byte("x"))
		if err != nil || string(got) != "secret" {
			t.Errorf("after the next start: %q, %v", got, err)
		}
	}
}

func TestTwoRingsHaveTwoSealingKeys(t *testing.T) {
	first, err := openRing(t, privateDir(t), "").Sealer()
	if err != nil {
		t.Fatal(err)
	}
	second, err := openRing(t, privateDir(t), "").Sealer()
	if err != nil {
		t.Fatal(err)
	}
	requireSealed(t, second, seal(t, first, "secret", "x"), "x")
}

func TestParallelSealersShareOneKey(t *testing.T) {
	dir := privateDir(t)
	sealers := make([]*keyring.Sealer, 16)
	var group sync.WaitGroup
	for i := range sealers {
		ring := openRing(t, dir, "") // as other processes would
		group.Go(func() {
			sealer, err := ring.Sealer()
			if err != nil {
				t.Error(err)
			}
			sealers[i] = sealer
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	sealed := seal(t, sealers[0], "secret", "x")
	for _, sealer := range sealers {
		if _, err := sealer.Open(sealed, []byte("x")); err != nil {
			t.Error(err)
		}
	}
}

func newSealer(t *testing.T, fill byte) *keyring.Sealer {
	t.Helper()
	sealer, err := keyring.NewSealer(bytes.Repeat([]byte{fill}, keyring.SealingKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func seal(t *testing.T, sealer *keyring.Sealer, plain, context string) []byte {
	t.Helper()
	sealed, err := sealer.Seal([]byte(plain), []byte(context))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func requireSealed(t *testing.T, sealer *keyring.Sealer, sealed []byte, context string) {
	t.Helper()
	if plain, err := sealer.Open(sealed, []byte(context)); !errors.Is(err, keyring.ErrSealed) || plain != nil {
		t.Errorf("%x with context %q: got %q, %v, want ErrSealed", sealed, context, plain, err)
	}
}

func requireHasSealingKey(t *testing.T, ring *keyring.Keyring, want bool) {
	t.Helper()
	if got, err := ring.HasSealingKey(); got != want || err != nil {
		t.Errorf("HasSealingKey: %v, %v, want %v", got, err, want)
	}
}
