package issue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func (h *house) certificate(id string) pki.Certificate {
	h.t.Helper()
	c, err := h.Store.Certificate(h.t.Context(), id)
	check(h.t, err)
	return c
}

func (h *house) wantReason(about string, d issue.Download, want string) {
	h.t.Helper()
	c := h.certificate(d.Certificate.ID)
	got := "not revoked"
	if !c.Revoked.IsZero() {
		got = c.Reason.String()
	}
	if got != want {
		h.t.Errorf("%s: %s, want %s", about, got, want)
	}
}

// V-09: whoever holds the key holds all its certificates, so all of them go with the proof.
// Proves V-09.
func TestAProvenCompromiseRevokesEveryCertificateOfTheKey(t *testing.T) {
	h := newHouse(t)
	owner, other := h.requester(), h.requester()
	_, err := h.manage.CreateConnector(t.Context(), manageActor, manage.NewConnector{Name: "second"}, nil)
	check(t, err)
	second := *h
	second.connector, err = h.issue.Connector(t.Context(), policy.KindACME, "second")
	check(t, err)
	leaked := newKey(t)

	expired := h.issued(owner, leaked, "old.example.com")
	h.Clock.Advance(91 * 24 * time.Hour)
	shown := h.issued(owner, leaked, "a.example.com")
	replaced := h.issued(owner, leaked, "b.example.com")
	check(t, h.byAccount(owner, replaced.Certificate.DER, int(pki.Superseded)))
	sameAccount, otherAccount := h.issued(owner, leaked, "a.example.com"), h.issued(other, leaked, "c.example.com")
	otherConnector := second.issued(second.requester(), leaked, "d.example.com")
	otherKey := h.issued(owner, newKey(t), "a.example.com")

	h.Clock.Advance(time.Second) // so that the events have a sequence
	h.prove(leaked, shown.Certificate.DER)
	h.wantReason("the one that was shown", shown, "keyCompromise")
	h.wantReason("of the same account", sameAccount, "keyCompromise")
	h.wantReason("of another account", otherAccount, "keyCompromise")
	h.wantReason("of another connector", otherConnector, "keyCompromise")
	h.wantReason("revoked before", replaced, "superseded")
	h.wantReason("expired", expired, "not revoked")
	h.wantReason("of another key", otherKey, "not revoked")
	for _, d := range []issue.Download{sameAccount, otherAccount, otherConnector} {
		events, err := h.Store.Events(t.Context(), d.Certificate.ID, "", 1)
		check(t, err)
		if len(events) != 1 || events[0].Action != event.CertificateRevoked || events[0].Actor != "system" || events[0].Organisation != d.Certificate.Organisation {
			t.Errorf("the event of %s: %+v", d.Certificate.ID, events)
		}
	}
	if n, err := h.issue.RevokeCompromised(t.Context()); n != 0 || err != nil {
		t.Errorf("%d were left: %v", n, err)
	}
}

func TestTheOperatorsWordOfACompromiseCountsAsProof(t *testing.T) {
	h := newHouse(t)
	leaked := newKey(t)
	named, other := h.issued(h.requester(), leaked, "a.example.com"), h.issued(h.requester(), leaked, "b.example.com")
	_, _, err := h.manage.RevokeCertificate(t.Context(), manageActor, named.Certificate.ID, "keyCompromise")
	check(t, err)
	if n, err := h.issue.RevokeCompromised(t.Context()); n != 1 || err != nil {
		t.Errorf("%d were revoked: %v", n, err)
	}
	h.wantReason("the other one", other, "keyCompromise")
}

// An account can say what it likes of a key: only the certificate that it may revoke is concerned.
func TestAClaimOfCompromiseRevokesNoOther(t *testing.T) {
	h := newHouse(t)
	owner, key := h.requester(), newKey(t)
	claimed, other := h.issued(owner, key, "a.example.com"), h.issued(h.requester(), key, "b.example.com")
	check(t, h.byAccount(owner, claimed.Certificate.DER, int(pki.KeyCompromise)))
	if n, err := h.issue.RevokeCompromised(t.Context()); n != 0 || err != nil {
		t.Errorf("%d were revoked: %v", n, err)
	}
	h.wantReason("the other one", other, "not revoked")
	public := publicKey(t, key)
	check(t, h.issue.Revoke(t.Context(), issue.Revocation{Connector: h.connector, Key: &public, Certificate: other.Certificate.DER}))
	h.issued(owner, key, "c.example.com")
}

// The proof comes while a certificate for the key is being signed: it is recorded, since it exists, and revoked.
// Proves INC-20.
func TestACertificateInFlightIsRevokedToo(t *testing.T) {
	h := newHouse(t)
	r, leaked := h.requester(), newKey(t)
	shown := h.issued(r, leaked, "a.example.com")
	slow, _ := h.run(func(ctx context.Context, p pki.Prepared) ([]byte, error) {
		h.prove(leaked, shown.Certificate.DER)
		return p.Sign(ctx)
	})
	order := h.ready(r, dns("b.example.com"))
	view, err := slow.Finalize(t.Context(), r, order.ID, request(t, leaked, "b.example.com"))
	check(t, err)
	if view.Status != acme.Valid {
		t.Fatalf("the order is %s", view.Status)
	}
	if n, err := h.issue.RevokeCompromised(t.Context()); n != 1 || err != nil {
		t.Errorf("%d were revoked: %v", n, err)
	}
	h.wantReason("the one in flight", issue.Download{Certificate: h.certificate(view.Order.Certificate)}, "keyCompromise")
}

