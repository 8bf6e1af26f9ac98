package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func testChallenges(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"respond":                 testRespond,
		"conclude":                testConclude,
		"evidence":                testEvidence,
		"the first outcome":       testConcludeTwice,
		"parallel outcomes":       testConcludeRace,
		"late outcome":            testConcludeLate,
		"unfinished":              testUnfinished,
		"unfinished: what is not": testUnfinishedEnded,
	})
}

func (w *World) respond(id string, m acme.Method, at time.Time) (acme.Authorization, error) {
	return w.Store.Respond(background(), id, m, "token.thumbprint", at)
}

func (w *World) conclude(c acme.Conclusion) (acme.Authorization, error) {
	return w.Store.Conclude(background(), c, w.Event(event.AuthorizationValid, c.Authorization))
}

func testRespond(t *testing.T, w *World) {
	_, created := w.NewOrder(w.NewAccount().ID, "example.com")
	want := created[0]
	want.Challenges[1].Begun, want.Challenges[1].KeyAuthorization = Noon, "token.thumbprint"
	got, err := w.respond(want.ID, acme.DNS01, Noon.Add(999*time.Millisecond))
	must(t, err)
	same(t, "the authorization", got, want)
	got, err = w.Store.Authorization(background(), want.ID)
	must(t, err)
	same(t, "the stored authorization", got, want)

	got, err = w.Store.Respond(background(), want.ID, acme.DNS01, "another", Noon.Add(time.Minute)) // the first response stands
	must(t, err)
	same(t, "after a second response", got, want)

	before := w.state()
	for _, id := range []string{w.ID()} {
		_, err := w.respond(id, acme.HTTP01, Noon)
		wantKind(t, err, fault.NotFound)
	}
	_, err = w.respond(want.ID, "dns-99", Noon)
	wantKind(t, err, fault.NotFound)
	_, err = w.respond(want.ID, acme.HTTP01, want.Expires)
	wantKind(t, err, fault.Conflict)
	same(t, "the store after refusals", w.state(), before)
	w.Prove(want)
	_ = w.refuses(fault.Conflict, func() error { _, err := w.respond(want.ID, acme.DNS01, Noon); return err })
}

func testConclude(t *testing.T, w *World) {
	account := w.NewAccount()
	for _, answered := range []bool{false, true} { // with and without Respond before
		for _, good := range []bool{true, false} {
			o, created := w.NewOrder(account.ID, "example.com")
			want, c := created[0], w.Success(created[0])
			c.ValidUntil = Noon.Add(72*time.Hour + 500*time.Millisecond)
			status := acme.Ready
			if !good {
				c.Outcome.Failure, status = w.failure(created[0]).Outcome.Failure, acme.Invalid
			}
			challenge := &want.Challenges[0]
			if answered {
				_, err := w.respond(want.ID, c.Method, Noon)
				must(t, err)
				challenge.Begun = Noon
			}
			challenge.KeyAuthorization, challenge.Attempts, challenge.Failure = c.KeyAuthorization, c.Outcome.Attempts, c.Outcome.Failure
			if good {
				challenge.Validated, want.Expires = Noon, Noon.Add(72*time.Hour)
			}
			e := w.Event(event.AuthorizationValid, want.ID)
			w.tells(e, func() {
				got, err := w.Store.Conclude(background(), c, e)
				must(t, err)
				same(t, "the authorization", got, want)
			})
			got, err := w.Store.Authorization(background(), want.ID)
			must(t, err)
			same(t, "the stored authorization", got, want)
			if got := w.orderStatus(o.ID, Noon); got != status {
				t.Errorf("the order is %s; want %s", got, status)
			}
		}
	}
}

func testEvidence(t *testing.T, w *World) {
	_, created := w.NewOrder(w.NewAccount().ID, "example.com")
	c := w.Success(created[0])
	c.Outcome.Attempts = []acme.Attempt{
		{
			At: Noon.Add(-2 * time.Second), Duration: 1500, Perspective: "elsewhere", Seen: "no answer", Retryable: true,
			Lookups: []acme.Lookup{{Name: "example.com", Type: "AAAA", Server: "192.0.2.53:53", Result: "SERVFAIL"}},
			Failure: &acme.Failure{Kind: "dns", Public: "The lookup failed.", Identifier: created[0].Identifier},
		},
		{
			At: Noon, Duration: 20, Seen: "body matches the key authorization",
			Lookups: []acme.Lookup{{Name: "example.com", Type: "A", Result: "NOERROR", Answers: []string{"192.0.2.1", "192.0.2.2"}}},
			Hops: []acme.Hop{
				{URL: "http://example.com/x", Address: "192.0.2.1:80", Status: 301},
				{URL: "https://example.com/y", Address: "192.0.2.1:443", Error: "refused"},
			},
		},
	}
	got, err := w.conclude(c)
	must(t, err)
	same(t, "the evidence", got.Challenges[0].Attempts, c.Outcome.Attempts)
	got, err = w.Store.Authorization(background(), c.Authorization)
	must(t, err)
	same(t, "the stored evidence", got.Challenges[0].Attempts, c.Outcome.Attempts)
}

