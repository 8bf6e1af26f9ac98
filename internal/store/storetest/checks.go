package storetest

import (
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
)

func testChecks(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"refused, then begun": testRefused,
		"nobody asked":        testUnchecked,
		"trimmed":             testChecksTrimmed,
	})
}

// Check returns what CAA records said of a name; "" lets the CA issue.
func (w *World) Check(name, refusal string) acme.Check {
	c := acme.Check{Identifier: w.Names(name)[0], Method: acme.DNS01, Attempts: []acme.Attempt{{
		At: Noon, Duration: 3, Seen: "as told", Reports: []string{"mailto:security@example.com"},
		Lookups: []acme.Lookup{{Name: name, Type: "CAA", Server: "192.0.2.53:53", Result: "NOERROR", Answers: []string{"0 issue ca.example"}, Authenticated: true}},
	}}}
	if refusal != "" {
		c.Failure = &acme.Failure{Kind: "caa", Public: refusal, Identifier: c.Identifier}
	}
	return c
}

func (w *World) checks(order string) []acme.Check {
	w.Helper()
	list, err := w.Store.Checks(background(), order)
	must(w, err)
	return list
}

// Proves CAA-10. The last refusal is kept until the issuance begins, and what was seen then stays.
func testRefused(t *testing.T, w *World) {
	o := w.NewReadyOrder(w.NewAccount().ID, "a.example.com", "b.example.com")
	for _, refusal := range []string{"Other records.", "These records."} {
		list := []acme.Check{w.Check("a.example.com", refusal), w.Check("b.example.com", "")}
		e := w.Event(event.OrderRefused, o.ID)
		w.tells(e, func() { must(t, w.Store.RefuseIssuance(background(), o.ID, list, e)) })
		same(t, "the checks of a refusal", w.checks(o.ID), list)
	}
	if status := w.orderStatus(o.ID, Noon); status != acme.Ready {
		t.Errorf("after the refusals the order is %s", status)
	}
	i, _ := w.Intent(o)
	i.Checks = []acme.Check{w.Check("a.example.com", ""), w.Check("b.example.com", "")}
	w.Begin(i)
	same(t, "the checks of an issuance", w.checks(o.ID), i.Checks)
	late := w.Event(event.OrderRefused, o.ID)
	w.tells(late, func() {
		must(t, w.Store.RefuseIssuance(background(), o.ID, []acme.Check{w.Check("a.example.com", "Too late.")}, late))
	})
	same(t, "the checks after a late refusal", w.checks(o.ID), i.Checks)
}

func testUnchecked(t *testing.T, w *World) {
	o := w.NewReadyOrder(w.NewAccount().ID, "a.example.com")
	i, _ := w.Intent(o)
	w.Begin(i)
	same(t, "the checks where nobody asked", w.checks(o.ID), []acme.Check(nil))
	same(t, "the checks of an order that is not there", w.checks(w.ID()), []acme.Check(nil))
}

// What was seen leaves with its order, and no other's does.
func testChecksTrimmed(t *testing.T, w *World) {
	account := w.NewAccount().ID
	gone, kept := w.NewReadyOrder(account, "a.example.com"), w.NewReadyOrder(account, "a.example.com")
	list := []acme.Check{w.Check("a.example.com", "No.")}
	for _, o := range []acme.Order{gone, kept} {
		must(t, w.Store.RefuseIssuance(background(), o.ID, list, w.Event(event.OrderRefused, o.ID)))
	}
	i, _ := w.Intent(kept)
	w.Begin(i) // what is processing does not end
	_, err := w.Store.Trim(background(), Noon.AddDate(0, 1, 0), 100)
	must(t, err)
	same(t, "the checks of an order that left", w.checks(gone.ID), []acme.Check(nil))
	same(t, "the checks of an order that stays", w.checks(kept.ID), list)
}
