package storetest

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func testAccounts(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"create, read, list":            testAccountRoundTrip,
		"times are whole seconds, UTC":  testAccountTimes,
		"a key has one account":         testAccountKeyUnique,
		"parallel creations of one key": testAccountCreateRace,
		"credential":                    testAccountCredential,
		"parallel uses of a credential": testAccountCredentialRace,
		"contacts":                      testAccountContacts,
		"ended is ended":                testAccountEndTwice,
		"pages":                         testAccountPages,
	})
}

func testAccountRoundTrip(t *testing.T, w *World) {
	a := w.Account()
	a.Credential, a.Binding = w.NewCredential("one", 0).ID, []byte(`{"protected":"..."}`)
	e := w.Event(event.AccountCreated, a.ID)
	w.tells(e, func() {
		got, created, err := w.Store.CreateAccount(background(), a, e)
		must(t, err)
		if !created {
			t.Error("created is false")
		}
		same(t, "the created account", got, a)
	})
	got, err := w.Store.Account(background(), a.ID)
	must(t, err)
	same(t, "Account", got, a)
	got, err = w.Store.AccountByKey(background(), a.Connector, a.Key.Thumbprint())
	must(t, err)
	same(t, "AccountByKey", got, a)

	_, err = w.Store.Account(background(), w.ID())
	wantKind(t, err, fault.NotFound)
	_, err = w.Store.AccountByKey(background(), a.Connector, w.NewKey().Thumbprint())
	wantKind(t, err, fault.NotFound)
	_, err = w.Store.AccountByKey(background(), w.NewConnector("other").ID, a.Key.Thumbprint())
	wantKind(t, err, fault.NotFound)

	lost := w.Account()
	lost.Connector = w.ID()
	_ = w.refuses(fault.NotFound, func() error {
		_, _, err := w.Store.CreateAccount(background(), lost, w.Event(event.AccountCreated, lost.ID))
		return err
	})
}

func testAccountTimes(t *testing.T, w *World) {
	a := w.Account()
	a.Contacts = nil
	a.Created = time.Date(2026, 11, 23, 14, 30, 15, 987654321, time.FixedZone("CET", 3600))
	want := a
	want.Created = time.Date(2026, 11, 23, 13, 30, 15, 0, time.UTC)
	got, _ := w.create(a)
	same(t, "the created account", got, want)
	got, err := w.Store.Account(background(), a.ID)
	must(t, err)
	same(t, "the stored account", got, want)
}

// Proves A-14.
func testAccountKeyUnique(t *testing.T, w *World) {
	first := w.NewAccount()
	again := w.Account()
	again.Key = first.Key
	before := w.state()
	got, created := w.create(again)
	if created {
		t.Error("a second account was made for one key")
	}
	same(t, "the account that was there", got, first)
	same(t, "the store", w.state(), before)

	elsewhere := w.Account()
	elsewhere.Key, elsewhere.Connector = first.Key, w.NewConnector("other").ID
	if _, created := w.create(elsewhere); !created {
		t.Error("another connector does not take a key that this one knows")
	}

	ended, err := w.Store.EndAccount(background(), first.ID, acme.Deactivated, w.Event(event.AccountDeactivated, first.ID))
	must(t, err)
	got, created = w.create(again)
	if created {
		t.Error("the key of a deactivated account is free again")
	}
	same(t, "the deactivated account", got, ended)

	for key, want := range map[string]bool{first.Key.Thumbprint(): true, w.NewKey().Thumbprint(): false} {
		has, err := w.Store.KeyHasAccount(background(), key)
		must(t, err)
		if has != want {
			t.Errorf("KeyHasAccount is %v; want %v", has, want)
		}
	}
}

// Proves A-03.
func testAccountCreateRace(t *testing.T, w *World) {
	key := w.NewKey()
	accounts := make([]acme.Account, 32)
	created := make([]bool, len(accounts))
	errs := together(len(accounts), func(i int) (err error) {
		a := acme.Account{ID: w.ID(), Connector: w.Connector.ID, Key: key, Created: Noon}
		accounts[i], created[i], err = w.Store.CreateAccount(background(), a, w.Event(event.AccountCreated, a.ID))
		return err
	})
	if n := succeeded(errs); n != len(errs) {
		t.Fatalf("%d of %d calls failed: %v", len(errs)-n, len(errs), errs)
	}
	makers := 0
	for i := range accounts {
		same(t, "the account", accounts[i], accounts[0])
		if created[i] {
			makers++
		}
	}
	if makers != 1 {
		t.Errorf("%d calls created the account; want 1", makers)
	}
	if s := w.state(); len(s.Accounts) != 1 {
		t.Errorf("there are %d accounts", len(s.Accounts))
	}
}

