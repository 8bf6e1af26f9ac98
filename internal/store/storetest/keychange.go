package storetest

import (
	"crypto/ecdsa"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func testKeyChange(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"change":           testKeyChangeDone,
		"refused":          testKeyChangeRefused,
		"former keys":      testFormerKeys,
		"parallel changes": testKeyChangeRace,
	})
}

func (w *World) changeKey(account, oldThumbprint string, key jws.Key) (acme.Account, error) {
	return w.Store.ChangeKey(background(), account, oldThumbprint, key, w.Event(event.AccountKeyChanged, account))
}

func testKeyChangeDone(t *testing.T, w *World) {
	want := w.NewAccount()
	o, _ := w.NewOrder(want.ID, "example.com")
	before := want.Key
	want = want.Rekey(w.NewKey())
	e := w.Event(event.AccountKeyChanged, want.ID)
	w.tells(e, func() {
		got, err := w.Store.ChangeKey(background(), want.ID, before.Thumbprint(), want.Key, e)
		must(t, err)
		same(t, "the changed account", got, want)
	})
	got, err := w.Store.AccountByKey(background(), want.Connector, want.Key.Thumbprint())
	must(t, err)
	same(t, "the account by its new key", got, want)
	_, err = w.Store.AccountByKey(background(), want.Connector, before.Thumbprint())
	wantKind(t, err, fault.NotFound)
	if got := w.orderStatus(o.ID, Noon); got != acme.Pending { // RFC 8555 section 7.3.5: orders survive
		t.Errorf("the order is %s", got)
	}
	a := w.Account()
	a.Key = before
	if _, created := w.create(a); !created {
		t.Error("the old key cannot be used again")
	}
}

func testKeyChangeRefused(t *testing.T, w *World) {
	a, other, gone := w.NewAccount(), w.NewAccount(), w.NewAccount()
	_, err := w.Store.EndAccount(background(), gone.ID, acme.Deactivated, w.Event(event.AccountDeactivated, gone.ID))
	must(t, err)
	elsewhere := w.Account()
	elsewhere.Connector = w.NewConnector("other").ID
	w.create(elsewhere)

	refused := func(kind fault.Kind, location, account, oldThumbprint string, key jws.Key) {
		t.Helper()
		err := w.refuses(kind, func() error {
			_, err := w.changeKey(account, oldThumbprint, key)
			return err
		})
		if got := locationOf(err); got != location {
			t.Errorf("Location is %q; want %q", got, location)
		}
	}
	refused(fault.Conflict, "", a.ID, w.NewKey().Thumbprint(), w.NewKey())
	refused(fault.Conflict, other.ID, a.ID, a.Key.Thumbprint(), other.Key)
	refused(fault.Conflict, gone.ID, a.ID, a.Key.Thumbprint(), gone.Key) // in whatever status
	refused(fault.Conflict, a.ID, a.ID, a.Key.Thumbprint(), a.Key)
	refused(fault.NotFound, "", w.ID(), a.Key.Thumbprint(), w.NewKey())
	refused(fault.Unauthorized, "", gone.ID, gone.Key.Thumbprint(), w.NewKey())

	certified, blocked := w.newSubject(), w.newSubject()
	w.issueFor(other.ID, certified)
	c := w.issueFor(other.ID, blocked)
	_, err = w.Store.Revoke(background(), c.ID, Noon, pki.KeyCompromise, true, w.Event(event.CertificateRevoked, c.ID))
	must(t, err)
	for _, subject := range []*ecdsa.PublicKey{certified, blocked} {
		key, err := jws.KeyFromPublic(subject)
		must(t, err)
		refused(fault.BadPublicKey, "", a.ID, a.Key.Thumbprint(), key)
	}
	if _, err := w.changeKey(a.ID, a.Key.Thumbprint(), elsewhere.Key); err != nil {
		t.Errorf("a key that another connector knows is refused: %v", err)
	}
}

// Proves K-14.
func testKeyChangeRace(t *testing.T, w *World) {
	a := w.NewAccount()
	keys := make([]jws.Key, 8)
	for i := range keys {
		keys[i] = w.NewKey()
	}
	errs := together(len(keys), func(i int) error {
		_, err := w.changeKey(a.ID, a.Key.Thumbprint(), keys[i])
		return err
	})
	if succeeded(errs) != 1 || count(errs, fault.Conflict) != len(keys)-1 {
		t.Fatalf("of %d changes one wins: %v", len(keys), errs)
	}
	got, err := w.Store.Account(background(), a.ID)
	must(t, err)
	for i, err := range errs {
		if err == nil && !got.Key.Equal(keys[i]) {
			t.Error("the account has another key than the one that was acknowledged")
		}
	}
	if events, err := w.Store.Events(background(), a.ID, "", everything); err != nil || len(events) != 2 {
		t.Errorf("the account has %d events, %v; want its creation and one change", len(events), err)
	}

	// Two accounts want one key.
	b, wanted := w.NewAccount(), w.NewKey()
	errs = together(2, func(i int) error {
		account := []acme.Account{got, b}[i]
		_, err := w.changeKey(account.ID, account.Key.Thumbprint(), wanted)
		return err
	})
	if succeeded(errs) != 1 || count(errs, fault.Conflict) != 1 {
		t.Errorf("two accounts want one key: %v", errs)
	}
}
