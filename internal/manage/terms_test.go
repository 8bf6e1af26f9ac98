package manage_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func (i *installation) credential(t *testing.T, n manage.NewCredential) manage.CredentialView {
	t.Helper()
	view, _, err := i.CreateCredential(t.Context(), operator, n)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func TestSetTerms(t *testing.T) {
	i := newReady(t)
	view := i.credential(t, manage.NewCredential{Name: "web", Scope: policy.Scope{Names: []string{".a.example"}}})
	expires := i.Clock.Now().Add(time.Hour)
	want := policy.Terms{Name: "shop", MaxAccounts: 3, Expires: expires, Scope: policy.Scope{
		Names: []string{".a.example", "10.0.0.0/8"}, Profiles: []string{"shortlived"}, OrdersPerDay: 5, PreApproved: []string{"x.a.example", "10.1.0.0/16", "*.a.example"},
	}}
	set := func(change func(*policy.Terms)) (manage.CredentialView, error) {
		return i.SetTerms(t.Context(), operator, view.ID, func(terms *policy.Terms) error { change(terms); return nil })
	}
	got, err := set(func(terms *policy.Terms) { *terms = want })
	if diff := cmp.Diff(want, got.Terms); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	i.Clock.Set(expires.Add(time.Minute))
	if got, err = set(func(terms *policy.Terms) { terms.Name = "late" }); err != nil || got.Usable || got.Name != "late" {
		t.Errorf("an expired credential keeps its expiry: %+v (%v)", got, err)
	}
	if got, err = set(func(terms *policy.Terms) { terms.Expires = time.Time{} }); err != nil || !got.Usable {
		t.Errorf("without expiry: %+v (%v)", got, err)
	}
	events, _, err := i.Events(t.Context(), view.ID, manage.Page{})
	if err != nil || len(events) != 4 || events[0].Action != event.CredentialSaved || events[0].Actor != string(operator) {
		t.Errorf("events %+v (%v)", events, err)
	}
	_, err = i.SetTerms(t.Context(), operator, "nobody", nil)
	expect(t, err, fault.NotFound, "There is no credential")
}

func TestSetTermsRefuses(t *testing.T) {
	i := newReady(t)
	view := i.credential(t, manage.NewCredential{Name: "web"})
	i.credential(t, manage.NewCredential{Name: "taken"})
	for name, test := range map[string]struct {
		change func(*policy.Terms)
		kind   fault.Kind
		part   string
	}{
		"the name of another": {func(c *policy.Terms) { c.Name = "taken" }, fault.Conflict, "taken"},
		"no name":             {func(c *policy.Terms) { c.Name = "" }, fault.Malformed, "cannot be the name of a credential"},
		"in the past":         {func(c *policy.Terms) { c.Expires = i.Clock.Now() }, fault.Malformed, "expired already"},
		"accounts":            {func(c *policy.Terms) { c.MaxAccounts = -1 }, fault.Malformed, "max_accounts:"},
		"orders":              {func(c *policy.Terms) { c.Scope.OrdersPerDay = -1 }, fault.Malformed, "orders_per_day:"},
		"many orders":         {func(c *policy.Terms) { c.Scope.OrdersPerDay = 1_000_001 }, fault.Malformed, "orders_per_day:"},
		"a name":              {func(c *policy.Terms) { c.Scope.Names = []string{"a b"} }, fault.Malformed, `names: "a b"`},
		"a name twice":        {func(c *policy.Terms) { c.Scope.Names = []string{"a.example", "a.example"} }, fault.Malformed, "stands there twice"},
		"a network's bits":    {func(c *policy.Terms) { c.Scope.Names = []string{"10.0.0.1/8"} }, fault.Malformed, "it would be 10.0.0.0/8"},
		"a mapped network":    {func(c *policy.Terms) { c.Scope.Names = []string{"::ffff:10.0.0.0/104"} }, fault.Malformed, "write an IPv4 network as such"},
		"no network":          {func(c *policy.Terms) { c.Scope.Names = []string{"a/b"} }, fault.Malformed, "it is no network"},
		"a long network":      {func(c *policy.Terms) { c.Scope.Names = []string{"2001:0db8::/32"} }, fault.Malformed, "write it as 2001:db8::/32"},
		"a profile":           {func(c *policy.Terms) { c.Scope.Profiles = []string{"nobody"} }, fault.Malformed, "there are: default, shortlived"},
		"everything approved": {func(c *policy.Terms) { c.Scope.PreApproved = []string{"*"} }, fault.Malformed, "nobody controls all of that"},
		"a registry approved": {func(c *policy.Terms) { c.Scope.PreApproved = []string{".CO.UK"} }, fault.Malformed, "nobody controls all of that"},
		"all addresses":       {func(c *policy.Terms) { c.Scope.PreApproved = []string{"::/0"} }, fault.Malformed, "nobody controls all of that"},
		"no pattern approved": {func(c *policy.Terms) { c.Scope.PreApproved = []string{".."} }, fault.Malformed, "pre_approved:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := i.SetTerms(t.Context(), operator, view.ID, func(terms *policy.Terms) error { test.change(terms); return nil })
			expect(t, err, test.kind, test.part)
			after, err := i.Credential(t.Context(), view.ID)
			if diff := cmp.Diff(view.Terms, after.Terms); diff != "" || err != nil {
				t.Errorf("a refused change was stored: %v %s", err, diff)
			}
			if test.kind == fault.Malformed && !strings.Contains(name, "name of") {
				n := manage.NewCredential{Name: "new"}
				terms := policy.Terms{Name: n.Name}
				test.change(&terms)
				_, _, err = i.CreateCredential(t.Context(), operator, manage.NewCredential{Name: terms.Name, MaxAccounts: terms.MaxAccounts, Expires: terms.Expires, Scope: terms.Scope})
				expect(t, err, test.kind, test.part)
			}
		})
	}
	private := policy.Scope{PreApproved: []string{".corp", ".github.io", "10.0.0.0/8"}} // names of nobody's registry
	i.credential(t, manage.NewCredential{Name: "private", Scope: private})
}