func testAccountCredential(t *testing.T, w *World) {
	suspended, expired, gone := w.NewCredential("suspended", 0), w.NewCredential("expired", 0), w.NewCredential("gone", 0)
	must(t, w.Store.SuspendCredential(background(), suspended.ID, Noon, nil, w.Event(event.CredentialSuspended, suspended.ID)))
	must(t, w.Store.DeleteCredential(background(), gone.ID, nil, w.Event(event.CredentialDeleted, gone.ID)))
	must(t, w.Store.DeleteCredential(background(), expired.ID, nil, w.Event(event.CredentialDeleted, expired.ID)))
	expired.Expires = Noon
	must(t, w.Store.CreateCredential(background(), expired, w.Event(event.CredentialCreated, expired.ID)))

	create := func(credential string, at time.Time) error {
		a := w.Account()
		a.Credential, a.Created = credential, at
		_, _, err := w.Store.CreateAccount(background(), a, w.Event(event.AccountCreated, a.ID))
		return err
	}
	for name, credential := range map[string]string{"suspended": suspended.ID, "expired": expired.ID, "deleted": gone.ID, "unknown": w.ID()} {
		err := w.refuses(fault.Unauthorized, func() error { return create(credential, Noon) })
		t.Logf("%s: %v", name, err)
	}
	must(t, create(expired.ID, Noon.Add(-time.Second))) // in force until its last second

	single := w.NewCredential("single", 1)
	a := w.Account()
	a.Credential = single.ID
	w.create(a)
	_ = w.refuses(fault.Unauthorized, func() error { return create(single.ID, Noon) })
	_, err := w.Store.EndAccount(background(), a.ID, acme.Deactivated, w.Event(event.AccountDeactivated, a.ID))
	must(t, err)
	_ = w.refuses(fault.Unauthorized, func() error { return create(single.ID, Noon) }) // a deactivated account still counts

	again := w.Account()
	again.Key, again.Credential = a.Key, suspended.ID
	if _, created := w.create(again); created { // the account that is there is returned, whatever the credential
		t.Error("a second account was made for one key")
	}
}

// Proves EAB-07, INC-85.
func testAccountCredentialRace(t *testing.T, w *World) {
	credential := w.NewCredential("three", 3)
	errs := together(16, func(int) error {
		a := w.Account()
		a.Credential = credential.ID
		_, _, err := w.Store.CreateAccount(background(), a, w.Event(event.AccountCreated, a.ID))
		return err
	})
	if succeeded(errs) != 3 || count(errs, fault.Unauthorized) != 13 {
		t.Errorf("of 16 accounts 3 may bind: %v", errs)
	}
	if s := w.state(); len(s.Accounts) != 3 {
		t.Errorf("there are %d accounts", len(s.Accounts))
	}
}

func testAccountContacts(t *testing.T, w *World) {
	want := w.NewAccount()
	want.Contacts = []string{"mailto:a@example.com", "mailto:b@example.com"}
	e := w.Event(event.AccountUpdated, want.ID)
	w.tells(e, func() {
		got, err := w.Store.SetContacts(background(), want.ID, want.Contacts, e)
		must(t, err)
		same(t, "the changed account", got, want)
	})
	got, err := w.Store.Account(background(), want.ID)
	must(t, err)
	same(t, "the stored account", got, want)

	_, err = w.Store.EndAccount(background(), want.ID, acme.Deactivated, w.Event(event.AccountDeactivated, want.ID))
	must(t, err)
	for account, kind := range map[string]fault.Kind{want.ID: fault.Unauthorized, w.ID(): fault.NotFound} {
		_ = w.refuses(kind, func() error {
			_, err := w.Store.SetContacts(background(), account, nil, w.Event(event.AccountUpdated, account))
			return err
		})
	}
}

func testAccountEndTwice(t *testing.T, w *World) {
	a := w.NewAccount()
	_ = w.refuses(fault.NotFound, func() error {
		_, err := w.Store.EndAccount(background(), w.ID(), acme.Revoked, w.Event(event.AccountRevoked, a.ID))
		return err
	})
	_ = w.refuses(fault.Internal, func() error {
		_, err := w.Store.EndAccount(background(), a.ID, acme.Expired, w.Event(event.AccountRevoked, a.ID))
		return err
	})
	ended, err := w.Store.EndAccount(background(), a.ID, acme.Deactivated, w.Event(event.AccountDeactivated, a.ID))
	must(t, err)
	before := w.state()
	later := w.Event(event.AccountRevoked, a.ID)
	later.At = Noon.Add(time.Hour)
	got, err := w.Store.EndAccount(background(), a.ID, acme.Revoked, later)
	must(t, err)
	same(t, "the account", got, ended)
	same(t, "the store", w.state(), before)
}

func testAccountPages(t *testing.T, w *World) {
	other := w.NewConnector("other")
	var newestFirst, ofOther []acme.Account
	for i := range 7 {
		a := w.Account()
		if i%2 == 1 {
			a.Connector = other.ID
			ofOther = append([]acme.Account{a}, ofOther...)
		}
		w.create(a)
		newestFirst = append([]acme.Account{a}, newestFirst...)
	}
	pages(t, 3, newestFirst, func(a acme.Account) string { return a.ID }, func(before string, limit int) ([]acme.Account, error) {
		return w.Store.Accounts(background(), "", before, limit)
	})
	pages(t, 2, ofOther, func(a acme.Account) string { return a.ID }, func(before string, limit int) ([]acme.Account, error) {
		return w.Store.Accounts(background(), other.ID, before, limit)
	})
	none, err := w.Store.Accounts(background(), w.ID(), "", 5)
	must(t, err)
	same(t, "accounts of no connector", none, []acme.Account(nil))
}
