package storetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/id"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/store"
)

// Noon is when everything in a World happens unless a test says otherwise.
var Noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// World is a store with one organisation, issuer, profile and connector, and builders for the rest.
// A builder fails the test when the store refuses.
type World struct {
	testing.TB
	Store        store.Store
	Organisation policy.Organisation
	Issuer       pki.Issuer
	Profile      pki.Profile
	Connector    policy.Connector

	signer *ecdsa.PrivateKey
	parsed *x509.Certificate
	ticks  atomic.Int64
}

// NewWorld fills an empty store, and closes it when the test ends.
func NewWorld(t testing.TB, s store.Store) *World {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	w := &World{TB: t, Store: s}
	w.Organisation = policy.Organisation{ID: w.ID(), Name: "default", Created: Noon}
	must(t, s.CreateOrganisation(background(), w.Organisation, w.Event(event.OrganisationCreated, w.Organisation.ID)))
	w.Issuer = w.newIssuer()
	must(t, s.CreateIssuer(background(), w.Issuer, w.Event(event.IssuerCreated, w.Issuer.ID)))
	w.Profile = pki.Profile{
		ID: w.ID(), Organisation: w.Organisation.ID, Name: "default", Version: 1, Created: Noon,
		Spec: pki.Spec{Issuer: w.Issuer.Name, Lifetime: 90 * span.Day, Keys: []pki.KeyType{pki.ECDSAP256}, Usages: []pki.Usage{pki.ServerAuth}},
	}
	must(t, s.SaveProfile(background(), w.Profile, w.Event(event.ProfileSaved, w.Profile.ID)))
	w.Connector = w.NewConnector("default")
	return w
}

// ID returns a new id; later ones sort behind earlier ones.
func (w *World) ID() string {
	tick := w.ticks.Add(1)
	return idAt(Noon.Add(time.Duration(tick)*time.Millisecond), tick)
}

// idAt returns the id that a tick has at a time.
func idAt(at time.Time, tick int64) string {
	var random [id.RandomBytes]byte
	binary.BigEndian.PutUint32(random[3:], uint32(tick))
	return id.New(at, random)
}

// Event returns an event at Noon.
func (w *World) Event(action event.Action, object string) event.Event {
	return event.Event{
		ID: w.ID(), At: Noon, Organisation: w.Organisation.ID, Actor: "system", Action: action, Object: object, Detail: "a detail",
	}
}

// NewKey returns a new account key.
func (w *World) NewKey() jws.Key {
	w.Helper()
	key, err := jws.KeyFromPublic(w.newSubject())
	must(w, err)
	return key
}

func (w *World) newSubject() *ecdsa.PublicKey {
	w.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(w, err)
	return &private.PublicKey
}

// Names parses DNS names and addresses.
func (w *World) Names(values ...string) []ident.Identifier {
	w.Helper()
	var names []ident.Identifier
	for _, value := range values {
		kind := ident.DNS
		if net.ParseIP(value) != nil {
			kind = ident.IP
		}
		name, err := ident.Parse(string(kind), value)
		must(w, err)
		names = append(names, name)
	}
	return ident.Set(names)
}

// newIssuer makes a root that can sign.
func (w *World) newIssuer() pki.Issuer {
	w.Helper()
	var err error
	w.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(w, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Everleaf Test Root"},
		NotBefore: Noon.AddDate(-1, 0, 0), NotAfter: Noon.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &w.signer.PublicKey, w.signer)
	must(w, err)
	w.parsed, err = x509.ParseCertificate(der)
	must(w, err)
	issuer := w.ID()
	return pki.Issuer{
		ID: issuer, Organisation: w.Organisation.ID, Name: "default", Certificate: der, Key: "root", Created: Noon,
		NotBefore: template.NotBefore, NotAfter: template.NotAfter,
		Shard: pki.Shard{Number: 1, URL: "http://ca.test/crl/" + issuer + "/1.crl"}, Room: pki.ShardRoom,
	}
}