func testConcludeTwice(t *testing.T, w *World) {
	account := w.NewAccount()
	for _, first := range []func(acme.Authorization) acme.Conclusion{w.Success, w.failure} {
		_, created := w.NewOrder(account.ID, "example.com")
		_, err := w.conclude(first(created[0]))
		must(t, err)
		for _, second := range []func(acme.Authorization) acme.Conclusion{w.Success, w.failure} {
			c := second(created[0])
			_ = w.refuses(fault.Conflict, func() error { _, err := w.conclude(c); return err })
			c.Method = acme.DNS01 // another challenge of an authorization that has ended
			_ = w.refuses(fault.Conflict, func() error { _, err := w.conclude(c); return err })
		}
	}
	_, created := w.NewOrder(account.ID, "example.com")
	missing, unknown := w.Success(created[0]), w.Success(created[0])
	missing.Method, unknown.Authorization = "dns-99", w.ID()
	for _, c := range []acme.Conclusion{missing, unknown} {
		_ = w.refuses(fault.NotFound, func() error { _, err := w.conclude(c); return err })
	}
}

// Proves Z-08.
func testConcludeRace(t *testing.T, w *World) {
	_, created := w.NewOrder(w.NewAccount().ID, "example.com")
	outcomes := make([]acme.Conclusion, 16)
	for i := range outcomes {
		outcomes[i] = []acme.Conclusion{w.Success(created[0]), w.failure(created[0])}[i%2]
		outcomes[i].KeyAuthorization = fmt.Sprint("look ", i)
	}
	errs := together(len(outcomes), func(i int) error { _, err := w.conclude(outcomes[i]); return err })
	if succeeded(errs) != 1 || count(errs, fault.Conflict) != len(outcomes)-1 {
		t.Fatalf("of %d outcomes one stands: %v", len(outcomes), errs)
	}
	got, err := w.Store.Authorization(background(), created[0].ID)
	must(t, err)
	for i, err := range errs {
		if err == nil && got.Challenges[0].KeyAuthorization != outcomes[i].KeyAuthorization {
			t.Errorf("the outcome of %q was acknowledged, that of %q is stored", outcomes[i].KeyAuthorization, got.Challenges[0].KeyAuthorization)
		}
	}
}

// A look that ends after the authorization did revives nothing.
// Proves C-09.
func testConcludeLate(t *testing.T, w *World) {
	account := w.NewAccount()
	for _, to := range []acme.Status{acme.Deactivated, acme.Revoked} {
		_, created := w.NewOrder(account.ID, "example.com")
		_, err := w.respond(created[0].ID, acme.HTTP01, Noon)
		must(t, err)
		_, err = w.end(created[0].ID, to)
		must(t, err)
		_ = w.refuses(fault.Conflict, func() error { _, err := w.conclude(w.Success(created[0])); return err })
	}
	_, created := w.NewOrder(account.ID, "example.com")
	late := w.Success(created[0])
	late.Now = created[0].Expires
	_ = w.refuses(fault.Conflict, func() error { _, err := w.conclude(late); return err })
	ids, err := w.Store.Authorized(background(), account.ID, w.Names("example.com"), Noon)
	must(t, err)
	if len(ids) != 0 {
		t.Errorf("%v is authorized", ids)
	}
}

func testUnfinished(t *testing.T, w *World) {
	account := w.NewAccount()
	var want []string
	for _, seconds := range []int{30, 10, 20} {
		_, created := w.NewOrder(account.ID, "example.com")
		_, err := w.respond(created[0].ID, acme.HTTP01, Noon.Add(time.Duration(seconds)*time.Second))
		must(t, err)
		want = append(want, created[0].ID)
	}
	want = []string{want[1], want[2], want[0]} // oldest first
	for seconds, n := range map[int]int{10: 0, 11: 1, 30: 2, 31: 3, 1000: 3} {
		same(t, "unfinished", w.unfinished(Noon.Add(time.Duration(seconds)*time.Second), 100), want[:n])
	}
	same(t, "the first two", w.unfinished(Noon.Add(time.Hour), 2), want[:2])
	end := Noon.Add(24 * time.Hour)
	same(t, "before they expire", w.unfinished(end.Add(-time.Second), 100), want)
	same(t, "after they expired", w.unfinished(end, 100), []string(nil))
	got, err := w.Store.Unfinished(background(), Noon.Add(time.Hour), 1)
	must(t, err)
	stored, err := w.Store.Authorization(background(), want[0])
	must(t, err)
	same(t, "the authorization", got[0], stored)
}

func testUnfinishedEnded(t *testing.T, w *World) {
	account := w.NewAccount()
	w.NewOrder(account.ID, "pending.example.com")
	ends := []func(acme.Authorization) error{
		func(a acme.Authorization) error { _, err := w.conclude(w.Success(a)); return err },
		func(a acme.Authorization) error { _, err := w.conclude(w.failure(a)); return err },
		func(a acme.Authorization) error { _, err := w.end(a.ID, acme.Deactivated); return err },
		func(a acme.Authorization) error { _, err := w.end(a.ID, acme.Revoked); return err },
		func(a acme.Authorization) error { // another challenge proves it
			c := w.Success(a)
			c.Method = acme.DNS01
			_, err := w.conclude(c)
			return err
		},
	}
	for _, end := range ends {
		_, created := w.NewOrder(account.ID, "example.com")
		_, err := w.respond(created[0].ID, acme.HTTP01, Noon)
		must(t, err)
		same(t, "unfinished", w.unfinished(Noon.Add(time.Hour), 10), []string{created[0].ID})
		must(t, end(created[0]))
		same(t, "unfinished", w.unfinished(Noon.Add(time.Hour), 10), []string(nil))
	}
}

func (w *World) unfinished(before time.Time, limit int) (ids []string) {
	w.Helper()
	list, err := w.Store.Unfinished(background(), before, limit)
	must(w, err)
	for _, a := range list {
		ids = append(ids, a.ID)
	}
	return ids
}
