package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

func testDemands(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"from suspension to resumption": testDemandLife,
		"with a deletion":               testDemandOfDeleted,
		"what is found":                 testUnrevoked,
		"revocations":                   testRevokeDemanded,
	})
}

// demand returns the demand that a credential's certificates be revoked, not stored.
func (w *World) demand(c policy.Credential) *pki.Demand {
	return &pki.Demand{
		Credential: c.ID, Name: c.Name, Organisation: c.Organisation, Actor: "admin:test", Reason: pki.CessationOfOperation, Asked: Noon,
	}
}

// suspendWith suspends a credential and demands the revocation of its certificates.
func (w *World) suspendWith(c policy.Credential) {
	w.Helper()
	must(w, w.Store.SuspendCredential(background(), c.ID, Noon, w.demand(c), w.Event(event.CredentialSuspended, c.ID)))
}

func testDemandLife(t *testing.T, w *World) {
	ctx, db := background(), w.Store
	c := w.NewCredential("a", 0)
	_, err := db.Demand(ctx, c.ID)
	wantKind(t, err, fault.NotFound)
	for range 2 { // one that is open stays as it is
		w.suspendWith(c)
		got, err := db.Demand(ctx, c.ID)
		must(t, err)
		same(t, "the demand", got, *w.demand(c))
		open, err := db.OpenDemands(ctx)
		must(t, err)
		same(t, "the open demands", open, []pki.Demand{*w.demand(c)})
	}
	resume := func() error {
		return db.SuspendCredential(ctx, c.ID, time.Time{}, nil, w.Event(event.CredentialResumed, c.ID))
	}
	_ = w.refuses(fault.Conflict, resume)
	e := w.Event(event.CredentialCleared, c.ID)
	w.tells(e, func() { must(t, db.EndDemand(ctx, c.ID, e)) })
	_ = w.refuses(fault.Conflict, func() error { return db.EndDemand(ctx, c.ID, w.Event(event.CredentialCleared, c.ID)) })
	must(t, resume())

	again := w.demand(c)
	again.Asked, again.Reason, again.Actor = Noon.Add(time.Hour), pki.Superseded, "admin:another"
	must(t, db.SuspendCredential(ctx, c.ID, Noon, again, w.Event(event.CredentialSuspended, c.ID)))
	got, err := db.Demand(ctx, c.ID)
	must(t, err)
	same(t, "the second demand", got, *again)
}

func testDemandOfDeleted(t *testing.T, w *World) {
	ctx, db := background(), w.Store
	c := w.NewCredential("a", 0)
	cert := w.Issue(w.accountOf(c).ID, "a.example.com")
	_ = w.refuses(fault.NotFound, func() error { // nothing is demanded of what is not there
		return db.DeleteCredential(ctx, w.ID(), w.demand(c), w.Event(event.CredentialDeleted, c.ID))
	})
	must(t, db.DeleteCredential(ctx, c.ID, w.demand(c), w.Event(event.CredentialDeleted, c.ID)))
	found, err := db.Unrevoked(ctx, c.ID, pki.Certificate{}, Noon, 10)
	must(t, err)
	same(t, "the certificates of a deleted credential", found, []pki.Certificate{cert})
}

func testUnrevoked(t *testing.T, w *World) {
	ctx, db := background(), w.Store
	c, other := w.NewCredential("a", 0), w.NewCredential("other", 0)
	var want []pki.Certificate
	for range 3 {
		a := w.accountOf(c)
		want = append(want, w.Issue(a.ID, "a.example.com"), w.Issue(a.ID, "b.example.com"), w.Issue(a.ID, "c.example.com"))
	}
	w.Issue(w.accountOf(other).ID, "other.example.com")
	w.Issue(w.NewAccount().ID, "nobodys.example.com")
	_, err := db.Revoke(ctx, want[4].ID, Noon, pki.Superseded, false, w.Event(event.CertificateRevoked, want[4].ID))
	must(t, err)
	want = append(want[:4:4], want[5:]...)
	for _, size := range []int{1, 2, 3, 100} {
		var got []pki.Certificate
		after := pki.Certificate{}
		for {
			page, err := db.Unrevoked(ctx, c.ID, after, Noon, size)
			must(t, err)
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1]
		}
		same(t, "the certificates that are not revoked", got, want)
	}
	for id, at := range map[string]time.Time{c.ID: want[0].NotAfter.Add(time.Second), "": Noon, w.ID(): Noon} {
		none, err := db.Unrevoked(ctx, id, pki.Certificate{}, at, 100)
		must(t, err)
		same(t, "none", none, []pki.Certificate(nil))
	}
	listed, err := db.FindCertificates(ctx, pki.Filter{Credential: other.ID})
	must(t, err)
	if len(listed) != 1 || listed[0].Names[0].Value() != "other.example.com" {
		t.Errorf("the certificates of the other credential are %v", listed)
	}
}

func testRevokeDemanded(t *testing.T, w *World) {
	ctx, db := background(), w.Store
	c := w.NewCredential("a", 0)
	a := w.accountOf(c)
	under, der := w.Intent(w.NewReadyOrder(a.ID, "under-way.example.com"))
	w.Begin(under)
	var events []event.Event
	for _, name := range []string{"a.example.com", "b.example.com", "c.example.com"} {
		events = append(events, w.Event(event.CertificateRevoked, w.Issue(a.ID, name).ID))
	}
	_ = w.refuses(fault.NotFound, func() error { _, err := db.RevokeDemanded(ctx, c.ID, events); return err })
	w.suspendWith(c)
	if busy, err := db.IssuesFor(ctx, c.ID); err != nil || !busy {
		t.Errorf("with an intent, under way is %t (%v)", busy, err)
	}
	_, err := db.Revoke(ctx, events[1].Object, Noon, pki.Superseded, false, w.Event(event.CertificateRevoked, events[1].Object))
	must(t, err)
	before := w.events()
	revoked, err := db.RevokeDemanded(ctx, c.ID, events)
	must(t, err)
	told := slices.DeleteFunc(w.events(), func(e event.Event) bool { return slices.Contains(before, e) })
	same(t, "what the log tells", told, []event.Event{events[2], events[0]})
	d, err := db.Demand(ctx, c.ID)
	must(t, err)
	if revoked != 2 || d.Revoked != 2 {
		t.Errorf("%d revoked, %d counted; want 2", revoked, d.Revoked)
	}
	for i, e := range events {
		got, err := db.Certificate(ctx, e.Object)
		must(t, err)
		if want := map[bool]pki.Reason{true: pki.Superseded, false: pki.CessationOfOperation}[i == 1]; got.Revoked.IsZero() || got.Reason != want {
			t.Errorf("certificate %d is revoked at %s for %s", i, got.Revoked, got.Reason)
		}
	}
	w.Complete(under, der)
	if busy, err := db.IssuesFor(ctx, c.ID); err != nil || busy {
		t.Errorf("without an intent, under way is %t (%v)", busy, err)
	}
	if crl, err := db.CRLsDue(ctx, Noon); err != nil || len(crl) != 1 {
		t.Errorf("after revocations the lists %v are due (%v)", crl, err)
	}
}
