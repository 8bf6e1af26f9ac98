package storetest

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
)

// newBelow stores a proven authorization for a name and the names below it that lasts so many hours.
func (w *World) newBelow(account, name string, hours int) acme.Authorization {
	w.Helper()
	a := w.Authorization(account, w.Names(name)[0])
	a.Subdomains = true
	must(w, w.Store.CreateAuthorization(background(), a, w.Event(event.AuthorizationCreated, a.ID)))
	c := w.Success(a)
	c.ValidUntil = Noon.Add(time.Duration(hours) * time.Hour)
	proven, err := w.Store.Conclude(background(), c, w.Event(event.AuthorizationValid, a.ID))
	must(w, err)
	return proven
}

// testReusableBelow: what covers the names below stands beside what does not, and is found by its own name only.
func testReusableBelow(t *testing.T, w *World) {
	account := w.NewAccount()
	exact := w.preAuthorize(account.ID, "example.com")
	w.Prove(exact)
	exact = load(t, func() (acme.Authorization, error) { return w.Store.Authorization(background(), exact.ID) })
	w.newBelow(account.ID, "example.com", 2)
	below := w.newBelow(account.ID, "example.com", 9)
	got, err := w.Store.Reusable(background(), account.ID, w.Names("example.com", "www.example.com", "*.example.com"), Noon, Noon)
	must(t, err)
	same(t, "the reusable authorizations", byID(got), byID([]acme.Authorization{exact, below}))
	got, err = w.Store.Reusable(background(), account.ID, w.Names("www.example.com", "*.example.com"), Noon, Noon)
	must(t, err)
	same(t, "the reusable authorizations of names below", byID(got), byID(nil))
}

// testFormerKeys: every key that an account had is remembered, the latest first, up to the bound.
func testFormerKeys(t *testing.T, w *World) {
	want := w.NewAccount()
	for range acme.MaxFormer + 2 {
		key := w.NewKey()
		got, err := w.changeKey(want.ID, want.Key.Thumbprint(), key)
		must(t, err)
		want = want.Rekey(key)
		if len(got.Former) > acme.MaxFormer || got.Former[0] != want.Former[0] {
			t.Fatalf("%d former keys", len(got.Former))
		}
	}
	got, err := w.Store.Account(background(), want.ID)
	must(t, err)
	same(t, "the account", got, want)
}
