package storetest

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Populate stores something in every state that the domain knows.
func (w *World) Populate() {
	w.Helper()
	ctx, db := background(), w.Store
	e := w.Event(event.ClockAccepted, "")
	e.At = Noon.Add(-time.Hour)
	must(w, db.AcceptClock(ctx, e))
	credential := w.NewCredential("first customer", 5)
	must(w, db.SuspendCredential(ctx, credential.ID, Noon, nil, w.Event(event.CredentialSuspended, credential.ID)))
	w.populateCredential()
	strict := w.NewConnector("strict")
	must(w, db.SetRules(ctx, strict.ID, strict.Rules, everyRule(), w.Event(event.ConnectorSaved, w.Connector.ID)))
	must(w, db.CreatePerspective(ctx, policy.Perspective{
		ID: w.ID(), Name: "east", URL: "https://east.example.com:8444", Key: pki.HashKey([]byte("east")), Region: "ripe", Created: Noon,
	}, w.Event(event.PerspectiveCreated, w.Organisation.ID)))
	second := w.Profile
	second.ID, second.Version = w.ID(), 2
	must(w, db.SaveProfile(ctx, second, w.Event(event.ProfileSaved, second.ID)))
	must(w, db.PutSetting(ctx, aSetting, "http://ca.test"))

	account, gone := w.NewAccount(), w.NewAccount()
	w.NewOrder(account.ID, "pending.example.com", "*.example.com", "192.0.2.7", "2001:db8::1")
	_, answered := w.NewOrder(account.ID, "answered.example.com")
	_, err := db.Respond(ctx, answered[0].ID, acme.HTTP01, "token.thumbprint", Noon)
	must(w, err)
	_, refused := w.NewOrder(account.ID, "refused.example.com")
	_, err = db.Conclude(ctx, w.failure(refused[0]), w.Event(event.AuthorizationInvalid, refused[0].ID))
	must(w, err)
	ready := w.NewReadyOrder(account.ID, "ready.example.com")
	must(w, db.RefuseIssuance(ctx, ready.ID, []acme.Check{w.Check("ready.example.com", "Another CA.")}, w.Event(event.OrderRefused, ready.ID)))
	processing, _ := w.Intent(w.NewReadyOrder(account.ID, "processing.example.com"))
	w.Begin(processing)
	abandoned, _ := w.Intent(w.NewReadyOrder(account.ID, "abandoned.example.com"))
	w.Begin(abandoned)
	must(w, w.abandon(abandoned.ID))
	w.fail(account.ID, Noon, hourly(limit.FailedValidations, limit.Pair(account.ID, "example.com"), 60))
	must(w, w.order(Noon, account.ID, hourly(limit.OrdersPerAccount, account.ID, 300)))
	valid := w.Issue(account.ID, "valid.example.com", "*.valid.example.com", "192.0.2.8")
	_, _, err = w.replace(valid, Noon)
	must(w, err)
	w.newOverride()
	ended := w.newOverride()
	_, err = db.EndOverride(ctx, ended.ID, Noon, w.Event(event.RenewalRestored, ended.ID))
	must(w, err)
	revoked := w.Issue(account.ID, "revoked.example.com")
	_, err = db.Revoke(ctx, revoked.ID, Noon.Add(time.Hour), pki.KeyCompromise, true, w.Event(event.CertificateRevoked, revoked.ID))
	must(w, err)
	w.compromise()
	w.publish(1, len(w.entries(1, time.Time{})))
	must(w, db.OpenShard(ctx, w.Issuer.ID, pki.Shard{Number: 2, URL: "http://ca.test/crl/2.crl"}, 100))
	w.NewOrder(gone.ID, "gone.example.com")
	w.NewReadyOrder(gone.ID, "gone-ready.example.com")
	_, err = db.EndAccount(ctx, gone.ID, acme.Deactivated, w.Event(event.AccountDeactivated, gone.ID))
	must(w, err)
}

// populateCredential stores a credential with every term, an approval by it, and a demand on another.
func (w *World) populateCredential() {
	w.Helper()
	ctx, db := background(), w.Store
	c := w.NewCredential("scoped", 0)
	must(w, db.SetTerms(ctx, c.ID, c.Terms, everyTerm(), w.Event(event.CredentialSaved, c.ID)))
	former := policy.Former{Sealed: c.Sealed, Until: Noon.Add(time.Hour)}
	must(w, db.RotateCredential(ctx, c.ID, c.Sealed, []byte("rotated"), former, w.Event(event.CredentialRotated, c.ID)))
	account := w.accountOf(c)
	o, _ := w.Order(account.ID, "a.example.com")
	approved := w.Approved(account.ID, c, "a.example.com")
	o.Authorizations = []string{approved.ID}
	must(w, db.CreateOrder(ctx, o, []acme.Authorization{approved}, w.Event(event.OrderCreated, o.ID)))
	left := w.NewCredential("left", 0)
	w.Issue(w.accountOf(left).ID, "left.example.com")
	w.suspendWith(left)
}
