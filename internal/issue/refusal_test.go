package issue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// wantRefusal wants a refusal of a kind that says something.
func wantRefusal(t *testing.T, err error, kind fault.Kind, says string) {
	t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(fault.Sentence(err), says) {
		t.Errorf("%v; want the kind %q and %q", err, kind, says)
	}
}

// unable is a signer that no issuer's key serves.
type unable struct{ issue.Signer }

func (unable) CanSign(pki.Issuer) error { return errors.New("the token was pulled out") }

func TestWithoutASignerNothingIsIssued(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order := h.ready(r, dns("a.example.com"))
	s := h.service(func(e *issue.Engines, _ *issue.Options) { e.Signer = unable{e.Signer} })
	_, err := s.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
	wantRefusal(t, err, fault.Unavailable, "cannot sign at the moment")
	if !strings.Contains(err.Error(), "pulled out") {
		t.Errorf("the operator does not learn why: %v", err)
	}
	found, err := h.Store.FindCertificates(t.Context(), pki.Filter{Order: order.ID})
	check(t, err)
	if len(found) != 0 {
		t.Errorf("%d certificates", len(found))
	}
}

// crowded is a store in which every serial number is taken.
type crowded struct {
	issue.Store
	tries int
}

func (c *crowded) BeginIssuance(context.Context, pki.Intent, ...limit.Charge) error {
	c.tries++
	return fault.New(fault.Conflict, "The serial number is in use already.")
}

func TestSerialNumbersAreTriedAFewTimes(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order := h.ready(r, dns("a.example.com"))
	store := &crowded{Store: h.Store}
	s := h.service(func(e *issue.Engines, _ *issue.Options) { e.Store = store })
	_, err := s.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
	wantKind(t, err, fault.Internal)
	if err == nil || !strings.Contains(err.Error(), "no free serial number") || store.tries < 2 || store.tries > 10 {
		t.Errorf("%v after %d tries", err, store.tries)
	}
}

func TestWhatDoesNotExistIsRefused(t *testing.T) {
	h := newHouse(t)
	_, err := h.issue.Issuer(t.Context(), "none")
	wantRefusal(t, err, fault.NotFound, "There is no issuer none.")
	issuers, err := h.issue.Roots(t.Context())
	check(t, err)
	_, err = h.issue.RevocationList(t.Context(), issuers[0].ID, 1)
	wantRefusal(t, err, fault.NotFound, "is not made yet")
	organisation := policy.Organisation{ID: h.connector.Organisation}
	_, err = h.issue.CertifyServer(t.Context(), organisation, "none", []ident.Identifier{}, newKey(t).Public())
	wantRefusal(t, err, fault.InvalidProfile, `There is no profile "none"`)
}

// A connector that decides the validity by itself refuses every wish, also one that it would grant otherwise.
// Proves O-03.
func TestAConnectorMayDecideTheValidityItself(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	r.Connector.Rules.NotBeforeAfter = false
	wish := dns("a.example.com")
	wish.NotAfter = h.Clock.Now().Add(48 * time.Hour).Truncate(time.Second)
	_, err := h.issue.NewOrder(t.Context(), r, wish)
	wantRefusal(t, err, fault.Malformed, "decides the validity itself")
	r.Connector.Rules.NotBeforeAfter = true
	_, err = h.issue.NewOrder(t.Context(), r, wish)
	check(t, err)
}

// What is longer than any certificate is not parsed.
// Proves INC-94.
func TestAnEndlessCertificateIsNotParsed(t *testing.T) {
	h := newHouse(t)
	wantRefusal(t, h.byAccount(h.requester(), make([]byte, 1<<20)), fault.Malformed, "The certificate is longer than")
}
