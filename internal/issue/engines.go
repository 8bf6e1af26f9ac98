package issue

import (
	"context"
	"crypto"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/ocsp"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Store is what the use cases need of the database. The promises stand at the contract in package store.
type Store interface {
	accounts
	orders
	issuance
	certificates
	revocations
	declarations
}

type accounts interface {
	CreateAccount(ctx context.Context, a acme.Account, e event.Event, charges ...limit.Charge) (acme.Account, bool, error)
	Account(ctx context.Context, id string) (acme.Account, error)
	AccountByKey(ctx context.Context, connector, thumbprint string) (acme.Account, error)
	KeyHasAccount(ctx context.Context, thumbprint string) (bool, error)
	SetContacts(ctx context.Context, account string, contacts []string, e event.Event) (acme.Account, error)
	ChangeKey(ctx context.Context, account, oldThumbprint string, key jws.Key, e event.Event) (acme.Account, error)
	EndAccount(ctx context.Context, account string, to acme.Status, e event.Event) (acme.Account, error)
}

type orders interface {
	CreateOrder(ctx context.Context, o acme.Order, created []acme.Authorization, e event.Event, charges ...limit.Charge) error
	Order(ctx context.Context, id string) (acme.Order, []acme.Authorization, error)
	OrderIDs(ctx context.Context, account, before string, limit int, now time.Time) (ids []string, next string, err error)
	Reusable(ctx context.Context, account string, ids []ident.Identifier, now, until time.Time) ([]acme.Authorization, error)
	CreateAuthorization(ctx context.Context, a acme.Authorization, e event.Event, charges ...limit.Charge) error
	Authorization(ctx context.Context, id string) (acme.Authorization, error)
	Respond(ctx context.Context, authorization string, m acme.Method, keyAuthorization string, now time.Time) (acme.Authorization, error)
	Conclude(ctx context.Context, c acme.Conclusion, e event.Event) (acme.Authorization, error)
	EndAuthorization(ctx context.Context, authorization string, to acme.Status, now time.Time, e event.Event) (acme.Authorization, error)
	Unfinished(ctx context.Context, before time.Time, limit int) ([]acme.Authorization, error)
	Level(ctx context.Context, connector string, key limit.Key) (limit.Level, error)
}

type issuance interface {
	BeginIssuance(ctx context.Context, i pki.Intent, charges ...limit.Charge) error
	RefuseIssuance(ctx context.Context, order string, checks []acme.Check, e event.Event) error
	CompleteIssuance(ctx context.Context, intent string, der []byte, issued time.Time, e event.Event) error
	AbandonIssuance(ctx context.Context, intent string, f acme.Failure, e event.Event) error
	Intents(ctx context.Context, before time.Time, after string, limit int) ([]pki.Intent, error)
}

type certificates interface {
	Certificate(ctx context.Context, id string) (pki.Certificate, error)
	CertificateBySerial(ctx context.Context, issuer string, serial pki.Serial) (pki.Certificate, error)
	Revoke(ctx context.Context, certificate string, at time.Time, reason pki.Reason, block bool, e event.Event) (pki.Certificate, error)
	Compromised(ctx context.Context, now time.Time, limit int) ([]pki.Certificate, error)
	KeyBlocked(ctx context.Context, key pki.KeyHash) (bool, error)
	KeyHasCertificate(ctx context.Context, key pki.KeyHash) (bool, error)
	Authorized(ctx context.Context, account string, ids []ident.Identifier, now time.Time) ([]ident.Identifier, error)
	Overrides(ctx context.Context, ended bool) ([]ari.Override, error)
}

type revocations interface {
	Standing(ctx context.Context, issuer string, serial pki.Serial) (pki.Standing, error)
	Entries(ctx context.Context, issuer string, shard int, since time.Time) ([]pki.Entry, error)
	CRL(ctx context.Context, issuer string, shard int) (pki.CRL, error)
	CRLsDue(ctx context.Context, before time.Time) ([]pki.CRL, error)
	SaveCRL(ctx context.Context, crl pki.CRL, since time.Time, entries int, e event.Event) error
}

type declarations interface {
	Connector(ctx context.Context, id string) (policy.Connector, error)
	ConnectorByName(ctx context.Context, name string) (policy.Connector, error)
	Credential(ctx context.Context, id string) (policy.Credential, error)
	Issuers(ctx context.Context) ([]pki.Issuer, error)
	OpenShard(ctx context.Context, issuer string, s pki.Shard, room int) error
	Profile(ctx context.Context, id string) (pki.Profile, error)
	Profiles(ctx context.Context, organisation string) ([]pki.Profile, error)
	Perspectives(ctx context.Context) ([]policy.Perspective, error)
	LastEvent(ctx context.Context) (time.Time, error)
}

// Signer makes certificates in two steps that cannot be swapped: only what was linted can be signed.
type Signer interface {
	// CanSign tells why an issuer cannot sign here; nil when it can.
	CanSign(issuer pki.Issuer) error
	// Prepare builds and lints a certificate. Errors with a kind say what the requester must change.
	Prepare(ctx context.Context, r pki.Request) (pki.Prepared, error)
	// Resume lints recorded to-be-signed bytes again, so that they can be signed.
	Resume(ctx context.Context, issuer pki.Issuer, spec pki.Spec, intent pki.Intent) (pki.Prepared, error)
	// PrepareResponder makes a key for OCSP replies, and builds and lints its certificate.
	PrepareResponder(ctx context.Context, r pki.ResponderRequest) (crypto.Signer, pki.Prepared, error)
	// UseResponder has the issuer's OCSP replies signed with that key from now on.
	UseResponder(issuer pki.Issuer, key crypto.Signer, der []byte) error
	// ResponderUntil tells when the certificate of the issuer's key for OCSP replies ends; zero: there is none that is valid at now.
	ResponderUntil(issuer string, now time.Time) time.Time
	// SignOCSP signs an answer and verifies it under the issuer before returning the reply's DER.
	SignOCSP(ctx context.Context, issuer pki.Issuer, answer ocsp.Answer) ([]byte, error)
	// SignCRL signs a revocation list and verifies it under the issuer before returning its DER.
	SignCRL(ctx context.Context, r pki.CRLRequest) ([]byte, error)
}

// Validator looks from outside. It writes nothing, takes nothing from an earlier look, and gives no outcome to another
// question than the one that it was asked.
type Validator interface {
	// Validate looks whether a challenge is answered.
	Validate(ctx context.Context, look policy.Look) acme.Outcome
	// CheckCAA looks from every place of a quorum whether CAA records let this CA certify a name.
	CheckCAA(ctx context.Context, quorum policy.Quorum, q caa.Question) acme.Outcome
}

// Secrets opens what is sealed under a key outside the database.
type Secrets interface {
	Open(sealed, context []byte) ([]byte, error)
}
