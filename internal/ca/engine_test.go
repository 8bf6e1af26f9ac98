package ca_test

import (
	"crypto"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/ca"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func TestCanSign(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	a.store.keys["other"] = newKey(t, pki.ECDSAP256)
	a.store.keys["bigger"] = newKey(t, pki.ECDSAP384)
	if err := a.engine.CanSign(a.issuer); err != nil {
		t.Error(err)
	}
	for cause, change := range map[string]func(*pki.Issuer){
		"is not on this machine": func(i *pki.Issuer) { i.Key = "" },
		`no key "lost"`:          func(i *pki.Issuer) { i.Key = "lost" },
		`key "other" of issuer first: it does not belong`:  func(i *pki.Issuer) { i.Key = "other" },
		`key "bigger" of issuer first: it does not belong`: func(i *pki.Issuer) { i.Key = "bigger" },
		"certificate of issuer first":                      func(i *pki.Issuer) { i.Certificate = []byte("no certificate") },
	} {
		issuer := a.issuer
		change(&issuer)
		err := a.engine.CanSign(issuer)
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), cause) {
			t.Errorf("%v, want %q", err, cause)
		}
		if text := fault.Sentence(err); strings.Contains(text, cause) || !strings.Contains(text, `The issuer "first" cannot sign`) {
			t.Errorf("the public sentence is %q", text)
		}
	}
}

// A key is loaded once, whoever asks first, and one that could not be loaded is tried again.
func TestKeysAreLoadedOnce(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	a.engine = newEngine(a)
	key := a.store.keys["first"]
	delete(a.store.keys, "first")
	if err := a.engine.CanSign(a.issuer); err == nil {
		t.Fatal("it signs without a key")
	}
	a.store.keys["first"] = key
	before := a.store.loads.Load()
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			request := a.request(t, newKey(t, pki.ECDSAP256).Public(), fmt.Sprintf("a%d.example.com", i))
			prepared, err := a.engine.Prepare(t.Context(), request)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := prepared.Sign(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := a.store.loads.Load() - before; n != 1 {
		t.Errorf("the key was loaded %d times", n)
	}
}

// hangingStore does not answer for one key until it is told to.
type hangingStore struct {
	*keyStore
	asked, answer chan struct{}
}

func (s hangingStore) Load(name string) (crypto.Signer, error) {
	if name == "root" {
		close(s.asked)
		<-s.answer
	}
	return s.keyStore.Load(name)
}

// A key that takes long to load, or cannot be loaded, holds up no other issuer.
func TestIssuersLoadApart(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	store := hangingStore{a.store, make(chan struct{}), make(chan struct{})}
	engine := ca.New(store)
	var group sync.WaitGroup
	group.Go(func() {
		if err := engine.CanSign(a.rootIssuer); err != nil {
			t.Error(err)
		}
	})
	<-store.asked
	if err := engine.CanSign(a.issuer); err != nil {
		t.Error(err)
	}
	close(store.answer)
	group.Wait()
}

func BenchmarkPrepare(b *testing.B) { benchmark(b, false) }

func BenchmarkPrepareAndSign(b *testing.B) { benchmark(b, true) }

func benchmark(b *testing.B, sign bool) {
	for _, kind := range []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA2048} {
		b.Run(string(kind), func(b *testing.B) {
			a := newAuthority(b, kind)
			request := a.request(b, newKey(b, pki.ECDSAP256).Public(), "shop.example.com", "www.example.com")
			if err := a.engine.CanSign(a.issuer); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				prepared, err := a.engine.Prepare(b.Context(), request)
				if err != nil {
					b.Fatal(err)
				}
				if !sign {
					continue
				}
				if _, err := prepared.Sign(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
