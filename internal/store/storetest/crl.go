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

func testCRLs(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"first list":                   testCRLFirst,
		"numbers":                      testCRLNumbers,
		"parallel publications":        testCRLRace,
		"due":                          testCRLsDue,
		"entries":                      testEntries,
		"a revocation in between":      testCRLOvertaken,
		"a changed reason in between":  testCRLAmended,
		"shards":                       testShards,
		"a full shard":                 testFullShard,
		"abandoned":                    testEntriesOfAbandoned,
		"certificates of other shards": testEntriesOfShard,
	})
}

// crl returns the newest list of a shard of the issuer.
func (w *World) crl(shard int) pki.CRL {
	w.Helper()
	return load(w, func() (pki.CRL, error) { return w.Store.CRL(background(), w.Issuer.ID, shard) })
}

func (w *World) entries(shard int, since time.Time) []pki.Entry {
	w.Helper()
	return load(w, func() ([]pki.Entry, error) { return w.Store.Entries(background(), w.Issuer.ID, shard, since) })
}

// list returns the list with a number, made so many hours after Noon, not stored.
func (w *World) list(number int64) pki.CRL {
	at := Noon.Add(time.Duration(number) * time.Hour)
	return pki.CRL{
		Issuer: w.Issuer.ID, Shard: w.Issuer.Shard, Number: number, ThisUpdate: at, NextUpdate: at.Add(24 * time.Hour),
		DER: fmt.Appendf(nil, "list %d", number),
	}
}

func (w *World) save(crl pki.CRL, entries int) error {
	since := time.Time{}
	if last, err := w.Store.CRL(background(), crl.Issuer, crl.Shard.Number); err == nil {
		since = last.ThisUpdate
	}
	return w.Store.SaveCRL(background(), crl, since, entries, w.Event(event.CRLPublished, crl.Issuer))
}

// publish stores the list with a number.
func (w *World) publish(number int64, entries int) pki.CRL {
	w.Helper()
	crl := w.list(number)
	must(w, w.save(crl, entries))
	return crl
}

func testCRLFirst(t *testing.T, w *World) {
	same(t, "the shard without a list", w.crl(1), pki.CRL{Issuer: w.Issuer.ID, Shard: w.Issuer.Shard})
	for _, shard := range []int{0, 2} {
		_, err := w.Store.CRL(background(), w.Issuer.ID, shard)
		wantKind(t, err, fault.NotFound)
	}
	want := w.list(1)
	e := w.Event(event.CRLPublished, w.Issuer.ID)
	w.tells(e, func() { must(t, w.Store.SaveCRL(background(), want, time.Time{}, 0, e)) })
	same(t, "the first list", w.crl(1), want)
	same(t, "the second list", func() pki.CRL { w.publish(2, 0); return w.crl(1) }(), w.list(2))
}

// Proves BR-18, INC-33.
func testCRLNumbers(t *testing.T, w *World) {
	for _, number := range []int64{0, 2, 100, -1} {
		_ = w.refuses(fault.Conflict, func() error { return w.save(w.list(number), 0) })
	}
	w.publish(1, 0)
	for _, number := range []int64{0, 1, 3} {
		_ = w.refuses(fault.Conflict, func() error { return w.save(w.list(number), 0) })
	}
	unknown := w.list(1)
	unknown.Issuer = w.ID()
	_ = w.refuses(fault.NotFound, func() error { return w.save(unknown, 0) })
	unknown = w.list(1)
	unknown.Shard.Number = 2
	_ = w.refuses(fault.NotFound, func() error { return w.save(unknown, 0) })
}

func testCRLRace(t *testing.T, w *World) {
	errs := together(8, func(i int) error {
		crl := w.list(1)
		crl.DER = fmt.Appendf(nil, "list of node %d", i)
		return w.save(crl, 0)
	})
	if succeeded(errs) != 1 || count(errs, fault.Conflict) != 7 {
		t.Fatalf("of 8 lists with one number one is published: %v", errs)
	}
	for i, err := range errs {
		if err == nil {
			same(t, "the list", string(w.crl(1).DER), fmt.Sprintf("list of node %d", i))
		}
	}
}

