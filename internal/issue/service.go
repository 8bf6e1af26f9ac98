// Package issue holds the use cases of enrolment: one verb of a requester, one function, from the new account to
// the revocation. Whatever the protocol of the door, every certificate goes through [Service.certify]: decide with
// reasons, prepare and lint, record the intent, sign exactly the recorded bytes, record the certificate.
//
// The package performs no I/O of its own: it drives the store, the signer and the validator through the small
// interfaces below.
package issue

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/id"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Engines is what the use cases stand on.
type Engines struct {
	Store     Store
	Signer    Signer
	Validator Validator
	Secrets   Secrets
	Log       *slog.Logger
}

// Options are the settings of the service.
type Options struct {
	Now       func() time.Time // the clock; required
	Trial     bool             // loopback targets may be validated: listening on loopback, no external URL, no trusted proxy
	Wait      time.Duration    // how long a challenge reply waits for its outcome; the work goes on after it
	Looks     int              // how many validations may run at once; further ones wait
	PublicURL func() string    // base of the plain HTTP listener that serves issuers and revocation lists; required
	ShardRoom int              // how many certificates a shard of a revocation list takes
	Interval  time.Duration    // what Retry-After says while something is processing
	// AccountURL returns the URL of an account that the door publishes: "" when there is none, because the server has no
	// external URL. What names the account in DNS needs it.
	AccountURL func(c policy.Connector, account string) string
}

// DefaultOptions returns the settings of a production server.
func DefaultOptions() Options {
	return Options{
		Now: time.Now, Wait: time.Second, Looks: 256, ShardRoom: pki.ShardRoom, Interval: time.Second,
		AccountURL: func(policy.Connector, string) string { return "" },
	}
}

// Service is the use cases. Close waits for the validations that run.
type Service struct {
	store     Store
	signer    Signer
	validator Validator
	secrets   Secrets
	log       *slog.Logger
	options   Options
	looks     *flights
	missing   notes // which connectors offer profiles that do not exist
	unfit     notes // and public profiles that their rules do not allow
	patience  patience
	renewals  paces // who asks when to renew

	responders responders
	answers    answers
	parsed     parsedIssuers
}

// New returns the use cases on engines.
func New(e Engines, o Options) *Service {
	return &Service{
		store: e.Store, signer: e.Signer, validator: e.Validator, secrets: e.Secrets, log: e.Log,
		options: o, looks: newFlights(o.Looks),
	}
}

// Close ends the validations that run, without recording an outcome, and waits for them: what was answered is
// recorded as processing and taken up again at the next start.
func (s *Service) Close() { s.looks.close() }

// Requester is who signed a request: a valid account at a connector, which may be suspended. Only Admit makes one.
type Requester struct {
	Connector  policy.Connector
	Account    acme.Account
	Credential policy.Credential // by which the account came in; the zero value without one

	places []policy.Perspective // under a public profile: those that exist; nil: no matter who saw a proof
}

// authority is what decides about the requester.
func (r Requester) authority() policy.Authority {
	return policy.Authority{Connector: r.Connector, Credential: r.Credential}
}

// actor names the requester in the log.
func (r Requester) actor() string { return "account:" + r.Account.ID }

// Name is an identifier as a requester wrote it.
type Name struct {
	Type                 string
	Value                string
	AncestorDomain       string // of an order: the name above it at which control may be proven (RFC 9444); "": none
	SubdomainAuthAllowed bool   // of an authorization: the names below it are to be covered too (RFC 9444)
}

// OrderView is an order with its authorizations and its status at the time of the reply.
type OrderView struct {
	acme.Order
	Status     acme.Status
	Parts      []AuthorizationView
	RetryAfter time.Duration // set while processing
}

// proofs returns the order's authorizations.
func (o OrderView) proofs() []acme.Authorization {
	var all []acme.Authorization
	for _, part := range o.Parts {
		all = append(all, part.Authorization)
	}
	return all
}

// AuthorizationView is an authorization with its status at the time of the reply.
type AuthorizationView struct {
	acme.Authorization
	Status     acme.Status
	RetryAfter time.Duration // set while one of its challenges is processing
}

func (s *Service) viewAuthorization(a acme.Authorization) AuthorizationView {
	view := AuthorizationView{Authorization: a, Status: a.Status(s.now())}
	for _, c := range a.Challenges {
		if view.Status == acme.Pending && c.Status() == acme.Processing {
			view.RetryAfter = s.options.Interval
		}
	}
	return view
}

func (s *Service) viewOrder(o acme.Order, authorizations []acme.Authorization) OrderView {
	view := OrderView{Order: o, Status: o.Status(authorizations, s.now())}
	for _, a := range authorizations {
		view.Parts = append(view.Parts, s.viewAuthorization(a))
	}
	if view.Status == acme.Processing {
		view.RetryAfter = s.options.Interval
	}
	return view
}

// now is the time in the resolution of the domain.
func (s *Service) now() time.Time { return s.options.Now().UTC().Truncate(time.Second) }

// newID returns an id of this millisecond, so that what happens in one second is listed in its sequence.
func (s *Service) newID() string {
	var random [id.RandomBytes]byte
	fill(random[:])
	return id.New(s.options.Now(), random)
}

// fill fills b with random bytes. crypto/rand.Read never fails: it ends the process where there is no randomness.
func fill(b []byte) { _, _ = rand.Read(b) }

// detach returns a context for work that a client's disconnect must not stop half-way.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), workLimit)
}

// workLimit bounds the work that goes on after the client is gone.
const workLimit = 30 * time.Second
