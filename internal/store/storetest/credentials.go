package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

func testLiveCredentials(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"terms":               testTerms,
		"parallel terms":      testTermsRace,
		"rotation":            testRotation,
		"suspension in a run": testSuspensionRace,
		"approvals":           testApprovals,
	})
	for what, stop := range map[string]func(*World, policy.Credential){
		"suspended": (*World).suspend,
		"deleted":   (*World).delete,
		"expired":   (*World).expire,
	} {
		each(t, open, map[string]func(*testing.T, *World){
			what: func(t *testing.T, w *World) { testStopped(t, w, stop) },
		})
	}
}

// everyTerm has a value other than the default in each field.
func everyTerm() policy.Terms {
	return policy.Terms{Name: "b", MaxAccounts: 3, Expires: Noon.Add(time.Hour), Scope: policy.Scope{
		Names: []string{".example.com", "10.0.0.0/8"}, Profiles: []string{"default"}, OrdersPerDay: 7, PreApproved: []string{"a.example.com"},
	}}
}

func (w *World) suspend(c policy.Credential) {
	w.Helper()
	must(w, w.Store.SuspendCredential(background(), c.ID, Noon, nil, w.Event(event.CredentialSuspended, c.ID)))
}

func (w *World) delete(c policy.Credential) {
	w.Helper()
	must(w, w.Store.DeleteCredential(background(), c.ID, nil, w.Event(event.CredentialDeleted, c.ID)))
}

func (w *World) expire(c policy.Credential) {
	w.Helper()
	ended := c.Terms
	ended.Expires = Noon
	must(w, w.Store.SetTerms(background(), c.ID, c.Terms, ended, w.Event(event.CredentialSaved, c.ID)))
}

// accountOf stores an account that came in by a credential.
func (w *World) accountOf(c policy.Credential) acme.Account {
	w.Helper()
	a := w.Account()
	a.Credential, a.Binding = c.ID, []byte(`{}`)
	stored, _ := w.create(a)
	return stored
}

func testTerms(t *testing.T, w *World) {
	c, other := w.NewCredential("a", 0), w.NewCredential("other", 0)
	old, want := c.Terms, c
	want.Terms = everyTerm()
	e := w.Event(event.CredentialSaved, c.ID)
	w.tells(e, func() { must(t, w.Store.SetTerms(background(), c.ID, old, want.Terms, e)) })
	got, err := w.Store.Credential(background(), c.ID)
	must(t, err)
	same(t, "the credential", got, want)
	set := func(id string, old, terms policy.Terms) func() error {
		return func() error {
			return w.Store.SetTerms(background(), id, old, terms, w.Event(event.CredentialSaved, id))
		}
	}
	_ = w.refuses(fault.Conflict, set(c.ID, old, old)) // somebody else was faster
	_ = w.refuses(fault.NotFound, set(w.ID(), old, old))
	taken := want.Terms
	taken.Name = other.Name
	_ = w.refuses(fault.Conflict, set(c.ID, want.Terms, taken))
	must(t, set(c.ID, want.Terms, old)())
}

func testTermsRace(t *testing.T, w *World) {
	c := w.NewCredential("a", 0)
	errs := together(8, func(i int) error {
		terms := c.Terms
		terms.Scope.OrdersPerDay = i + 1
		return w.Store.SetTerms(background(), c.ID, c.Terms, terms, w.Event(event.CredentialSaved, c.ID))
	})
	if succeeded(errs) != 1 || count(errs, fault.Conflict) != 7 {
		t.Errorf("of 8 changes of the same terms one is stored: %v", errs)
	}
}

func testRotation(t *testing.T, w *World) {
	c := w.NewCredential("a", 0)
	a := w.accountOf(c)
	want := c
	want.Sealed, want.Former = []byte("second"), policy.Former{Sealed: c.Sealed, Until: Noon.Add(time.Hour)}
	e := w.Event(event.CredentialRotated, c.ID)
	w.tells(e, func() { must(t, w.Store.RotateCredential(background(), c.ID, c.Sealed, want.Sealed, want.Former, e)) })
	got, err := w.Store.Credential(background(), c.ID)
	must(t, err)
	same(t, "the credential", got, want)
	w.NewOrder(a.ID, "a.example.com") // its accounts go on
	rotate := func(id string, old []byte) func() error {
		return func() error {
			return w.Store.RotateCredential(background(), id, old, []byte("third"), policy.Former{}, w.Event(event.CredentialRotated, id))
		}
	}
	_ = w.refuses(fault.Conflict, rotate(c.ID, c.Sealed)) // rotated meanwhile
	_ = w.refuses(fault.NotFound, rotate(w.ID(), c.Sealed))
	must(t, rotate(c.ID, want.Sealed)())
	got, err = w.Store.Credential(background(), c.ID)
	must(t, err)
	if len(got.Former.Sealed) != 0 || !got.Former.Until.IsZero() {
		t.Errorf("without grace the former key is %q until %s", got.Former.Sealed, got.Former.Until)
	}
}