// Proves INC-30.
func testCRLsDue(t *testing.T, w *World) {
	due := func(before time.Time) []pki.CRL {
		return load(t, func() ([]pki.CRL, error) { return w.Store.CRLsDue(background(), before) })
	}
	same(t, "a missing list", due(Noon), []pki.CRL{w.crl(1)})
	published := w.publish(1, 0)
	published.DER = nil // what is due comes without its bytes
	same(t, "a fresh list", due(published.NextUpdate.Add(-time.Second)), []pki.CRL(nil))
	same(t, "a list that ends", due(published.NextUpdate), []pki.CRL{published})

	c := w.Issue(w.NewAccount().ID, "example.com")
	same(t, "after an issuance", due(Noon), []pki.CRL(nil))
	_, err := w.revoke(c.ID, Noon, pki.Superseded, false)
	must(t, err)
	published.Stale = true
	same(t, "a stale list", due(Noon), []pki.CRL{published})
	if !w.crl(1).Stale {
		t.Error("CRL does not say that the list is stale")
	}
	w.publish(2, 1)
	same(t, "a new list", due(Noon), []pki.CRL(nil))
}

// RFC 5280 section 3.3: an entry stays until one list after the certificate's expiry has named it.
func testEntries(t *testing.T, w *World) {
	account := w.NewAccount()
	c, other := w.Issue(account.ID, "example.com"), w.Issue(account.ID, "example.org")
	same(t, "before the revocation", w.entries(1, time.Time{}), []pki.Entry(nil))
	revoked := c.NotAfter.Add(-time.Hour)
	_, err := w.revoke(c.ID, revoked, pki.Superseded, false)
	must(t, err)
	want := []pki.Entry{{Serial: c.Serial, At: revoked, Reason: pki.Superseded}}
	for _, since := range []time.Time{{}, Noon, revoked, c.NotAfter.Add(-time.Second)} {
		same(t, "entries", w.entries(1, since), want)
	}
	same(t, "after a list that followed the expiry", w.entries(1, c.NotAfter), []pki.Entry(nil))

	late := other.NotAfter.Add(time.Hour) // revoked after its expiry: one list names it
	_, err = w.revoke(other.ID, late, pki.KeyCompromise, false)
	must(t, err)
	want = []pki.Entry{{Serial: other.Serial, At: late, Reason: pki.KeyCompromise}}
	same(t, "a late revocation", w.entries(1, late.Add(-time.Second)), want)
	same(t, "after a list that named it", w.entries(1, late), []pki.Entry(nil))

	named := w.list(1)
	named.ThisUpdate = late
	must(t, w.save(named, 2))
	w.publish(2, 0)
	if w.crl(1).Stale {
		t.Error("a list without what the one before named for the last time is stale")
	}
}

// A revocation that is stored after the entries were read is not on the list, whatever the clocks say.
func testCRLOvertaken(t *testing.T, w *World) {
	account := w.NewAccount()
	number := int64(0)
	for _, delay := range []time.Duration{-time.Hour, 0, time.Hour} {
		number++
		crl := w.list(number)
		entries := w.entries(1, w.crl(1).ThisUpdate)
		c := w.Issue(account.ID, "example.com")
		_, err := w.revoke(c.ID, crl.ThisUpdate.Add(delay), pki.Superseded, false)
		must(t, err)
		must(t, w.save(crl, len(entries)))
		if !w.crl(1).Stale {
			t.Errorf("list %d lacks a revocation that happened %s after it, and is not stale", number, delay)
		}
		number++
		w.publish(number, len(w.entries(1, w.crl(1).ThisUpdate)))
		if w.crl(1).Stale {
			t.Errorf("list %d has every revocation, and is stale", number)
		}
	}
}

func testCRLAmended(t *testing.T, w *World) {
	c := w.Issue(w.NewAccount().ID, "example.com")
	_, err := w.revoke(c.ID, Noon, pki.Superseded, false)
	must(t, err)
	entries := w.entries(1, time.Time{})
	_, err = w.revoke(c.ID, Noon, pki.KeyCompromise, false)
	must(t, err)
	w.publish(1, len(entries))
	if !w.crl(1).Stale {
		t.Error("the list has the old reason, and is not stale")
	}
	w.publish(2, len(w.entries(1, w.crl(1).ThisUpdate)))
	if w.crl(1).Stale {
		t.Error("the list has the new reason, and is stale")
	}
}

