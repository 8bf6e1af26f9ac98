package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func testIssuance(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"begin and complete":       testIssue,
		"without an order":         testIssueToItself,
		"begin: the order's state": testBeginNotReady,
		"begin: refused":           testBeginRefused,
		"begin: parallel":          testBeginRace,
		"begin: suspended":         testBeginSuspended,
		"begin: serial numbers":    testBeginSerial,
		"complete: refused":        testCompleteRefused,
		"complete: parallel":       testCompleteRace,
		"intents":                  testIntents,
	})
}

func (w *World) begin(i pki.Intent) error { return w.Store.BeginIssuance(background(), i) }

func (w *World) complete(id string, der []byte) error {
	return w.Store.CompleteIssuance(background(), id, der, Noon, w.Event(event.CertificateIssued, id))
}

func (w *World) abandon(id string) error {
	failure := acme.Failure{Kind: "internal", Public: "The signature failed."}
	return w.Store.AbandonIssuance(background(), id, failure, w.Event(event.OrderFailed, id))
}

func testIssue(t *testing.T, w *World) {
	o := w.NewReadyOrder(w.NewAccount().ID, "example.com", "*.example.com", "192.0.2.7")
	i, der := w.Intent(o)
	w.Begin(i)
	o.Begun = Noon
	got, _, err := w.Store.Order(background(), o.ID)
	must(t, err)
	same(t, "the order that is processing", got, o)
	same(t, "the intents", w.state().Intents, []pki.Intent{i})
	if got := w.orderStatus(o.ID, o.Expires.AddDate(1, 0, 0)); got != acme.Processing { // an accepted finalize runs to its end
		t.Errorf("after its expiry the order is %s", got)
	}

	e := w.Event(event.CertificateIssued, i.ID)
	issued := Noon.Add(3 * time.Second)
	w.tells(e, func() { must(t, w.Store.CompleteIssuance(background(), i.ID, der, issued, e)) })
	want := i.Certificate
	want.Issued, want.DER = issued, der
	certificate, err := w.Store.Certificate(background(), i.ID)
	must(t, err)
	same(t, "the certificate", certificate, want)
	o.Certificate = i.ID
	got, _, err = w.Store.Order(background(), o.ID)
	must(t, err)
	same(t, "the valid order", got, o)
	same(t, "the intents", w.state().Intents, []pki.Intent(nil))
	_, err = w.Store.Certificate(background(), o.ID)
	wantKind(t, err, fault.NotFound)
}

// An installation issues to itself without account, connector or order, and without a list that names the certificate.
func testIssueToItself(t *testing.T, w *World) {
	for range 2 {
		i, der := w.Intent(acme.Order{Identifiers: w.Names("ca.example.com")})
		i.Shard = 0
		w.Begin(i)
		want := w.Complete(i, der)
		got, err := w.Store.Certificate(background(), i.ID)
		must(t, err)
		same(t, "the certificate", got, want)
	}
	i, _ := w.Intent(acme.Order{Identifiers: w.Names("ca.example.com")})
	w.Begin(i)
	must(t, w.abandon(i.ID))
	same(t, "the intents", w.state().Intents, []pki.Intent(nil))
}

// Proves O-12, INC-15.
func testBeginNotReady(t *testing.T, w *World) {
	account := w.NewAccount()
	pending, _ := w.NewOrder(account.ID, "a.example.com", "b.example.com")
	half, created := w.NewOrder(account.ID, "a.example.com", "b.example.com")
	w.Prove(created[0])
	deactivated, created := w.NewOrder(account.ID, "example.com")
	w.Prove(created...)
	_, err := w.end(created[0].ID, acme.Deactivated)
	must(t, err)
	begun := w.NewReadyOrder(account.ID, "example.com")
	i, _ := w.Intent(begun)
	w.Begin(i)
	abandoned := w.NewReadyOrder(account.ID, "example.com")
	i, _ = w.Intent(abandoned)
	w.Begin(i)
	must(t, w.abandon(i.ID))
	valid := w.NewReadyOrder(account.ID, "example.com")
	w.IssueFor(valid)

	for name, o := range map[string]acme.Order{
		"pending": pending, "half": half, "deactivated": deactivated, "begun": begun, "abandoned": abandoned, "valid": valid,
	} {
		t.Run(name, func(t *testing.T) {
			i, _ := w.Intent(o)
			_ = w.refuses(fault.NotReady, func() error { return w.begin(i) })
		})
	}
	ready := w.NewReadyOrder(account.ID, "example.com")
	i, _ = w.Intent(ready)
	for _, at := range []time.Time{ready.Expires, Noon.Add(24 * time.Hour)} { // expired: the order, its authorization
		i.Begun = at
		_ = w.refuses(fault.NotReady, func() error { return w.begin(i) })
	}
	i.Begun = ready.Expires.Add(-time.Second)
	must(t, w.begin(i))
}

