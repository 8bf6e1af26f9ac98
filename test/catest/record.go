package catest

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/id"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// NewID returns an id of now.
func (i *Installation) NewID() string {
	var random [id.RandomBytes]byte
	_, _ = rand.Read(random[:])
	return id.New(i.Clock.Now(), random)
}

// Event returns the event that the system did something to an object, now.
func (i *Installation) Event(action event.Action, object string) event.Event {
	return event.Event{ID: i.NewID(), At: i.Clock.Now(), Actor: "system", Action: action, Object: object}
}

// Record brings the certificate of a request into the store, through intent and signature. What the request does not say
// (to whom it belongs) stands in c.
func (i *Installation) Record(t testing.TB, request pki.Request, c pki.Certificate) pki.Certificate {
	t.Helper()
	return i.Begin(t, request, c)()
}

// Begin is Record up to the intent; what it returns does the rest.
func (i *Installation) Begin(t testing.TB, request pki.Request, c pki.Certificate) (complete func() pki.Certificate) {
	t.Helper()
	ctx, now := context.Background(), i.Clock.Now()
	prepared, err := i.CA.Prepare(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(request.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	c.ID, c.Issuer, c.Serial, c.Names = i.NewID(), request.Issuer.ID, request.Serial, request.Names
	c.NotBefore, c.NotAfter, c.KeyHash, c.Shard = request.NotBefore, request.NotAfter, pki.HashKey(spki), request.Issuer.Shard.Number
	if err := i.Store.BeginIssuance(ctx, pki.Intent{Certificate: c, TBS: prepared.TBS(), Begun: now}); err != nil {
		t.Fatal(err)
	}
	return func() pki.Certificate {
		t.Helper()
		if c.DER, err = prepared.Sign(ctx); err != nil {
			t.Fatal(err)
		}
		if err := i.Store.CompleteIssuance(ctx, c.ID, c.DER, now, i.Event(event.CertificateIssued, c.ID)); err != nil {
			t.Fatal(err)
		}
		return c
	}
}