func testShards(t *testing.T, w *World) {
	second := pki.Shard{Number: 2, URL: "http://ca.test/crl/2.crl"}
	w.publish(1, 0)
	_ = w.refuses(fault.NotFound, func() error { return w.Store.OpenShard(background(), w.ID(), second, 100) })
	for _, number := range []int{0, 1, 3} {
		_ = w.refuses(fault.Conflict, func() error {
			return w.Store.OpenShard(background(), w.Issuer.ID, pki.Shard{Number: number, URL: "http://ca.test/crl/x.crl"}, 100)
		})
	}
	must(t, w.Store.OpenShard(background(), w.Issuer.ID, second, 100))
	want := w.Issuer
	want.Shard, want.Room = second, 100
	got, err := w.Store.Issuer(background(), w.Issuer.ID)
	must(t, err)
	same(t, "the issuer", got, want)
	same(t, "the old list", w.crl(1), w.list(1))
	same(t, "the new shard", w.crl(2), pki.CRL{Issuer: w.Issuer.ID, Shard: second})
	due, err := w.Store.CRLsDue(background(), Noon)
	must(t, err)
	same(t, "what is due", due, []pki.CRL{w.crl(2)})
}

func testEntriesOfShard(t *testing.T, w *World) {
	must(t, w.Store.OpenShard(background(), w.Issuer.ID, pki.Shard{Number: 2, URL: "http://ca.test/crl/2.crl"}, 100))
	account := w.NewAccount()
	issue := func(shard int) pki.Certificate {
		i, der := w.Intent(w.NewReadyOrder(account.ID, "example.com"))
		i.Shard = shard
		w.Begin(i)
		c := w.Complete(i, der)
		_, err := w.revoke(c.ID, Noon, pki.Superseded, false)
		must(t, err)
		return c
	}
	w.publish(1, 0)
	issue(0)
	second := issue(2)
	if w.crl(1).Stale || !w.crl(2).Stale {
		t.Errorf("stale are shard 1: %v, shard 2: %v; want the second alone", w.crl(1).Stale, w.crl(2).Stale)
	}
	same(t, "the first shard", w.entries(1, time.Time{}), []pki.Entry(nil))
	same(t, "the second shard", w.entries(2, time.Time{}), []pki.Entry{{Serial: second.Serial, At: Noon, Reason: pki.Superseded}})
}

// However many begin at once, no shard gets more than it has room for. Proves INC-41.
func testFullShard(t *testing.T, w *World) {
	const room, callers = 5, 20
	second := pki.Shard{Number: 2, URL: "http://ca.test/crl/2.crl"}
	must(t, w.Store.OpenShard(background(), w.Issuer.ID, second, room))
	intents := make([]pki.Intent, callers)
	for n := range intents {
		intents[n], _ = w.Intent(acme.Order{Identifiers: w.Names("example.com")})
		intents[n].Shard = 2
	}
	errs := together(callers, func(n int) error { return w.begin(intents[n]) })
	if succeeded(errs) != room || count(errs, fault.Conflict) != callers-room {
		t.Fatalf("of %d that join a shard with room for %d: %v", callers, room, errs)
	}
	issuer, err := w.Store.Issuer(background(), w.Issuer.ID)
	must(t, err)
	if issuer.Room != 0 {
		t.Errorf("the full shard has room for %d", issuer.Room)
	}
	unlisted, _ := w.Intent(acme.Order{Identifiers: w.Names("example.com")})
	unlisted.Shard = 0
	w.Begin(unlisted) // takes no place

	late, _ := w.Intent(acme.Order{Identifiers: w.Names("example.com")})
	late.Shard = 2
	_ = w.refuses(fault.Conflict, func() error { return w.begin(late) })
	must(t, w.Store.OpenShard(background(), w.Issuer.ID, pki.Shard{Number: 3, URL: "http://ca.test/crl/3.crl"}, room))
	late.Shard = 3
	w.Begin(late)
}

// What was abandoned may have been signed, so it is on the list like what was revoked then. Proves INC-5.
func testEntriesOfAbandoned(t *testing.T, w *World) {
	i, _ := w.Intent(w.NewReadyOrder(w.NewAccount().ID, "example.com"))
	w.publish(1, 0)
	w.Begin(i)
	same(t, "while it may be signed", w.entries(1, time.Time{}), []pki.Entry(nil))
	must(t, w.abandon(i.ID))
	if !w.crl(1).Stale {
		t.Error("the list lacks what was abandoned, and is not stale")
	}
	want := []pki.Entry{{Serial: i.Serial, At: Noon}}
	for _, since := range []time.Time{{}, Noon, i.NotAfter.Add(-time.Second)} {
		same(t, "entries", w.entries(1, since), want)
	}
	same(t, "after a list that followed the expiry", w.entries(1, i.NotAfter), []pki.Entry(nil))
	w.publish(2, 1)
	if w.crl(1).Stale {
		t.Error("the list has what was abandoned, and is stale")
	}
}
