package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/id"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
)

// filler stores copies of one issuance: other ids, name, tokens, serial number and key; the same bytes of the certificate.
type filler struct {
	db            *sqlite.DB
	order         acme.Order
	authorization acme.Authorization
	certificate   pki.Certificate
}

// fill stores copies of the newest issuance of an account.
func fill(b *testing.B, path, account string, copies int) {
	b.Helper()
	db, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	must(b, err)
	certificates, err := db.FindCertificates(b.Context(), pki.Filter{Account: account, Limit: 1})
	must(b, err)
	f := filler{db: db, certificate: certificates[0]}
	f.certificate, err = db.Certificate(b.Context(), f.certificate.ID)
	must(b, err)
	order, authorizations, err := db.Order(b.Context(), f.certificate.Order)
	must(b, err)
	f.order, f.authorization = order, authorizations[0]
	var next atomic.Int64
	var wait sync.WaitGroup
	for range 2 * workers {
		wait.Go(func() {
			for n := next.Add(1); n <= int64(copies) && !b.Failed(); n = next.Add(1) {
				if err := f.store(b.Context(), fmt.Sprintf("copy%d.localhost", n)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wait.Wait()
	must(b, db.Close())
	if b.Failed() {
		b.FailNow()
	}
}

// store makes one copy, in the four commits of an issuance.
func (f *filler) store(ctx context.Context, value string) error {
	name, err := ident.ParseDNS(value)
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Second)
	a, o := f.copies(name, now)
	if err := f.db.CreateOrder(ctx, o, []acme.Authorization{a}, f.event(event.OrderCreated, o.ID, now)); err != nil {
		return err
	}
	proved, _ := f.authorization.Challenge(acme.HTTP01)
	_, err = f.db.Conclude(ctx, acme.Conclusion{
		Authorization: a.ID, Method: acme.HTTP01, KeyAuthorization: proved.KeyAuthorization, Outcome: acme.Outcome{Attempts: proved.Attempts},
		Now: now, ValidUntil: a.Expires,
	}, f.event(event.AuthorizationValid, a.ID, now))
	if err != nil {
		return err
	}
	i := pki.Intent{Certificate: f.certificate, TBS: f.certificate.DER, Begun: now}
	var random [pki.SerialBytes]byte
	_, _ = rand.Read(random[:])
	_, _ = rand.Read(i.KeyHash[:])
	i.ID, i.Order, i.Names, i.Serial, i.DER = newID(), o.ID, o.Identifiers, pki.NewSerial(random), nil
	if err := f.db.BeginIssuance(ctx, i); err != nil {
		return err
	}
	return f.db.CompleteIssuance(ctx, i.ID, f.certificate.DER, now, f.event(event.CertificateIssued, i.ID, now))
}

// copies returns a new order for a name, and its pending authorization.
func (f *filler) copies(name ident.Identifier, now time.Time) (acme.Authorization, acme.Order) {
	a, o := f.authorization, f.order
	a.ID, a.Identifier, a.Created, a.Expires, a.Challenges = newID(), name, now, now.Add(24*time.Hour), nil
	for _, c := range f.authorization.Challenges {
		a.Challenges = append(a.Challenges, acme.Challenge{Method: c.Method, Token: rand.Text()})
	}
	o.ID, o.Identifiers, o.Authorizations = newID(), []ident.Identifier{name}, []string{a.ID}
	o.Created, o.Expires, o.Begun, o.Certificate = now, a.Expires, time.Time{}, ""
	return a, o
}

func (f *filler) event(action event.Action, object string, now time.Time) event.Event {
	return event.Event{
		ID: newID(), At: now, Organisation: f.certificate.Organisation, Actor: "account:" + f.order.Account,
		Action: action, Object: object, Detail: f.order.Identifiers[0].Value(),
	}
}

func newID() string {
	var random [id.RandomBytes]byte
	_, _ = rand.Read(random[:])
	return id.New(time.Now(), random)
}