// NewConnector stores another connector.
func (w *World) NewConnector(name string) policy.Connector {
	w.Helper()
	c := policy.Connector{
		ID: w.ID(), Organisation: w.Organisation.ID, Name: name, Kind: policy.KindACME, Created: Noon,
		Rules: policy.DefaultRules("default"),
	}
	must(w, w.Store.CreateConnector(background(), c, w.Event(event.ConnectorSaved, c.ID)))
	return c
}

// NewCredential stores a credential of the default connector; zero means any number of accounts.
func (w *World) NewCredential(name string, maxAccounts int) policy.Credential {
	w.Helper()
	c := policy.Credential{
		ID: w.ID(), Organisation: w.Organisation.ID, Connector: w.Connector.ID, Kind: policy.CredentialEAB,
		Terms: policy.Terms{Name: name, MaxAccounts: maxAccounts}, Sealed: []byte("sealed " + name), Created: Noon,
	}
	must(w, w.Store.CreateCredential(background(), c, w.Event(event.CredentialCreated, c.ID)))
	return c
}

// Account returns an account of the default connector with a key of its own, not stored.
func (w *World) Account() acme.Account {
	w.Helper()
	return acme.Account{
		ID: w.ID(), Connector: w.Connector.ID, Key: w.NewKey(), Contacts: []string{"mailto:admin@example.com"},
		TermsAgreed: Noon.Add(-time.Hour), Created: Noon,
	}
}

// NewAccount stores Account.
func (w *World) NewAccount() acme.Account {
	w.Helper()
	a := w.Account()
	created, ok := w.create(a)
	if !ok {
		w.Fatalf("account %s was there already: %v", a.ID, created)
	}
	return created
}

func (w *World) create(a acme.Account) (acme.Account, bool) {
	w.Helper()
	created, ok, err := w.Store.CreateAccount(background(), a, w.Event(event.AccountCreated, a.ID))
	must(w, err)
	return created, ok
}

// Authorization returns a pending authorization of an account, not stored.
func (w *World) Authorization(account string, name ident.Identifier) acme.Authorization {
	a := acme.Authorization{
		ID: w.ID(), Account: account, Connector: w.Connector.ID, Identifier: name.Base(), Wildcard: name.IsWildcard(),
		Created: Noon, Expires: Noon.Add(24 * time.Hour),
	}
	for _, method := range acme.MethodsFor(name) {
		c := acme.Challenge{Method: method}
		if method.HasToken() {
			c.Token = rand.Text()
		} else {
			c.Persist = &persist.Offer{Draft: persist.Draft02, Issuers: []string{"ca.example"}}
		}
		a.Challenges = append(a.Challenges, c)
	}
	return a
}

// Order returns an order with a new pending authorization for each name, not stored.
func (w *World) Order(account string, names ...string) (acme.Order, []acme.Authorization) {
	w.Helper()
	o := acme.Order{
		ID: w.ID(), Account: account, Connector: w.Connector.ID, Profile: w.Profile.ID, ProfileName: w.Profile.Name,
		Identifiers: w.Names(names...), Created: Noon, Expires: Noon.Add(24 * time.Hour),
	}
	var created []acme.Authorization
	for _, name := range o.Identifiers {
		a := w.Authorization(account, name)
		o.Authorizations, created = append(o.Authorizations, a.ID), append(created, a)
	}
	return o, created
}

// NewOrder stores Order.
func (w *World) NewOrder(account string, names ...string) (acme.Order, []acme.Authorization) {
	w.Helper()
	o, created := w.Order(account, names...)
	must(w, w.Store.CreateOrder(background(), o, created, w.Event(event.OrderCreated, o.ID)))
	return o, created
}

// Success is the conclusion that proves an authorization at Noon by its first challenge, for a day.
func (w *World) Success(a acme.Authorization) acme.Conclusion {
	challenge := a.Challenges[0]
	return acme.Conclusion{
		Authorization: a.ID, Method: challenge.Method, KeyAuthorization: challenge.Token + ".thumbprint",
		Outcome: acme.Outcome{Attempts: []acme.Attempt{{
			At: Noon, Duration: 12, Seen: "body matches the key authorization",
			Hops: []acme.Hop{{URL: "http://" + a.Identifier.Value() + "/", Address: "192.0.2.1:80", Status: 200}},
		}}},
		Now: Noon, ValidUntil: Noon.Add(24 * time.Hour),
	}
}