func testBeginRefused(t *testing.T, w *World) {
	account, gone := w.NewAccount(), w.NewAccount()
	i, _ := w.Intent(w.NewReadyOrder(gone.ID, "example.com"))
	_, err := w.Store.EndAccount(background(), gone.ID, acme.Deactivated, w.Event(event.AccountDeactivated, gone.ID))
	must(t, err)
	_ = w.refuses(fault.Unauthorized, func() error { return w.begin(i) })

	change := func(change func(*pki.Intent)) func() error {
		i, _ := w.Intent(w.NewReadyOrder(account.ID, "example.com"))
		change(&i)
		return func() error { return w.begin(i) }
	}
	_ = w.refuses(fault.NotFound, change(func(i *pki.Intent) { i.Order = w.ID() }))
	_ = w.refuses(fault.NotFound, change(func(i *pki.Intent) { i.Account = w.ID() }))
	_ = w.refuses(fault.NotFound, change(func(i *pki.Intent) { i.Issuer = w.ID() }))
	_ = w.refuses(fault.NotFound, change(func(i *pki.Intent) { i.Shard = 2 }))
	_ = w.refuses(fault.Internal, change(func(i *pki.Intent) { i.Serial = "not hexadecimal" }))

	subject := w.newSubject()
	c := w.issueFor(account.ID, subject)
	_, err = w.Store.Revoke(background(), c.ID, Noon, pki.KeyCompromise, true, w.Event(event.CertificateRevoked, c.ID))
	must(t, err)
	again, _ := w.intentFor(w.NewReadyOrder(account.ID, "example.com"), subject)
	_ = w.refuses(fault.BadPublicKey, func() error { return w.begin(again) })
}

// Of parallel finalizes of one order one begins.
// Proves O-18, INC-14.
// At a suspended connector nothing begins, and the order stays ready.
func testBeginSuspended(t *testing.T, w *World) {
	o := w.NewReadyOrder(w.NewAccount().ID, "a.example.com")
	i, _ := w.Intent(o)
	must(t, w.Store.SuspendConnector(background(), w.Connector.ID, Noon, w.Event(event.ConnectorSaved, w.Connector.ID)))
	if err := w.Store.BeginIssuance(background(), i); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("got %v", err)
	}
	if status := w.orderStatus(o.ID, Noon); status != acme.Ready {
		t.Errorf("the order is %s", status)
	}
	must(t, w.Store.SuspendConnector(background(), w.Connector.ID, time.Time{}, w.Event(event.ConnectorSaved, w.Connector.ID)))
	must(t, w.Store.BeginIssuance(background(), i))
}

func testBeginRace(t *testing.T, w *World) {
	o := w.NewReadyOrder(w.NewAccount().ID, "example.com")
	intents, ders := make([]pki.Intent, 100), make([][]byte, 100)
	for n := range intents {
		intents[n], ders[n] = w.Intent(o)
	}
	errs := together(len(intents), func(n int) error { return w.begin(intents[n]) })
	if succeeded(errs) != 1 || count(errs, fault.NotReady) != len(intents)-1 {
		t.Fatalf("of %d finalizes one begins: %v", len(intents), errs)
	}
	stored := w.state().Intents
	for n, err := range errs {
		if err == nil {
			same(t, "the intents", stored, intents[n:n+1])
			w.Complete(intents[n], ders[n])
		}
	}
	if s := w.state(); len(s.Certificates) != 1 || len(s.Intents) != 0 {
		t.Errorf("there are %d certificates and %d intents", len(s.Certificates), len(s.Intents))
	}
}