// hasty is a store in which another operator changes the terms just before each of the first tries to.
type hasty struct {
	manage.Store
	left  int
	other func()
}

func (s *hasty) SetTerms(ctx context.Context, credential string, old, terms policy.Terms, e event.Event) error {
	if s.left > 0 {
		s.left--
		s.other()
	}
	return s.Store.SetTerms(ctx, credential, old, terms, e)
}

func TestOfTwoWhoSetTermsNoneUndoesTheOther(t *testing.T) {
	for tries, kind := range map[int]fault.Kind{2: "", 100: fault.Conflict} {
		i := newReady(t)
		view := i.credential(t, manage.NewCredential{Name: "web"})
		count := 0
		store := &hasty{Store: i.Store, left: tries}
		store.other = func() {
			count++
			_, err := i.SetTerms(t.Context(), operator, view.ID, func(terms *policy.Terms) error { terms.MaxAccounts = count; return nil })
			if err != nil {
				t.Error(err)
			}
		}
		got, err := i.on(store).SetTerms(t.Context(), operator, view.ID, func(terms *policy.Terms) error { terms.Scope.OrdersPerDay++; return nil })
		if kind != "" {
			expect(t, err, kind, "other terms by now")
			continue
		}
		if err != nil || got.MaxAccounts != tries || got.Scope.OrdersPerDay != 1 {
			t.Errorf("%+v (%v)", got.Terms, err)
		}
	}
}

func TestRotateCredential(t *testing.T) {
	i := newReady(t)
	view, first, err := i.CreateCredential(t.Context(), operator, manage.NewCredential{Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	rotated, second, err := i.RotateCredential(t.Context(), operator, view.ID, time.Hour)
	if err != nil || len(second) != 32 || bytes.Equal(first, second) || !rotated.Former.Until.Equal(i.Clock.Now().Add(time.Hour)) {
		t.Fatalf("%+v (%v)", rotated, err)
	}
	for sealed, want := range map[string][]byte{string(rotated.Sealed): second, string(rotated.Former.Sealed): first} {
		if opened, err := i.Sealer.Open([]byte(sealed), []byte(view.ID)); err != nil || !bytes.Equal(opened, want) {
			t.Errorf("a sealed key opens to another (%v)", err)
		}
	}
	for _, grace := range []time.Duration{-time.Second, time.Second / 2, 91 * 24 * time.Hour} {
		_, key, err := i.RotateCredential(t.Context(), operator, view.ID, grace)
		expect(t, err, fault.Malformed, "grace:")
		if key != nil {
			t.Error("a refusal returned a key")
		}
	}
	_, _, err = i.RotateCredential(t.Context(), operator, "nobody", 0)
	expect(t, err, fault.NotFound, "There is no credential")
	if last, _, err := i.RotateCredential(t.Context(), operator, view.ID, 0); err != nil || len(last.Former.Sealed) != 0 {
		t.Errorf("without grace %+v (%v)", last.Former, err)
	}
}