// Prove concludes authorizations with Success.
func (w *World) Prove(authorizations ...acme.Authorization) {
	w.Helper()
	for _, a := range authorizations {
		_, err := w.Store.Conclude(background(), w.Success(a), w.Event(event.AuthorizationValid, a.ID))
		must(w, err)
	}
}

// NewReadyOrder stores an order whose authorizations are proven.
func (w *World) NewReadyOrder(account string, names ...string) acme.Order {
	w.Helper()
	o, created := w.NewOrder(account, names...)
	w.Prove(created...)
	return o
}

// Intent returns an intent for an order, and the certificate that its signature makes; neither is stored.
func (w *World) Intent(o acme.Order) (pki.Intent, []byte) {
	w.Helper()
	return w.intentFor(o, w.newSubject())
}

func (w *World) intentFor(o acme.Order, subject *ecdsa.PublicKey) (pki.Intent, []byte) {
	w.Helper()
	var random [pki.SerialBytes]byte
	_, err := rand.Read(random[:])
	must(w, err)
	i := pki.Intent{Begun: Noon, Certificate: pki.Certificate{
		ID: w.ID(), Organisation: w.Organisation.ID, Connector: o.Connector, Account: o.Account, Order: o.ID, Profile: o.Profile,
		ProfileName: o.ProfileName, Issuer: w.Issuer.ID, Serial: pki.NewSerial(random), Names: o.Identifiers,
		NotBefore: Noon.Add(-time.Minute), NotAfter: Noon.AddDate(0, 0, 90), Shard: 1, Warnings: []string{"rule: it is \"odd\""},
	}}
	der := w.sign(&i, subject)
	return i, der
}

// sign fills in what an intent knows from the bytes, and returns the signed certificate.
func (w *World) sign(i *pki.Intent, subject *ecdsa.PublicKey) []byte {
	w.Helper()
	template := &x509.Certificate{
		SerialNumber: i.Serial.Int(), NotBefore: i.NotBefore, NotAfter: i.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, CRLDistributionPoints: []string{w.Issuer.Shard.URL},
		IssuingCertificateURL: []string{"http://ca.test/issuer/" + w.Issuer.ID + ".crt"},
	}
	for _, name := range i.Names {
		if name.Type() == ident.IP {
			template.IPAddresses = append(template.IPAddresses, name.Addr().AsSlice())
		} else {
			template.DNSNames = append(template.DNSNames, name.Value())
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, w.parsed, subject, w.signer)
	must(w, err)
	parsed, err := x509.ParseCertificate(der)
	must(w, err)
	i.TBS, i.KeyHash = parsed.RawTBSCertificate, pki.HashKey(parsed.RawSubjectPublicKeyInfo)
	return der
}

// Begin stores an intent.
func (w *World) Begin(i pki.Intent) {
	w.Helper()
	must(w, w.Store.BeginIssuance(background(), i))
}

// Complete stores the certificate of an intent and returns what must stand in the store then.
func (w *World) Complete(i pki.Intent, der []byte) pki.Certificate {
	w.Helper()
	must(w, w.Store.CompleteIssuance(background(), i.ID, der, Noon, w.Event(event.CertificateIssued, i.ID)))
	c := i.Certificate
	c.Issued, c.DER = Noon, der
	return c
}

// Issue does everything from an order to its certificate.
func (w *World) Issue(account string, names ...string) pki.Certificate {
	w.Helper()
	return w.IssueFor(w.NewReadyOrder(account, names...))
}

// IssueFor issues the certificate of a ready order.
func (w *World) IssueFor(o acme.Order) pki.Certificate {
	w.Helper()
	i, der := w.Intent(o)
	w.Begin(i)
	return w.Complete(i, der)
}
