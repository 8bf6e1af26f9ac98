package storetest

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func testMaintenance(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"backup":            testBackup,
		"check":             testCheck,
		"check: bad facts":  testCheckFacts,
		"ping":              testPing,
		"close":             testClose,
		"close during load": testCloseUnderLoad,
		"cancelled before":  testCancelledBefore,
		"cancelled between": testCancelledBetween,
	})
}

func testBackup(t *testing.T, w *World) {
	w.Issue(w.NewAccount().ID, "example.com")
	folder := t.TempDir()
	path := filepath.Join(folder, "backup")
	must(t, w.Store.Backup(background(), path))
	info, err := os.Stat(path)
	must(t, err)
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("the backup has the mode %o", mode)
	}
	before, err := os.ReadFile(path)
	must(t, err)
	wantKind(t, w.Store.Backup(background(), path), fault.Conflict) // an older backup is never lost
	after, err := os.ReadFile(path)
	must(t, err)
	if string(before) != string(after) {
		t.Error("the refused backup changed the file")
	}
	if err := w.Store.Backup(background(), filepath.Join(folder, "missing", "backup")); err == nil {
		t.Error("a backup into a missing folder succeeded")
	}
	ctx, cancel := context.WithCancel(background())
	cancel()
	if err := w.Store.Backup(ctx, filepath.Join(folder, "cancelled")); err == nil {
		t.Error("a cancelled backup succeeded")
	}
	entries, err := os.ReadDir(folder)
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("besides the backup there are %v", entries)
	}
}

func testCheck(t *testing.T, w *World) {
	check := func(stuck time.Time) []string {
		return load(t, func() ([]string, error) { return w.Store.Check(background(), stuck) })
	}
	account := w.NewAccount()
	c := w.Issue(account.ID, "example.com", "*.example.com", "192.0.2.7", "2001:db8::1")
	_, err := w.revoke(c.ID, Noon, pki.Superseded, true)
	must(t, err)
	w.NewOrder(account.ID, "pending.example.com")
	own, der := w.Intent(acme.Order{Identifiers: w.Names("ca.example.com")})
	w.Begin(own)
	w.Complete(own, der)
	i, _ := w.Intent(w.NewReadyOrder(account.ID, "example.com"))
	w.Begin(i)
	same(t, "the findings of a sound store", check(Noon), []string(nil))

	findings := check(Noon.Add(time.Second))
	if len(findings) != 1 || !strings.Contains(findings[0], i.ID) {
		t.Errorf("the findings are %q; want the intent %s alone", findings, i.ID)
	}
	ctx, cancel := context.WithCancel(background())
	cancel()
	if _, err := w.Store.Check(ctx, Noon); err == nil {
		t.Error("a cancelled check succeeded")
	}
}

func testCheckFacts(t *testing.T, w *World) {
	account := w.NewAccount()
	var issued []string
	issue := func(change func(i *pki.Intent, der *[]byte)) {
		i, der := w.Intent(w.NewReadyOrder(account.ID, "example.com"))
		change(&i, &der)
		w.Begin(i)
		w.Complete(i, der)
		issued = append(issued, i.ID)
	}
	issue(func(_ *pki.Intent, der *[]byte) { *der = []byte("no certificate") })
	issue(func(i *pki.Intent, _ *[]byte) { i.Serial += "00" })
	issue(func(i *pki.Intent, _ *[]byte) { i.NotAfter = i.NotAfter.Add(time.Second) })
	issue(func(i *pki.Intent, _ *[]byte) { i.NotBefore = i.NotBefore.Add(time.Second) })
	issue(func(i *pki.Intent, _ *[]byte) { i.Names = w.Names("example.com", "www.example.com") })
	issue(func(i *pki.Intent, _ *[]byte) { i.KeyHash[31]++ })
	issue(func(_ *pki.Intent, der *[]byte) { (*der)[len(*der)-1] ^= 1 }) // the signature
	findings := load(t, func() ([]string, error) { return w.Store.Check(background(), Noon) })
	if len(findings) != len(issued) {
		t.Errorf("there are %d findings; want %d: %q", len(findings), len(issued), findings)
	}
	for n, id := range issued {
		if !strings.Contains(strings.Join(findings, "\n"), id) {
			t.Errorf("no finding names certificate %d", n)
		}
	}
}

