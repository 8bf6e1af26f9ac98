package issue_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// handedSigner signs as sign says, and counts what is resumed.
type handedSigner struct {
	issue.Signer
	sign    func(context.Context, pki.Prepared) ([]byte, error)
	resumed atomic.Int64
}

type handedPrepared struct {
	pki.Prepared
	sign func(context.Context, pki.Prepared) ([]byte, error)
}

func (p handedPrepared) Sign(ctx context.Context) ([]byte, error) { return p.sign(ctx, p.Prepared) }

func (s *handedSigner) Prepare(ctx context.Context, r pki.Request) (pki.Prepared, error) {
	p, err := s.Signer.Prepare(ctx, r)
	return handedPrepared{p, s.sign}, err
}

func (s *handedSigner) Resume(ctx context.Context, i pki.Issuer, spec pki.Spec, intent pki.Intent) (pki.Prepared, error) {
	s.resumed.Add(1)
	p, err := s.Signer.Resume(ctx, i, spec, intent)
	return handedPrepared{p, s.sign}, err
}

var errGone = errors.New("the module is gone")

func dead(context.Context, pki.Prepared) ([]byte, error) { return nil, errGone }

// run starts a server on the same store, with a signer that signs as sign says.
func (h *house) run(sign func(context.Context, pki.Prepared) ([]byte, error)) (*issue.Service, *handedSigner) {
	signer := &handedSigner{Signer: h.CA, sign: sign}
	return h.service(func(e *issue.Engines, _ *issue.Options) { e.Signer = signer }), signer
}

// begun finalizes an order on a server whose signer fails, and returns the order and its intent.
func (h *house) begun(r issue.Requester, key crypto.Signer, name string) (issue.OrderView, pki.Intent) {
	h.t.Helper()
	broken, _ := h.run(dead)
	order := h.ready(r, dns(name))
	view, err := broken.Finalize(h.t.Context(), r, order.ID, request(h.t, key, name))
	check(h.t, err)
	if view.Status != acme.Processing {
		h.t.Fatalf("the order is %s", view.Status)
	}
	intents, err := h.Store.Intents(h.t.Context(), h.Clock.Now().Add(time.Second), "", 1000)
	check(h.t, err)
	at := slices.IndexFunc(intents, func(i pki.Intent) bool { return i.Order == order.ID })
	return view, intents[at]
}

// resume resumes everything that was begun until now.
func (h *house) resume(s *issue.Service) (int, error) {
	return s.ResumeIssuances(h.t.Context(), h.Clock.Now().Add(time.Second), time.Hour)
}

func (h *house) order(r issue.Requester, id string) issue.OrderView {
	h.t.Helper()
	view, err := h.issue.Order(h.t.Context(), r, id)
	check(h.t, err)
	return view
}

// Proves O-19, INC-5, INC-120.
func TestARecordedIntentIsFinishedAfterACrash(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order, intent := h.begun(r, newKey(t), "a.example.com")
	ended, err := h.issue.ResumeIssuances(t.Context(), intent.Begun, time.Hour)
	if ended != 0 || err != nil {
		t.Errorf("%d ended of what is not old enough: %v", ended, err)
	}
	h.Clock.Advance(time.Minute)
	ended, err = h.resume(h.issue)
	check(t, err)
	finished := h.order(r, order.ID)
	if ended != 1 || finished.Status != acme.Valid {
		t.Fatalf("%d ended, the order is %s", ended, finished.Status)
	}
	d, err := h.issue.Certificate(t.Context(), r, finished.Order.Certificate)
	check(t, err)
	leaf, err := x509.ParseCertificate(d.Certificate.DER)
	check(t, err)
	if !slices.Equal(leaf.RawTBSCertificate, intent.TBS) {
		t.Error("what was signed is not what was recorded")
	}
}

// What was short enough when it was recorded is not signed after the day from which it is too long.
// Proves BR-01.
func TestAnIntentThatIsTooLongByNowIsNotSigned(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	tomorrow := h.Clock.Now().Add(24 * time.Hour).UTC().Format(time.DateOnly)
	h.setProfile(func(s *pki.Spec) { s.Lifetimes = []pki.Lifetime{{From: tomorrow, Lifetime: 47 * span.Day}} })
	order, _ := h.begun(r, newKey(t), "a.example.com")
	h.Clock.Advance(48 * time.Hour)
	_, err := h.issue.ResumeIssuances(t.Context(), h.Clock.Now(), 365*24*time.Hour)
	if err == nil || !strings.Contains(err.Error(), "longer than its profile permits by now") {
		t.Errorf("%v", err)
	}
	if status := h.order(r, order.ID).Status; status != acme.Processing {
		t.Errorf("the order is %s", status)
	}
}

