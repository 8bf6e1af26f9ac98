package storetest

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

func testAuthorizations(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"pre-authorization":    testAuthorizationRoundTrip,
		"reusable":             testReusable,
		"names below":          testReusableBelow,
		"authorized":           testAuthorized,
		"the longest lasting":  testReusableLongest,
		"end":                  testAuthorizationEnd,
		"parallel ends":        testAuthorizationEndRace,
		"only what was proven": testAuthorizationExact,
	})
}

// preAuthorize stores an authorization that no order names.
func (w *World) preAuthorize(account, name string) acme.Authorization {
	w.Helper()
	a := w.Authorization(account, w.Names(name)[0])
	must(w, w.Store.CreateAuthorization(background(), a, w.Event(event.AuthorizationCreated, a.ID)))
	return a
}

// end ends an authorization at Noon.
func (w *World) end(id string, to acme.Status) (acme.Authorization, error) {
	return w.Store.EndAuthorization(background(), id, to, Noon, w.Event(event.AuthorizationDeactivated, id))
}

func testAuthorizationRoundTrip(t *testing.T, w *World) {
	a := w.Authorization(w.NewAccount().ID, w.Names("*.example.com")[0])
	e := w.Event(event.AuthorizationCreated, a.ID)
	w.tells(e, func() { must(t, w.Store.CreateAuthorization(background(), a, e)) })
	got, err := w.Store.Authorization(background(), a.ID)
	must(t, err)
	same(t, "the authorization", got, a)
	if !got.Wildcard || got.Identifier.Value() != "example.com" {
		t.Errorf("the wildcard came back as %v, %s", got.Wildcard, got.Identifier)
	}
	_, err = w.Store.Authorization(background(), w.ID())
	wantKind(t, err, fault.NotFound)
	unknown := w.Authorization(w.ID(), w.Names("example.com")[0])
	_ = w.refuses(fault.NotFound, func() error {
		return w.Store.CreateAuthorization(background(), unknown, w.Event(event.AuthorizationCreated, unknown.ID))
	})
}

// Proves Z-07, INC-86.
func testReusable(t *testing.T, w *World) {
	account, stranger := w.NewAccount(), w.NewAccount()
	prove := func(account, name string) acme.Authorization {
		a := w.preAuthorize(account, name)
		w.Prove(a)
		return load(t, func() (acme.Authorization, error) { return w.Store.Authorization(background(), a.ID) })
	}
	name, wildcard, address := prove(account.ID, "a.example.com"), prove(account.ID, "*.a.example.com"), prove(account.ID, "192.0.2.7")
	deactivated, revoked := prove(account.ID, "deactivated.example.com"), prove(account.ID, "revoked.example.com")
	_, err := w.end(deactivated.ID, acme.Deactivated)
	must(t, err)
	_, err = w.end(revoked.ID, acme.Revoked)
	must(t, err)
	prove(stranger.ID, "stranger.example.com")
	w.preAuthorize(account.ID, "pending.example.com")
	refused := w.preAuthorize(account.ID, "refused.example.com")
	_, err = w.Store.Conclude(background(), w.failure(refused), w.Event(event.AuthorizationInvalid, refused.ID))
	must(t, err)

	all := []string{
		"a.example.com", "*.a.example.com", "192.0.2.7", "deactivated.example.com", "revoked.example.com",
		"stranger.example.com", "pending.example.com", "refused.example.com", "b.a.example.com", "example.com",
	}
	end := name.Expires
	cases := []struct {
		names      []string
		now, until time.Time
		want       []acme.Authorization
	}{
		{all, Noon, Noon, []acme.Authorization{name, wildcard, address}},
		{all, Noon, end, []acme.Authorization{name, wildcard, address}},
		{all, Noon, end.Add(time.Second), nil},
		{all, end.Add(-time.Second), Noon, []acme.Authorization{name, wildcard, address}},
		{all, end, Noon, nil},
		{[]string{"*.a.example.com"}, Noon, Noon, []acme.Authorization{wildcard}},
		{[]string{"a.example.com"}, Noon, Noon, []acme.Authorization{name}},
		{[]string{"b.a.example.com"}, Noon, Noon, nil}, // a wildcard covers the wildcard, and no name below it
		{nil, Noon, Noon, nil},
	}
	for _, c := range cases {
		got, err := w.Store.Reusable(background(), account.ID, w.Names(c.names...), c.now, c.until)
		must(t, err)
		same(t, "the reusable authorizations", byID(got), byID(c.want))
	}
}

func byID(list []acme.Authorization) map[string]acme.Authorization {
	ids := map[string]acme.Authorization{}
	for _, a := range list {
		ids[a.ID] = a
	}
	return ids
}

func testReusableLongest(t *testing.T, w *World) {
	account := w.NewAccount()
	var longest string
	for _, hours := range []int{2, 9, 5} {
		a := w.preAuthorize(account.ID, "example.com")
		c := w.Success(a)
		c.ValidUntil = Noon.Add(time.Duration(hours) * time.Hour)
		_, err := w.Store.Conclude(background(), c, w.Event(event.AuthorizationValid, a.ID))
		must(t, err)
		if hours == 9 {
			longest = a.ID
		}
	}
	got, err := w.Store.Reusable(background(), account.ID, w.Names("example.com"), Noon, Noon)
	must(t, err)
	if len(got) != 1 || got[0].ID != longest {
		t.Errorf("Reusable returns %v; want only %s", got, longest)
	}
}