func testPing(t *testing.T, w *World) {
	before := w.state()
	for range 3 {
		must(t, w.Store.Ping(background()))
	}
	same(t, "the store", w.state(), before)
}

func testClose(t *testing.T, w *World) {
	a := w.NewAccount()
	must(t, w.Store.Close())
	must(t, w.Store.Close())
	_, err := w.Store.Account(background(), a.ID)
	wantKind(t, err, fault.Unavailable)
	_, err = w.Store.SetContacts(background(), a.ID, nil, w.Event(event.AccountUpdated, a.ID))
	wantKind(t, err, fault.Unavailable)
	wantKind(t, w.Store.Ping(background()), fault.Unavailable)
}

// Close lets accepted writes finish: every call ends, with success or with Unavailable.
func testCloseUnderLoad(t *testing.T, w *World) {
	a := w.NewAccount()
	var begun atomic.Int64
	errs := together(33, func(n int) error {
		if n == 32 {
			for begun.Load() < 64 {
				runtime.Gosched()
			}
			return w.Store.Close()
		}
		for {
			begun.Add(1)
			if _, err := w.Store.SetContacts(background(), a.ID, nil, w.Event(event.AccountUpdated, a.ID)); err != nil {
				return err
			}
			if _, err := w.Store.Account(background(), a.ID); err != nil {
				return err
			}
		}
	})
	must(t, errs[32])
	if n := count(errs[:32], fault.Unavailable); n != 32 {
		t.Errorf("%d of 32 writers ended with Unavailable: %v", n, errs)
	}
}

// A context that ended before the call changes nothing.
func testCancelledBefore(t *testing.T, w *World) {
	a := w.NewAccount()
	ctx, cancel := context.WithCancelCause(background())
	cancel(context.Canceled)
	err := w.refuses(fault.Unavailable, func() error {
		_, err := w.Store.SetContacts(ctx, a.ID, nil, w.Event(event.AccountUpdated, a.ID))
		return err
	})
	t.Log(err)
}

// A context that ends while a write waits leaves the write to its fate: what was acknowledged is stored, what was not
// may be, and nothing is stored in part.
func testCancelledBetween(t *testing.T, w *World) {
	const writers, rounds = 16, 10
	orders := make([]acme.Order, writers*rounds)
	authorizations := make([][]acme.Authorization, len(orders))
	account := w.NewAccount()
	for i := range orders {
		orders[i], authorizations[i] = w.Order(account.ID, "example.com")
	}
	acknowledged := make([]bool, len(orders))
	together(writers, func(n int) error {
		for round := range rounds {
			i := n*rounds + round
			ctx, cancel := context.WithTimeout(background(), time.Duration(i%8)*300*time.Microsecond)
			err := w.Store.CreateOrder(ctx, orders[i], authorizations[i], w.Event(event.OrderCreated, orders[i].ID))
			cancel()
			acknowledged[i] = err == nil
			if err != nil {
				if fault.KindOf(err) != fault.Unavailable {
					t.Errorf("a cancelled write says %v", err)
				}
			}
		}
		return nil
	})
	must(t, w.Store.Ping(background())) // everything that was accepted is done
	stored := 0
	for i, o := range orders {
		has := w.hasOrder(o.ID)
		if has {
			stored++
		}
		if acknowledged[i] && !has {
			t.Errorf("order %d was acknowledged and is not there", i)
		}
		events, err := w.Store.Events(background(), o.ID, "", 10)
		must(t, err)
		if has != (len(events) == 1) || has != w.hasAuthorization(authorizations[i][0].ID) {
			t.Errorf("order %d is stored in part", i)
		}
	}
	t.Logf("%d of %d orders were stored", stored, len(orders))
}