// The signature was made and lost: the one that is made again gives the same certificate.
// Proves O-19, INC-5.
func TestALostSignatureIsMadeAgain(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	var lost []byte
	crashing, _ := h.run(func(ctx context.Context, p pki.Prepared) ([]byte, error) {
		var err error
		lost, err = p.Sign(ctx)
		check(t, err)
		return nil, errGone
	})
	order := h.ready(r, dns("a.example.com"))
	_, err := crashing.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
	check(t, err)
	_, err = h.resume(h.issue)
	check(t, err)
	d, err := h.issue.Certificate(t.Context(), r, h.order(r, order.ID).Order.Certificate)
	check(t, err)
	if !slices.Equal(d.Certificate.DER, lost) {
		t.Error("one serial number has two certificates")
	}
}

// Proves O-19.
func TestAnIntentIsAbandonedWhenThisRunFailedLongEnough(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order, intent := h.begun(r, newKey(t), "a.example.com")
	earlier, _ := h.run(dead)
	_, err := h.resume(earlier)
	if !errors.Is(err, errGone) || !strings.Contains(err.Error(), intent.ID) {
		t.Fatalf("a try that failed says %v", err)
	}
	h.Clock.Advance(24 * time.Hour) // the server was off
	broken, signer := h.run(dead)
	for _, wait := range []time.Duration{0, 30 * time.Minute, 30*time.Minute - time.Second} {
		h.Clock.Advance(wait)
		if ended, err := h.resume(broken); ended != 0 || !errors.Is(err, errGone) {
			t.Fatalf("before its time: %d ended, %v", ended, err)
		}
	}
	h.Clock.Advance(time.Second)
	ended, err := h.resume(broken)
	check(t, err)
	view := h.order(r, order.ID)
	if ended != 1 || view.Status != acme.Invalid || view.Failure == nil || !strings.Contains(view.Failure.Public, "in time") {
		t.Errorf("%d ended, the order is %s: %+v", ended, view.Status, view.Failure)
	}
	if ended, err := h.resume(broken); ended != 0 || err != nil || signer.resumed.Load() != 4 {
		t.Errorf("after the end: %d ended, %v, %d tries", ended, err, signer.resumed.Load())
	}
}

// An intent whose key is compromised is not signed, whatever the time.
func TestAnIntentOfACompromisedKeyIsAbandonedUnsigned(t *testing.T) {
	h := newHouse(t)
	r, key := h.requester(), newKey(t)
	order, _ := h.begun(r, key, "a.example.com")
	h.prove(key, h.issued(r, key, "b.example.com").Certificate.DER)
	service, signer := h.run(dead)
	ended, err := h.resume(service)
	check(t, err)
	view := h.order(r, order.ID)
	if ended != 1 || signer.resumed.Load() != 0 || view.Status != acme.Invalid || !strings.Contains(view.Failure.Public, "compromised") {
		t.Errorf("%d ended, %d tries, the order is %s: %+v", ended, signer.resumed.Load(), view.Status, view.Failure)
	}
	events, err := h.Store.Events(t.Context(), order.ID, "", 10)
	check(t, err)
	if !slices.ContainsFunc(events, func(e event.Event) bool { return e.Action == event.OrderFailed && e.Detail == view.Failure.Public }) {
		t.Errorf("the log does not say why: %v", events)
	}
}

// An intent whose certificate would have expired is not signed; but a clock that is ahead for a while ends no issuance.
func TestAnExpiredIntentWaitsForItsEnd(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order, _ := h.begun(r, newKey(t), "a.example.com")
	service, signer := h.run(func(ctx context.Context, p pki.Prepared) ([]byte, error) { return p.Sign(ctx) })
	const ahead = 91 * 24 * time.Hour
	h.Clock.Advance(ahead)
	if ended, err := h.resume(service); ended != 0 || err == nil || !strings.Contains(err.Error(), "validity ended") || signer.resumed.Load() != 0 {
		t.Errorf("%d ended, %d tries: %v", ended, signer.resumed.Load(), err)
	}
	h.Clock.Advance(time.Hour)
	other, _ := h.run(dead)
	_, _ = h.resume(other) // begins to count
	h.Clock.Advance(time.Hour)
	if ended, err := h.resume(other); ended != 1 || err != nil {
		t.Errorf("at the end of the patience: %d ended, %v", ended, err)
	}
	if view := h.order(r, order.ID); view.Status != acme.Invalid {
		t.Errorf("the order is %s", view.Status)
	}

	second, _ := h.begun(r, newKey(t), "a.example.com")
	h.Clock.Advance(ahead)
	_, _ = h.resume(service)
	h.Clock.Advance(-ahead)
	if ended, err := h.resume(service); ended != 1 || err != nil {
		t.Errorf("when the clock is right again: %d ended, %v", ended, err)
	}
	if view := h.order(r, second.ID); view.Status != acme.Valid {
		t.Errorf("the order is %s", view.Status)
	}
}