// meddled is a store in which something happens between the look and the revocation.
type meddled struct {
	issue.Store
	found  func([]pki.Certificate)
	revoke func(id string) error
}

func (m meddled) Compromised(ctx context.Context, now time.Time, limit int) ([]pki.Certificate, error) {
	found, err := m.Store.Compromised(ctx, now, limit)
	if m.found != nil {
		m.found(found)
	}
	return found, err
}

func (m meddled) Revoke(ctx context.Context, id string, at time.Time, reason pki.Reason, block bool, e event.Event) (pki.Certificate, error) {
	if m.revoke != nil {
		if err := m.revoke(id); err != nil {
			return pki.Certificate{}, err
		}
	}
	return m.Store.Revoke(ctx, id, at, reason, block, e)
}

func (h *house) on(store issue.Store) *issue.Service {
	return h.service(func(e *issue.Engines, _ *issue.Options) { e.Store = store })
}

func TestOneThatIsRevokedInBetweenStopsNothing(t *testing.T) {
	h := newHouse(t)
	r, leaked := h.requester(), newKey(t)
	shown := h.issued(r, leaked, "a.example.com")
	first, second := h.issued(r, leaked, "b.example.com"), h.issued(r, leaked, "c.example.com")
	service := h.on(meddled{Store: h.Store, found: func(found []pki.Certificate) {
		if len(found) != 2 {
			t.Errorf("%d were found", len(found))
		}
		check(t, h.byAccount(r, first.Certificate.DER, int(pki.KeyCompromise)))
	}})
	_, _, err := h.manage.RevokeCertificate(t.Context(), manageActor, shown.Certificate.ID, "keyCompromise")
	check(t, err)
	if n, err := service.RevokeCompromised(t.Context()); n != 2 || err != nil {
		t.Errorf("%d are revoked: %v", n, err)
	}
	h.wantReason("the one in between", first, "keyCompromise")
	h.wantReason("the one after it", second, "keyCompromise")
}

func TestOneThatCannotBeRevokedStopsNoOther(t *testing.T) {
	h := newHouse(t)
	r, leaked := h.requester(), newKey(t)
	shown := h.issued(r, leaked, "a.example.com")
	others := []issue.Download{h.issued(r, leaked, "b.example.com"), h.issued(r, leaked, "c.example.com")}
	full, failing := errors.New("the disk is full"), ""
	service := h.on(meddled{Store: h.Store, revoke: func(id string) error {
		if failing == "" && id != shown.Certificate.ID {
			failing = id // the first of them
		}
		if id == failing {
			return full
		}
		return nil
	}})
	check(t, h.proveAt(service, leaked, shown.Certificate.DER)) // what was asked for is done
	h.wantReason("the one that was shown", shown, "keyCompromise")
	for _, d := range others {
		if d.Certificate.ID != failing {
			h.wantReason("the one behind the failure", d, "keyCompromise")
		}
	}
	if n, err := service.RevokeCompromised(t.Context()); n != 0 || !errors.Is(err, full) {
		t.Errorf("%d were revoked: %v", n, err)
	}
	if n, err := h.issue.RevokeCompromised(t.Context()); n != 1 || err != nil {
		t.Errorf("the next run: %d were revoked: %v", n, err)
	}
}

// The reply waits for one step only; the job takes as many as there are.
func TestManyCertificatesOfOneKey(t *testing.T) {
	h := newHouse(t)
	r, leaked := h.requester(), newKey(t)
	shown := h.issued(r, leaked, "a.example.com").Certificate
	const others = 250
	var wait sync.WaitGroup
	for i := range others {
		wait.Go(func() { h.copyOf(shown, i) })
	}
	wait.Wait()
	h.prove(leaked, shown.DER)
	if n, err := h.issue.RevokeCompromised(t.Context()); n != others-100 || err != nil {
		t.Errorf("after the reply %d were left, want %d: %v", n, others-100, err)
	}
}

// copyOf records another certificate with the key of c.
func (h *house) copyOf(c pki.Certificate, i int) {
	ctx := context.WithoutCancel(h.t.Context())
	c.ID, c.Serial, c.Order = fmt.Sprintf("222222222%011d", i), pki.Serial(fmt.Sprintf("4a%030x", i)), ""
	err := h.Store.BeginIssuance(ctx, pki.Intent{Certificate: c, TBS: []byte{0x30, 0}, Begun: c.Issued})
	if err == nil {
		err = h.Store.CompleteIssuance(ctx, c.ID, c.DER, c.Issued, event.Event{
			ID: "e" + c.ID[1:], At: c.Issued, Organisation: c.Organisation, Actor: "system", Action: event.CertificateIssued, Object: c.ID,
		})
	}
	if err != nil {
		h.t.Error(err)
	}
}
