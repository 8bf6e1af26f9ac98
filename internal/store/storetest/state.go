package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/store"
)

// everything is more than any test stores.
const everything = 10_000

// state is all that the contract shows of a store.
type state struct {
	Organisations  []policy.Organisation
	Issuers        []pki.Issuer
	Profiles       []pki.Profile
	Connectors     []policy.Connector
	Credentials    []policy.Credential
	Perspectives   []policy.Perspective
	Demands        []pki.Demand
	Accounts       []acme.Account
	Keys           map[string]string // account id -> JWK
	Orders         []acme.Order
	Checks         map[string][]acme.Check // by order; only where somebody asked
	Authorizations map[string]acme.Authorization
	Intents        []pki.Intent
	Levels         map[string][]limit.Level // by connector
	Certificates   []pki.Certificate
	Overrides      []ari.Override
	CRLs           []pki.CRL
	Entries        map[string][]pki.Entry
	Blocked        map[string]bool // certificate id -> its key is blocked
	Compromised    map[string]pki.Certificate
	Events         []event.Event
	LastEvent      time.Time
	Setting        string
}

// aSetting is the setting that tests change.
const aSetting = "public-url"

// state reads the whole store; others are authorizations that no order names.
func (w *World) state(others ...string) (s state) {
	w.Helper()
	ctx, db := background(), w.Store
	s.Organisations = load(w, func() ([]policy.Organisation, error) { return db.Organisations(ctx) })
	s.Issuers = load(w, func() ([]pki.Issuer, error) { return db.Issuers(ctx) })
	s.Profiles = load(w, func() ([]pki.Profile, error) { return db.Profiles(ctx, "") })
	s.Connectors = load(w, func() ([]policy.Connector, error) { return db.Connectors(ctx) })
	s.Credentials = load(w, func() ([]policy.Credential, error) { return db.Credentials(ctx, "") })
	s.Perspectives = load(w, func() ([]policy.Perspective, error) { return db.Perspectives(ctx) })
	s.Demands = load(w, func() ([]pki.Demand, error) { return db.OpenDemands(ctx) })
	s.Accounts = load(w, func() ([]acme.Account, error) { return db.Accounts(ctx, "", "", everything) })
	s.Orders = load(w, func() ([]acme.Order, error) { return db.ListOrders(ctx, "", "", everything) })
	s.Intents = load(w, func() ([]pki.Intent, error) { return db.Intents(ctx, Noon.AddDate(100, 0, 0), "", everything) })
	s.Certificates = load(w, func() ([]pki.Certificate, error) { return db.FindCertificates(ctx, pki.Filter{Limit: everything}) })
	s.Overrides = load(w, func() ([]ari.Override, error) { return db.Overrides(ctx, true) })
	s.Events = w.events()
	s.LastEvent = load(w, func() (time.Time, error) { return db.LastEvent(ctx) })
	s.Setting = load(w, func() (string, error) { return db.Setting(ctx, aSetting) })
	s.Authorizations = map[string]acme.Authorization{}
	for _, o := range s.Orders {
		others = append(others, o.Authorizations...)
	}
	for _, id := range others {
		s.Authorizations[id] = load(w, func() (acme.Authorization, error) { return db.Authorization(ctx, id) })
	}
	s.Levels = map[string][]limit.Level{}
	for _, c := range s.Connectors {
		s.Levels[c.Name] = load(w, func() ([]limit.Level, error) { return db.Levels(ctx, c.ID, "", time.Unix(0, 0), everything) })
	}
	s.Checks = map[string][]acme.Check{}
	for _, o := range s.Orders {
		if list := w.checks(o.ID); len(list) > 0 {
			s.Checks[o.ID] = list
		}
	}
	s.Keys = map[string]string{}
	for _, a := range s.Accounts {
		s.Keys[a.ID] = string(a.Key.JWK())
	}
	s.Blocked = map[string]bool{}
	for _, c := range s.Certificates {
		s.Blocked[c.ID] = load(w, func() (bool, error) { return db.KeyBlocked(ctx, c.KeyHash) })
	}
	s.Compromised = map[string]pki.Certificate{}
	for _, c := range w.compromised(Noon) {
		s.Compromised[c.ID] = c
	}
	s.Entries = map[string][]pki.Entry{}
	for _, i := range s.Issuers {
		for number := 1; number <= i.Shard.Number; number++ {
			crl := load(w, func() (pki.CRL, error) { return db.CRL(ctx, i.ID, number) })
			s.CRLs = append(s.CRLs, crl)
			s.Entries[crl.Shard.URL] = load(w, func() ([]pki.Entry, error) { return db.Entries(ctx, i.ID, number, time.Time{}) })
		}
	}
	return s
}

// Describe returns everything that the contract shows of a store, as indented JSON that is the same for the same content.
func Describe(t testing.TB, s store.Store) []byte {
	t.Helper()
	text, err := json.MarshalIndent((&World{TB: t, Store: s}).state(), "", "  ")
	must(t, err)
	return append(text, '\n')
}

func load[T any](t testing.TB, get func() (T, error)) T {
	t.Helper()
	value, err := get()
	must(t, err)
	return value
}

// refuses calls fn, which must fail with the kind and must have changed nothing.
func (w *World) refuses(kind fault.Kind, fn func() error) error {
	w.Helper()
	before := w.state()
	err := fn()
	wantKind(w, err, kind)
	same(w, "the store after a refusal", w.state(), before)
	return err
}

// tells checks that fn wrote exactly this event and nothing else into the log.
func (w *World) tells(e event.Event, fn func()) {
	w.Helper()
	before := w.events()
	fn()
	same(w, "the log", w.events(), append([]event.Event{e}, before...))
}