// Proves EAB-08, INC-65: what an account may not do any more once its credential is stopped, and what still happens.
func testStopped(t *testing.T, w *World, stop func(*World, policy.Credential)) {
	ctx, db := background(), w.Store
	c := w.NewCredential("a", 0)
	a := w.accountOf(c)
	ready := w.NewReadyOrder(a.ID, "ready.example.com")
	under, der := w.Intent(w.NewReadyOrder(a.ID, "under-way.example.com"))
	w.Begin(under)
	_, pending := w.NewOrder(a.ID, "a.example.com", "b.example.com", "c.example.com")
	_, err := db.Respond(ctx, pending[1].ID, acme.HTTP01, "x", Noon)
	must(t, err)
	stop(w, c)

	for what, act := range map[string]func() error{
		"contacts": func() error {
			_, err := db.SetContacts(ctx, a.ID, nil, w.Event(event.AccountUpdated, a.ID))
			return err
		},
		"key": func() error {
			_, err := db.ChangeKey(ctx, a.ID, a.Key.Thumbprint(), w.NewKey(), w.Event(event.AccountKeyChanged, a.ID))
			return err
		},
		"order": func() error {
			o, created := w.Order(a.ID, "new.example.com")
			return db.CreateOrder(ctx, o, created, w.Event(event.OrderCreated, o.ID))
		},
		"authorization": func() error {
			one := w.Authorization(a.ID, pending[0].Identifier)
			return db.CreateAuthorization(ctx, one, w.Event(event.AuthorizationCreated, one.ID))
		},
		"answer": func() error { _, err := db.Respond(ctx, pending[0].ID, acme.HTTP01, "x", Noon); return err },
		"proof": func() error {
			_, err := db.Conclude(ctx, w.Success(pending[1]), w.Event(event.AuthorizationValid, pending[1].ID))
			return err
		},
		"intent": func() error { i, _ := w.Intent(ready); return db.BeginIssuance(ctx, i) },
	} {
		err := w.refuses(fault.Unauthorized, act)
		t.Logf("%s: %v", what, err)
	}

	_, err = db.Conclude(ctx, w.failure(pending[1]), w.Event(event.AuthorizationInvalid, pending[1].ID))
	must(t, err)
	_, err = db.EndAuthorization(ctx, pending[0].ID, acme.Deactivated, Noon, w.Event(event.AuthorizationDeactivated, pending[0].ID))
	must(t, err)
	issued := w.Complete(under, der) // what was recorded is signed, never lost
	_, err = db.Revoke(ctx, issued.ID, Noon, pki.Superseded, false, w.Event(event.CertificateRevoked, issued.ID))
	must(t, err)
	_, err = db.EndAccount(ctx, a.ID, acme.Deactivated, w.Event(event.AccountDeactivated, a.ID))
	must(t, err)
}

// Whatever the interleaving, nothing is written for an account after the suspension of its credential has returned.
func testSuspensionRace(t *testing.T, w *World) {
	c := w.NewCredential("a", 0)
	a := w.accountOf(c)
	var atSuspension int
	errs := together(9, func(i int) error {
		if i == 0 {
			w.suspend(c)
			atSuspension = len(w.ordersOf(a.ID))
			return nil
		}
		o, created := w.Order(a.ID, fmt.Sprintf("n%d.example.com", i))
		return w.Store.CreateOrder(background(), o, created, w.Event(event.OrderCreated, o.ID))
	})
	for _, err := range errs {
		if err != nil && !fault.Is(err, fault.Unauthorized) {
			t.Error(err)
		}
	}
	if now := len(w.ordersOf(a.ID)); now != atSuspension || succeeded(errs)-1 != now {
		t.Errorf("%d orders at the suspension, %d afterwards, %d told to be created", atSuspension, now, succeeded(errs)-1)
	}
}

func (w *World) ordersOf(account string) []acme.Order {
	w.Helper()
	all := load(w, func() ([]acme.Order, error) { return w.Store.ListOrders(background(), "", "", everything) })
	return slices.DeleteFunc(all, func(o acme.Order) bool { return o.Account != account })
}

// Approved returns an authorization that an operator vouches for, not stored.
func (w *World) Approved(account string, c policy.Credential, name string) acme.Authorization {
	w.Helper()
	a := w.Authorization(account, w.Names(name)[0])
	a.Approval = acme.Approval{Credential: c.ID, Name: c.Name, At: Noon}
	return a
}

// Proves Z-04.
func testApprovals(t *testing.T, w *World) {
	ctx, db := background(), w.Store
	c := w.NewCredential("a", 0)
	account := w.accountOf(c)
	o, _ := w.Order(account.ID, "a.example.com")
	approved := w.Approved(account.ID, c, "a.example.com")
	o.Authorizations = []string{approved.ID}
	must(t, db.CreateOrder(ctx, o, []acme.Authorization{approved}, w.Event(event.OrderCreated, o.ID)))
	_, stored, err := db.Order(ctx, o.ID)
	must(t, err)
	same(t, "the approved authorization", stored, []acme.Authorization{approved})
	if status := w.orderStatus(o.ID, Noon); status != acme.Ready {
		t.Errorf("an order whose names are approved is %s", status)
	}
	names := w.Names("a.example.com")
	until := Noon.Add(time.Minute)
	reusable := func(account string) []acme.Authorization {
		return load(w, func() ([]acme.Authorization, error) { return db.Reusable(ctx, account, names, Noon, until) })
	}
	same(t, "what can be used again", reusable(account.ID), []acme.Authorization{approved})
	same(t, "what another account can use", reusable(w.accountOf(c).ID), []acme.Authorization(nil))
	authorized, err := db.Authorized(ctx, account.ID, names, Noon)
	must(t, err)
	if len(authorized) != 0 {
		t.Error("the word of an operator counts as a proof of control")
	}

	_, proven := w.NewOrder(account.ID, "a.example.com")
	w.Prove(proven...)
	if got := reusable(account.ID); len(got) != 1 || got[0].ID != proven[0].ID {
		t.Errorf("beside a proof %+v is used again", got)
	}
	if authorized, err = db.Authorized(ctx, account.ID, names, Noon); err != nil || len(authorized) != 1 {
		t.Errorf("a proof beside an approval authorizes %v (%v)", authorized, err)
	}
	w.IssueFor(o)
}