func testAuthorized(t *testing.T, w *World) {
	account := w.NewAccount()
	name, wildcard := w.preAuthorize(account.ID, "a.example.com"), w.preAuthorize(account.ID, "*.b.example.com")
	w.Prove(name, wildcard)
	w.preAuthorize(account.ID, "pending.example.com")
	asked := w.Names("a.example.com", "b.example.com", "*.b.example.com", "x.b.example.com", "*.a.example.com", "pending.example.com")

	got, err := w.Store.Authorized(background(), account.ID, asked, Noon)
	must(t, err)
	same(t, "the authorized identifiers", ident.Set(got), w.Names("a.example.com", "*.b.example.com"))
	late, err := w.Store.Authorized(background(), account.ID, asked, Noon.Add(24*time.Hour))
	must(t, err)
	same(t, "after the expiry", late, []ident.Identifier(nil))
	others, err := w.Store.Authorized(background(), w.NewAccount().ID, asked, Noon)
	must(t, err)
	same(t, "another account's", others, []ident.Identifier(nil))
}

func testAuthorizationEnd(t *testing.T, w *World) {
	account := w.NewAccount()
	for _, to := range []acme.Status{acme.Deactivated, acme.Revoked} {
		for _, proven := range []bool{false, true} {
			o, created := w.NewOrder(account.ID, "example.com")
			if proven {
				w.Prove(created[0])
			}
			want := load(t, func() (acme.Authorization, error) { return w.Store.Authorization(background(), created[0].ID) })
			if to == acme.Deactivated {
				want.Deactivated = Noon
			} else {
				want.Revoked = Noon
			}
			e := w.Event(event.AuthorizationDeactivated, want.ID)
			w.tells(e, func() {
				got, err := w.Store.EndAuthorization(background(), want.ID, to, Noon, e)
				must(t, err)
				same(t, "the ended authorization", got, want)
			})
			got, err := w.Store.Authorization(background(), want.ID)
			must(t, err)
			same(t, "the stored authorization", got, want)
			if status := w.orderStatus(o.ID, Noon); status != acme.Invalid {
				t.Errorf("the order is %s", status)
			}
			_ = w.refuses(fault.Conflict, func() error { _, err := w.end(want.ID, acme.Deactivated); return err })
			_ = w.refuses(fault.Conflict, func() error { _, err := w.end(want.ID, acme.Revoked); return err })
		}
	}
	_ = w.refuses(fault.NotFound, func() error { _, err := w.end(w.ID(), acme.Deactivated); return err })
	_, created := w.NewOrder(account.ID, "example.com")
	_ = w.refuses(fault.Internal, func() error { _, err := w.end(created[0].ID, acme.Valid); return err })
	lapsed, _ := w.Order(account.ID)
	a := w.Authorization(account.ID, w.Names("lapsed.example.com")[0])
	a.Expires, lapsed.Authorizations = Noon, []string{a.ID}
	must(t, w.Store.CreateOrder(background(), lapsed, []acme.Authorization{a}, w.Event(event.OrderCreated, lapsed.ID)))
	_ = w.refuses(fault.Conflict, func() error { _, err := w.end(a.ID, acme.Deactivated); return err })
}

func testAuthorizationEndRace(t *testing.T, w *World) {
	_, created := w.NewOrder(w.NewAccount().ID, "example.com")
	errs := together(16, func(i int) error {
		_, err := w.end(created[0].ID, []acme.Status{acme.Deactivated, acme.Revoked}[i%2])
		return err
	})
	if succeeded(errs) != 1 || count(errs, fault.Conflict) != 15 {
		t.Errorf("of 16 parallel ends one wins: %v", errs)
	}
}

// A validation proves what was asked, and nothing else.
// Proves INC-23, INC-103.
func testAuthorizationExact(t *testing.T, w *World) {
	account := w.NewAccount()
	_, created := w.NewOrder(account.ID, "a.example.com", "b.example.com", "*.a.example.com")
	before := w.state()
	proven := created[1]
	w.Prove(proven)
	after := w.state()
	for id, a := range after.Authorizations {
		if id != proven.ID {
			same(t, "an authorization that nobody touched", a, before.Authorizations[id])
		}
	}
	got := after.Authorizations[proven.ID]
	for i, c := range got.Challenges {
		if valid := c.Status() == acme.Valid; valid != (i == 0) {
			t.Errorf("the challenge %s is %s", c.Method, c.Status())
		}
	}
	ids, err := w.Store.Authorized(background(), account.ID, w.Names("a.example.com", "b.example.com", "example.com", "*.a.example.com"), Noon)
	must(t, err)
	same(t, "what is authorized", ids, []ident.Identifier{proven.Covers()})
}