// No serial number has two bodies, not even for a moment.
// Proves BR-02, INC-9.
func testBeginSerial(t *testing.T, w *World) {
	account := w.NewAccount()
	issued := w.Issue(account.ID, "issued.example.com")
	begun, der := w.Intent(w.NewReadyOrder(account.ID, "begun.example.com"))
	w.Begin(begun)
	for _, serial := range []pki.Serial{issued.Serial, begun.Serial} {
		o := w.NewReadyOrder(account.ID, "example.com")
		i, _ := w.Intent(o)
		fresh := i.Serial
		i.Serial = serial
		_ = w.refuses(fault.Conflict, func() error { return w.begin(i) })
		i.Serial = fresh
		must(t, w.begin(i)) // the order is as ready as before
	}

	i, _ := w.Intent(acme.Order{Identifiers: w.Names("ca.example.com")})
	i.Serial, i.Issuer, i.Shard = issued.Serial, w.secondIssuer().ID, 1
	must(t, w.begin(i)) // another issuer counts for itself

	w.Complete(begun, der)
	errs := together(10, func(n int) error {
		i := i
		i.ID, i.Issuer, i.Serial = w.ID(), w.Issuer.ID, pki.Serial("0102030405060708")
		return w.begin(i)
	})
	if succeeded(errs) != 1 || count(errs, fault.Conflict) != len(errs)-1 {
		t.Errorf("of %d intents with one serial number one begins: %v", len(errs), errs)
	}
}

func testCompleteRefused(t *testing.T, w *World) {
	i, der := w.Intent(w.NewReadyOrder(w.NewAccount().ID, "example.com"))
	_ = w.refuses(fault.Conflict, func() error { return w.complete(i.ID, der) })
	w.Begin(i)
	_ = w.refuses(fault.Internal, func() error { // a certificate has its event
		return w.Store.CompleteIssuance(background(), i.ID, der, Noon, w.Event(event.CertificateIssued, i.Order))
	})
	_ = w.refuses(fault.Internal, func() error { return w.Store.CompleteIssuance(background(), i.ID, der, Noon, event.Event{}) })
	must(t, w.complete(i.ID, der))
	_ = w.refuses(fault.Conflict, func() error { return w.complete(i.ID, der) })
	_ = w.refuses(fault.Conflict, func() error { return w.abandon(i.ID) })
}

func testCompleteRace(t *testing.T, w *World) {
	i, der := w.Intent(w.NewReadyOrder(w.NewAccount().ID, "example.com"))
	w.Begin(i)
	errs := together(16, func(n int) error {
		if n%4 == 3 {
			return w.abandon(i.ID)
		}
		return w.complete(i.ID, der)
	})
	if succeeded(errs) != 1 || count(errs, fault.Conflict) != len(errs)-1 {
		t.Fatalf("of %d ends of one intent one counts: %v", len(errs), errs)
	}
	s := w.state()
	completed := len(s.Certificates) == 1
	if status := w.orderStatus(i.Order, Noon); (status == acme.Valid) != completed || (status == acme.Invalid) == completed {
		t.Errorf("with %d certificates the order is %s", len(s.Certificates), status)
	}
}

func testIntents(t *testing.T, w *World) {
	account := w.NewAccount()
	var want []pki.Intent
	for _, seconds := range []int{30, 10, 20} {
		i, _ := w.Intent(w.NewReadyOrder(account.ID, "example.com"))
		i.Begun = Noon.Add(time.Duration(seconds) * time.Second)
		w.Begin(i)
		want = append(want, i)
	}
	abandoned, _ := w.Intent(w.NewReadyOrder(account.ID, "example.com"))
	w.Begin(abandoned)
	must(t, w.abandon(abandoned.ID))
	intents := func(seconds int, after string, limit int) []pki.Intent {
		return load(t, func() ([]pki.Intent, error) {
			return w.Store.Intents(background(), Noon.Add(time.Duration(seconds)*time.Second), after, limit)
		})
	}
	for seconds, indexes := range map[int][]int{10: nil, 11: {1}, 30: {1, 2}, 31: {0, 1, 2}} {
		var begun []pki.Intent
		for _, i := range indexes {
			begun = append(begun, want[i])
		}
		same(t, fmt.Sprint("the intents before second ", seconds), intents(seconds, "", 10), begun)
	}
	same(t, "the first two", intents(60, "", 2), want[:2])
	same(t, "what follows the second", intents(60, want[1].ID, 2), want[2:])
	same(t, "what follows the last", intents(60, want[2].ID, 2), []pki.Intent(nil))
	same(t, "a page of none", intents(60, "", 0), []pki.Intent(nil))
}
