package storetest

import (
	"crypto/ecdsa"
	"errors"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// pages reads a list page by page and compares what comes together with want.
func pages[T any](t *testing.T, size int, want []T, id func(T) string, page func(before string, limit int) ([]T, error)) {
	t.Helper()
	var all []T
	before := ""
	for range len(want) + 1 {
		items, err := page(before, size)
		must(t, err)
		if len(items) > size {
			t.Fatalf("a page of %d has %d items", size, len(items))
		}
		if len(items) == 0 {
			break
		}
		all, before = append(all, items...), id(items[len(items)-1])
	}
	same(t, "all pages together", all, want)
	none, err := page("", 0)
	must(t, err)
	if len(none) != 0 {
		t.Fatalf("a page of 0 has %d items", len(none))
	}
}

// orderStatus derives an order's status from the store.
func (w *World) orderStatus(id string, now time.Time) acme.Status {
	w.Helper()
	o, authorizations, err := w.Store.Order(background(), id)
	must(w, err)
	return o.Status(authorizations, now)
}

// failure is the conclusion that refuses an authorization at Noon.
func (w *World) failure(a acme.Authorization) acme.Conclusion {
	c := w.Success(a)
	c.Outcome.Failure = &acme.Failure{Kind: "incorrect response", Public: "The body is another one.", Identifier: a.Identifier}
	return c
}

// locationOf returns the id that a conflict names.
func locationOf(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Location
	}
	return ""
}

// issueFor issues a certificate for a key.
func (w *World) issueFor(account string, subject *ecdsa.PublicKey) pki.Certificate {
	w.Helper()
	i, der := w.intentFor(w.NewReadyOrder(account, "key.example.com"), subject)
	w.Begin(i)
	return w.Complete(i, der)
}

// secondIssuer stores another issuer with the same certificate.
func (w *World) secondIssuer() pki.Issuer {
	w.Helper()
	second := w.Issuer
	second.ID, second.Name, second.Parent = w.ID(), "second", w.Issuer.ID
	must(w, w.Store.CreateIssuer(background(), second, w.Event(event.IssuerCreated, second.ID)))
	return second
}
