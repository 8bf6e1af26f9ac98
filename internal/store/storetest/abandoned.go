package storetest

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func testAbandoned(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"abandon":       testAbandon,
		"serial number": testAbandonedSerial,
		"key":           testAbandonedKey,
		"check":         testAbandonedCheck,
		"retention":     testAbandonedTrim,
	})
}

func testAbandon(t *testing.T, w *World) {
	o := w.NewReadyOrder(w.NewAccount().ID, "example.com")
	i, der := w.Intent(o)
	_ = w.refuses(fault.Conflict, func() error { return w.abandon(i.ID) })
	w.Begin(i)
	failure := acme.Failure{Kind: "caa", Public: "CAA forbids it.", Identifier: o.Identifiers[0]}
	e := w.Event(event.OrderFailed, o.ID)
	w.tells(e, func() { must(t, w.Store.AbandonIssuance(background(), i.ID, failure, e)) })
	o.Begun, o.Failure = Noon, &failure
	got, _, err := w.Store.Order(background(), o.ID)
	must(t, err)
	same(t, "the order", got, o)
	if status := w.orderStatus(o.ID, Noon); status != acme.Invalid {
		t.Errorf("the order is %s", status)
	}
	_ = w.refuses(fault.Conflict, func() error { return w.abandon(i.ID) })
	_ = w.refuses(fault.Conflict, func() error { return w.complete(i.ID, der) })
}

// What was abandoned may have been signed: its serial number belongs to it, whatever the store forgets beside.
// Proves BR-02, INC-5.
func testAbandonedSerial(t *testing.T, w *World) {
	abandoned, _ := w.Intent(w.NewReadyOrder(w.NewAccount().ID, "example.com"))
	w.Begin(abandoned)
	must(t, w.abandon(abandoned.ID))

	again, der := w.Intent(acme.Order{Identifiers: w.Names("example.com")})
	again.Serial = abandoned.Serial
	_ = w.refuses(fault.Conflict, func() error { return w.begin(again) })
	w.trim(abandoned.NotAfter) // its order and its authorization
	_ = w.refuses(fault.Conflict, func() error { return w.begin(again) })
	again.Issuer = w.secondIssuer().ID
	w.Begin(again) // another issuer counts for itself
	must(t, w.complete(again.ID, der))
}

// An abandoned intent is a record, and nothing that is stuck.
func testAbandonedCheck(t *testing.T, w *World) {
	abandoned, _ := w.Intent(w.NewReadyOrder(w.NewAccount().ID, "example.com"))
	w.Begin(abandoned)
	later := Noon.Add(time.Second)
	findings := load(t, func() ([]string, error) { return w.Store.Check(background(), later) })
	if len(findings) != 1 {
		t.Errorf("an old intent has the findings %q; want one", findings)
	}
	must(t, w.abandon(abandoned.ID))
	same(t, "the findings", load(t, func() ([]string, error) { return w.Store.Check(background(), later) }), []string(nil))
}

// A key that may have a certificate is no account's.
func testAbandonedKey(t *testing.T, w *World) {
	i, _ := w.Intent(w.NewReadyOrder(w.NewAccount().ID, "example.com"))
	w.Begin(i)
	must(t, w.abandon(i.ID))
	almost := i.KeyHash
	almost[31]++
	for key, want := range map[pki.KeyHash]bool{i.KeyHash: true, almost: false} {
		got, err := w.Store.KeyHasCertificate(background(), key)
		must(t, err)
		if got != want {
			t.Errorf("KeyHasCertificate is %v; want %v", got, want)
		}
	}
}

// The record of an abandoned intent leaves when its certificate would have expired, and not before.
func testAbandonedTrim(t *testing.T, w *World) {
	var abandoned []pki.Intent
	for n := range 3 {
		i, _ := w.Intent(acme.Order{Identifiers: w.Names("example.com")})
		i.NotAfter = Noon.AddDate(0, 0, n+1)
		w.Begin(i)
		abandoned = append(abandoned, i)
		if n < 2 {
			must(t, w.abandon(i.ID))
		}
	}
	for n, step := range []struct {
		before time.Time
		rows   int
	}{
		{abandoned[0].NotAfter, 0},
		{abandoned[0].NotAfter.Add(time.Second), 1},
		{abandoned[1].NotAfter, 0},
		{abandoned[1].NotAfter.Add(time.Second), 1},
		{Noon.AddDate(50, 0, 0), 0}, // what has not ended stays
	} {
		if rows := w.trim(step.before); rows != step.rows {
			t.Errorf("step %d deleted %d rows; want %d", n, rows, step.rows)
		}
	}
	same(t, "the intents", w.state().Intents, abandoned[2:])
	has, err := w.Store.KeyHasCertificate(background(), abandoned[0].KeyHash)
	must(t, err)
	if has {
		t.Error("the key of an intent that is gone counts")
	}
}