// record stores intents that no signer takes: their bytes are no certificate.
func (h *house) record(n int) {
	h.t.Helper()
	profiles, err := h.Store.Profiles(h.t.Context(), "")
	check(h.t, err)
	issuers, err := h.Store.Issuers(h.t.Context())
	check(h.t, err)
	name, err := ident.ParseDNS("broken.example.com")
	check(h.t, err)
	now := h.Clock.Now()
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			err := h.Store.BeginIssuance(context.WithoutCancel(h.t.Context()), pki.Intent{TBS: []byte{0x30, 0}, Begun: now, Certificate: pki.Certificate{
				ID: fmt.Sprintf("222222222%011d", i), Organisation: profiles[0].Organisation, Profile: profiles[0].ID, ProfileName: profiles[0].Name,
				Issuer: issuers[0].ID, Serial: pki.Serial(fmt.Sprintf("4a%030x", i)), Names: []ident.Identifier{name},
				NotBefore: now, NotAfter: now.Add(time.Hour),
			}})
			if err != nil {
				h.t.Error(err)
			}
		})
	}
	wait.Wait()
}

func TestIntentsThatCannotBeSignedHoldUpNoneBehindThem(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	h.record(150)
	order, _ := h.begun(r, newKey(t), "a.example.com")
	service, signer := h.run(func(ctx context.Context, p pki.Prepared) ([]byte, error) { return p.Sign(ctx) })
	ended, err := h.resume(service)
	if err == nil || !strings.HasPrefix(err.Error(), "150 issuances wait") || !strings.Contains(err.Error(), "22222222200000000000 ") {
		t.Errorf("those that wait: %v", err)
	}
	if ended != 1 || signer.resumed.Load() != 151 || h.order(r, order.ID).Status != acme.Valid {
		t.Errorf("%d ended, %d tries", ended, signer.resumed.Load())
	}
	h.Clock.Advance(59 * time.Minute)
	if ended, err = h.resume(service); ended != 0 || err == nil {
		t.Errorf("%d ended: %v", ended, err)
	}
	h.Clock.Advance(time.Minute)
	if ended, err = h.resume(service); ended != 150 || err != nil {
		t.Errorf("after the time to give up %d ended: %v", ended, err)
	}
}

func TestTheEndOfTheContextStopsResuming(t *testing.T) {
	h := newHouse(t)
	h.record(3)
	ctx, cancel := context.WithCancel(t.Context())
	service := h.service(func(e *issue.Engines, _ *issue.Options) {
		e.Store, e.Signer = keeping{h.Store, t}, cancelling{h.CA, cancel}
	})
	ended, err := service.ResumeIssuances(ctx, h.Clock.Now().Add(time.Second), 0)
	if ended != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d ended: %v", ended, err)
	}
}

// keeping is a store in which nothing may be abandoned.
type keeping struct {
	issue.Store
	t *testing.T
}

func (k keeping) AbandonIssuance(context.Context, string, acme.Failure, event.Event) error {
	k.t.Error("an intent was abandoned because the server stopped")
	return nil
}

// cancelling ends the caller's context while it resumes.
type cancelling struct {
	issue.Signer
	cancel func()
}

func (c cancelling) Resume(ctx context.Context, i pki.Issuer, spec pki.Spec, intent pki.Intent) (pki.Prepared, error) {
	c.cancel()
	return c.Signer.Resume(ctx, i, spec, intent)
}

// The abandoned order has an event, and the serial number is never used again.
// Proves INC-5.
func TestAnAbandonedIntentStaysOnRecord(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order, intent := h.begun(r, newKey(t), "a.example.com")
	broken, _ := h.run(dead)
	h.Clock.Advance(time.Second) // so that the events have a sequence
	ended, err := broken.ResumeIssuances(t.Context(), h.Clock.Now().Add(time.Second), 0)
	if ended != 1 || err != nil {
		t.Fatalf("%d ended: %v", ended, err)
	}
	events, err := h.Store.Events(t.Context(), order.ID, "", 1)
	check(t, err)
	if len(events) != 1 || events[0].Action != event.OrderFailed || events[0].Actor != "system" {
		t.Errorf("%+v", events)
	}
	again := intent
	again.ID, again.Order, again.Account = "2222222220000000000a", "", ""
	if err := h.Store.BeginIssuance(t.Context(), again); err == nil {
		t.Error("its serial number was used again")
	}
}
