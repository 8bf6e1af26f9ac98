// Package manage holds the use cases of the operator: setting the installation up, declaring who may ask for what, and
// looking at what happened. One verb is one function; whatever door it came through, it decides the same way.
//
// What holds for all of them. What changes something takes the [Actor] who did it and records an event with it, in
// the same transaction. Errors that an operator can act on carry a kind and a sentence; a name that does not exist is
// answered with the names that do. The package performs no I/O of its own: it drives the store, the keyring and the
// maker of CA certificates through the small interfaces in engines.go. Times are whole seconds, UTC.
package manage

import (
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/id"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Default is the name of the organisation, the issuer, the profile and the connector that exist from the start.
const Default = "default"

// Engines is what the use cases stand on.
type Engines struct {
	Store      Store
	Keys       Keys
	Maker      Maker
	Sealer     Sealer
	Validators Validators
}

// Options are the settings of the service.
type Options struct {
	Now    func() time.Time // the clock; nil: the system's
	Random io.Reader        // a cryptographic source of ids and secrets; nil: the system's
	// AccountURL returns the URL of an account that the door publishes, "" when there is none; nil: there is never one.
	AccountURL func(c policy.Connector, account string) string
}

// Service is the use cases. It holds no state; its methods may be called concurrently.
type Service struct {
	store      Store
	keys       Keys
	maker      Maker
	sealer     Sealer
	validators Validators
	clock      func() time.Time
	random     io.Reader
	accountURL func(c policy.Connector, account string) string
}

// New returns the use cases on engines.
func New(e Engines, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.AccountURL == nil {
		o.AccountURL = func(policy.Connector, string) string { return "" }
	}
	return &Service{
		accountURL: o.AccountURL,
		store:      e.Store, keys: e.Keys, maker: e.Maker, sealer: e.Sealer, validators: e.Validators, clock: o.Now, random: o.Random,
	}
}

// Actor is who does something, as the log names it.
type Actor string

// System is the installation itself.
const System Actor = "system"

// Admin is an operator.
func Admin(name string) Actor { return Actor("admin:" + name) }

// now is the time in the resolution of the domain.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Second) }

func (s *Service) newID() (string, error) {
	var random [id.RandomBytes]byte
	if _, err := io.ReadFull(s.random, random[:]); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	return id.New(s.clock(), random), nil
}

// happening returns the event that tells what by did to an object.
func (s *Service) happening(by Actor, action event.Action, organisation, object, detail string) (event.Event, error) {
	key, err := s.newID()
	return event.Event{
		ID: key, At: s.now(), Organisation: organisation,
		Actor: string(by), Action: action, Object: object, Detail: detail,
	}, err
}
