package manage

import (
	"context"
	"crypto"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Store is what the use cases need of the database. The promises stand at the contract in package store.
type Store interface {
	organisations
	issuers
	profiles
	connectors
	credentials
	perspectives
	limits
	orders
	records
	blocked
	renewals
}

type organisations interface {
	CreateOrganisation(ctx context.Context, o policy.Organisation, e event.Event) error
	Organisations(ctx context.Context) ([]policy.Organisation, error)
	Setting(ctx context.Context, name string) (string, error)
	PutSetting(ctx context.Context, name, value string) error
}

type issuers interface {
	CreateIssuer(ctx context.Context, i pki.Issuer, e event.Event) error
	Issuers(ctx context.Context) ([]pki.Issuer, error)
	OpenShard(ctx context.Context, issuer string, s pki.Shard, room int) error
}

type profiles interface {
	SaveProfile(ctx context.Context, p pki.Profile, e event.Event) error
	Profiles(ctx context.Context, organisation string) ([]pki.Profile, error)
}

type connectors interface {
	CreateConnector(ctx context.Context, c policy.Connector, e event.Event) error
	ConnectorByName(ctx context.Context, name string) (policy.Connector, error)
	Connectors(ctx context.Context) ([]policy.Connector, error)
	SetRules(ctx context.Context, connector string, old, rules policy.Rules, e event.Event) error
	SuspendConnector(ctx context.Context, connector string, at time.Time, e event.Event) error
}

type credentials interface {
	CreateCredential(ctx context.Context, c policy.Credential, e event.Event) error
	Credential(ctx context.Context, id string) (policy.Credential, error)
	Credentials(ctx context.Context, connector string) ([]policy.Credential, error)
	SetTerms(ctx context.Context, credential string, old, terms policy.Terms, e event.Event) error
	RotateCredential(ctx context.Context, credential string, old, sealed []byte, former policy.Former, e event.Event) error
	SuspendCredential(ctx context.Context, credential string, at time.Time, d *pki.Demand, e event.Event) error
	DeleteCredential(ctx context.Context, credential string, d *pki.Demand, e event.Event) error
	demands
}

type demands interface {
	Demand(ctx context.Context, credential string) (pki.Demand, error)
	OpenDemands(ctx context.Context) ([]pki.Demand, error)
	IssuesFor(ctx context.Context, credential string) (bool, error)
	Unrevoked(ctx context.Context, credential string, after pki.Certificate, now time.Time, limit int) ([]pki.Certificate, error)
	RevokeDemanded(ctx context.Context, credential string, events []event.Event) (int, error)
	EndDemand(ctx context.Context, credential string, e event.Event) error
}

type perspectives interface {
	CreatePerspective(ctx context.Context, p policy.Perspective, e event.Event) error
	PerspectiveByName(ctx context.Context, name string) (policy.Perspective, error)
	Perspectives(ctx context.Context) ([]policy.Perspective, error)
	DeletePerspective(ctx context.Context, perspective string, e event.Event) error
}

type limits interface {
	Levels(ctx context.Context, connector string, kind limit.Kind, now time.Time, most int) ([]limit.Level, error)
	Level(ctx context.Context, connector string, key limit.Key) (limit.Level, error)
	ResetLevel(ctx context.Context, connector string, key limit.Key, e event.Event) error
}

type orders interface {
	Order(ctx context.Context, id string) (acme.Order, []acme.Authorization, error)
	ListOrders(ctx context.Context, connector, before string, limit int) ([]acme.Order, error)
	Checks(ctx context.Context, order string) ([]acme.Check, error)
}

type records interface {
	Account(ctx context.Context, id string) (acme.Account, error)
	Accounts(ctx context.Context, connector, before string, limit int) ([]acme.Account, error)
	EndAccount(ctx context.Context, account string, to acme.Status, e event.Event) (acme.Account, error)
	Certificate(ctx context.Context, id string) (pki.Certificate, error)
	CertificateBySerial(ctx context.Context, issuer string, serial pki.Serial) (pki.Certificate, error)
	FindCertificates(ctx context.Context, f pki.Filter) ([]pki.Certificate, error)
	Revoke(ctx context.Context, certificate string, at time.Time, reason pki.Reason, block bool, e event.Event) (pki.Certificate, error)
	Events(ctx context.Context, object, before string, limit int) ([]event.Event, error)
	LastEvent(ctx context.Context) (time.Time, error)
	AcceptClock(ctx context.Context, e event.Event) error
}

type blocked interface {
	KeyBlocked(ctx context.Context, key pki.KeyHash) (bool, error)
	BlockKeys(ctx context.Context, keys []pki.KeyHash, at time.Time, e event.Event) (added int, err error)
	BlockedKeys(ctx context.Context, after pki.KeyHash, limit int) ([]pki.BlockedKey, error)
}

type renewals interface {
	CreateOverride(ctx context.Context, o ari.Override, most int, e event.Event) error
	Overrides(ctx context.Context, ended bool) ([]ari.Override, error)
	EndOverride(ctx context.Context, id string, at time.Time, e event.Event) (ari.Override, error)
	CountCertificates(ctx context.Context, f pki.Filter, most int) (int, error)
}

// Keys keeps the issuers' private keys. No key is ever overwritten.
type Keys interface {
	// Names returns the names of the keys that are there.
	Names() ([]string, error)
	// Generate makes a key and keeps it, durably, before it returns. Conflict when the name is taken.
	Generate(name string, kind pki.KeyType) (crypto.Signer, error)
	// Import keeps a key that was made elsewhere. Conflict when the name is taken, Malformed for a key that no issuer may have.
	Import(name string, key crypto.Signer) error
	// Load returns a key.
	Load(name string) (crypto.Signer, error)
	// Parse reads a private key from PEM; passphrase opens it when it is encrypted. Malformed when it cannot be read.
	Parse(text, passphrase []byte) (crypto.Signer, error)
}

// Maker makes CA certificates: built from the request, linted, signed, verified.
type Maker interface {
	// SignRoot returns the DER of a certificate that its own key signs.
	SignRoot(ctx context.Context, r pki.CARequest, key crypto.Signer) ([]byte, error)
	// SignIntermediate returns the DER of a certificate that the parent signs with key, the parent's.
	SignIntermediate(ctx context.Context, r pki.CARequest, parent pki.Issuer, key crypto.Signer) ([]byte, error)
	// ResponderUntil tells when the certificate ends with which an issuer's OCSP replies are signed; zero: there is none that is
	// valid at now.
	ResponderUntil(issuer string, now time.Time) time.Time
}

// Sealer encrypts secrets under a key outside the database. What was sealed opens only with the same context.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
}
