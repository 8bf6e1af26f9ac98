// Package store is the contract of the database: every transition of the domain as one method, each with its promise.
//
// What holds for all methods. A method is one transaction: when it returns nil, everything it names is durable (it
// survives a power cut) and visible to every later call on any node; when it returns an error, nothing of it
// happened, unless the error is Unavailable, which says that the outcome is unknown. The event given to a method is
// written in the same transaction. Guards stand in the write itself: a method that lost a race returns Conflict or
// NotReady and changed nothing. Missing rows are NotFound, never a driver's error. A cancelled context may abandon the
// wait for a write, not the write: the caller does not learn the outcome. What is passed to a method must not be changed
// afterwards. An event needs its id and its time. Times are kept in whole seconds, UTC. Nothing here knows a protocol.
//
// Engines: package sqlite. Package storetest holds the suite that every engine passes.
package store

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Store is the whole contract. Use cases declare the few methods that they need.
type Store interface {
	Accounts
	Orders
	Issuance
	Certificates
	Renewals
	Limits
	Revocations
	Declarations
	Log
	Maintenance
}

// Accounts keeps ACME accounts. One key has one account per connector, whatever happens.
type Accounts interface {
	// CreateAccount stores a and returns it with created = true, or returns the account that has this key at this
	// connector already, unchanged, with created = false: of many parallel calls with one key exactly one creates.
	// With a.Credential set, the same transaction checks that the credential is usable at a.Created (else
	// Unauthorized) and that it has room under its MaxAccounts (else Unauthorized). BadPublicKey when the key is blocked, or a
	// certificate was issued or is being issued for it. RateLimited when one of the charges is refused.
	CreateAccount(ctx context.Context, a acme.Account, e event.Event, charges ...limit.Charge) (account acme.Account, created bool, err error)
	// Account returns an account, and NotFound without one.
	Account(ctx context.Context, id string) (acme.Account, error)
	// AccountByKey returns the account that has the key with this thumbprint at a connector, whatever its status.
	AccountByKey(ctx context.Context, connector, thumbprint string) (acme.Account, error)
	// KeyHasAccount reports whether any account at any connector has the key with this thumbprint.
	KeyHasAccount(ctx context.Context, thumbprint string) (bool, error)
	// SetContacts replaces the contacts of an account. Unauthorized when it may not act (see CreateOrder).
	SetContacts(ctx context.Context, account string, contacts []string, e event.Event) (acme.Account, error)
	// ChangeKey gives a valid account another key and remembers the thumbprint of the one that it had (see acme.Account.Rekey), guarded by the thumbprint of the old one: Conflict when the account has
	// another key by now; Conflict with Location = id of the account that has the new key already, in whatever
	// status; BadPublicKey when the key is blocked or a certificate was issued for it.
	ChangeKey(ctx context.Context, account, oldThumbprint string, key jws.Key, e event.Event) (acme.Account, error)
	// EndAccount deactivates (by its owner) or revokes (by the operator) an account. Its orders that are pending or ready are
	// invalid from then on, however many they are, and whoever reads them is told why (see acme.Order.Orphan); what is
	// processing runs to its end. Ending an ended account changes nothing and is no error.
	EndAccount(ctx context.Context, account string, to acme.Status, e event.Event) (acme.Account, error)
	// Accounts returns accounts of a connector ("" for all), newest first, at most limit, older than the id before ("" for the start).
	Accounts(ctx context.Context, connector, before string, limit int) ([]acme.Account, error)
}

// Orders keeps orders, authorizations and challenges.
type Orders interface {
	// CreateOrder stores an order together with those of its authorizations that are new. Authorizations that it reuses exist already
	// and belong to its account: NotFound otherwise. Unauthorized when the account may not act at that moment: it is not valid, or
	// the credential by which it came in is suspended, expired or deleted; the same holds wherever an account "may not act". With o.Replaces
	// set, AlreadyReplaced when another order replaces that certificate and is not invalid at o.Created, or one did that became
	// valid: of many parallel calls one wins, and what made its order invalid, be it only the time, lets the next one in. RateLimited
	// when one of the charges is refused.
	CreateOrder(ctx context.Context, o acme.Order, created []acme.Authorization, e event.Event, charges ...limit.Charge) error
	// Order returns an order with all its authorizations in the order's sequence.
	Order(ctx context.Context, id string) (acme.Order, []acme.Authorization, error)
	// OrderIDs returns the ids of an account's orders that are not invalid at now, newest first, at most limit,
	// older than the id before ("" for the start). It looks at no more than 10 orders for each id asked for, so a page may
	// have fewer ids, even none: next is the id before which the next page begins, and "" says that no order is left.
	OrderIDs(ctx context.Context, account, before string, limit int, now time.Time) (ids []string, next string, err error)
	// ListOrders returns orders of a connector ("" for all), newest first, at most limit, older than the id before, without their authorizations.
	ListOrders(ctx context.Context, connector, before string, limit int) ([]acme.Order, error)
	// Reusable returns those authorizations of an account that are valid at now, stay valid until at least until, and
	// cover exactly one of ids (wildcards only by wildcards): for each identifier one, proven rather than approved and of
	// these the longest lasting, and of those that cover the names below it besides one more, chosen alike.
	Reusable(ctx context.Context, account string, ids []ident.Identifier, now, until time.Time) ([]acme.Authorization, error)
	// CreateAuthorization stores an authorization that belongs to no order (pre-authorization). Unauthorized when the account may
	// not act. RateLimited when one of the charges is refused.
	CreateAuthorization(ctx context.Context, a acme.Authorization, e event.Event, charges ...limit.Charge) error
	// Authorization returns an authorization.
	Authorization(ctx context.Context, id string) (acme.Authorization, error)
	// Respond records that a challenge was answered and that its outcome comes later; see acme.Authorization.Respond, whose errors it returns.
	// Unauthorized when the account may not act.
	Respond(ctx context.Context, authorization string, m acme.Method, keyAuthorization string, now time.Time) (acme.Authorization, error)
	// Conclude records the outcome of a challenge; see acme.Authorization.Conclude, whose errors it returns.
	// The first outcome stands. Unauthorized for a good outcome when the account may not act by then; a bad one is recorded.
	// A failure counts for c.Proof, and the one that begins a pause writes c.Pause as well; a success forgets the failures.
	Conclude(ctx context.Context, c Conclusion, e event.Event) (acme.Authorization, error)
	// EndAuthorization deactivates or revokes an authorization; see acme.Authorization.Deactivate, whose errors it returns.
	EndAuthorization(ctx context.Context, authorization string, to acme.Status, now time.Time, e event.Event) (acme.Authorization, error)
	// Unfinished returns authorizations with a challenge that is processing since before the given time and that had not
	// expired then, oldest first, at most limit.
	Unfinished(ctx context.Context, before time.Time, limit int) ([]acme.Authorization, error)
}

// Conclusion is the outcome of one challenge.
type Conclusion = acme.Conclusion

// Issuance keeps what makes one finalize one certificate.
type Issuance interface {
	// BeginIssuance records an intent. For an intent with an order it moves the order from ready to processing, exactly once, re-reading the order
	// and its authorizations in the same transaction: NotReady when the order is not ready at i.Begun (of many parallel
	// callers one wins). Unauthorized when the account may not act, or its connector is suspended. Conflict when the issuer has a certificate or an
	// intent with this serial number, or when its shard is full: the caller tries another, and however many begin at once, no
	// shard gets more than it has room for. BadPublicKey when the key is blocked or, by i.Thumbprint, that of an account.
	// RateLimited when one of the charges is refused; the order stays ready.
	// The checks of the intent become those of its order, whatever was there before.
	BeginIssuance(ctx context.Context, i pki.Intent, charges ...limit.Charge) error
	// RefuseIssuance records that an order was not allowed to become a certificate, and why; the order stays as it is. Of
	// several refusals the checks of the last are kept, and those of an issuance that began stay.
	RefuseIssuance(ctx context.Context, order string, checks []acme.Check, e event.Event) error
	// Checks returns what CAA records said of the names of an order when it was last refused, or when its issuance began;
	// none where nobody asked.
	Checks(ctx context.Context, order string) ([]acme.Check, error)
	// CompleteIssuance records the signed certificate, ends its intent and makes its order valid. Conflict when, and only
	// when, there is no such intent any more: the certificate must then be thrown away. The event is event.CertificateIssued of the certificate,
	// which has the intent's id.
	CompleteIssuance(ctx context.Context, intent string, der []byte, issued time.Time, e event.Event) error
	// AbandonIssuance ends an intent that can never be signed and fails its order. Conflict when there is no such intent. It is
	// kept as a record until its certificate would have expired: a crash may have lost a signature, so nobody else gets
	// its serial number, its key counts as one that has a certificate, and it counts as revoked since e.At: its shard's list is
	// stale.
	AbandonIssuance(ctx context.Context, intent string, f acme.Failure, e event.Event) error
	// Intents returns the intents begun before the given time that have not ended, by their ids, oldest first, at most
	// limit, younger than the id after ("" for the start).
	Intents(ctx context.Context, before time.Time, after string, limit int) ([]pki.Intent, error)
}

// Certificates keeps the inventory and its revocations. Certificates are never deleted.
type Certificates interface {
	// Certificate returns a certificate by its id.
	Certificate(ctx context.Context, id string) (pki.Certificate, error)
	// CertificateBySerial returns a certificate by issuer id and serial number; issuer "" means any issuer, and then
	// Conflict says that several issuers used the number.
	CertificateBySerial(ctx context.Context, issuer string, serial pki.Serial) (pki.Certificate, error)
	// FindCertificates returns certificates, newest first.
	FindCertificates(ctx context.Context, f CertificateFilter) ([]pki.Certificate, error)
	// Revoke marks a certificate revoked and its shard's list stale. AlreadyRevoked when it is; except that KeyCompromise replaces
	// another reason and keeps the first date. With block set, the key joins the blocked keys, also when the certificate is
	// revoked already; AlreadyRevoked then says that it was blocked too. Returns the certificate as it is afterwards.
	Revoke(ctx context.Context, certificate string, at time.Time, reason pki.Reason, block bool, e event.Event) (pki.Certificate, error)
	// KeyBlocked reports whether a key is blocked.
	KeyBlocked(ctx context.Context, key pki.KeyHash) (bool, error)
	// BlockKeys adds keys to the blocked ones and returns how many were not among them; when none is new, nothing is
	// recorded, the event neither. A blocked key is never certified again, and nothing unblocks it.
	BlockKeys(ctx context.Context, keys []pki.KeyHash, at time.Time, e event.Event) (added int, err error)
	// BlockedKeys returns the blocked keys in the order of their hashes, at most limit, after the given one (zero for the
	// start).
	BlockedKeys(ctx context.Context, after pki.KeyHash, limit int) ([]pki.BlockedKey, error)
	// Compromised returns certificates of blocked keys that are neither revoked nor expired at now, at most limit, in no
	// particular order. However many keys are blocked, it takes no longer than what it returns.
	Compromised(ctx context.Context, now time.Time, limit int) ([]pki.Certificate, error)
	// KeyHasCertificate reports whether any certificate was issued for a key, is being issued, or may have been signed.
	KeyHasCertificate(ctx context.Context, key pki.KeyHash) (bool, error)
	// Authorized returns those of ids of which the account has proven control by an authorization that is valid at now (wildcards
	// only by wildcards). The word of an operator (see acme.Approval) proves nothing.
	Authorized(ctx context.Context, account string, ids []ident.Identifier, now time.Time) ([]ident.Identifier, error)
}

// Revocations keeps what the world is told of certificates: the status of each, and the lists.
type Revocations interface {
	// Standing returns what is known of a serial number of an issuer: also of one whose certificate is not signed yet, and of
	// an abandoned intent, which counts as revoked since it was given up. NotFound for a number that the issuer gave to nobody.
	Standing(ctx context.Context, issuer string, serial pki.Serial) (pki.Standing, error)

	// Entries returns what the next list of a shard must name: its revoked certificates and its abandoned intents, which may
	// have been signed, that expire after since, or that were revoked after it, where since is the ThisUpdate of the list before, and zero for the first (one list after
	// the expiry still names them: RFC 5280 section 3.3).
	Entries(ctx context.Context, issuer string, shard int, since time.Time) ([]pki.Entry, error)
	// CRL returns the newest list of a shard.
	CRL(ctx context.Context, issuer string, shard int) (pki.CRL, error)
	// CRLsDue returns the shards whose list is missing, stale, or has a NextUpdate at or before the given time, without
	// the lists' bytes.
	CRLsDue(ctx context.Context, before time.Time) ([]pki.CRL, error)
	// SaveCRL replaces the list of a shard, guarded by Number = the stored number + 1: Conflict otherwise. The shard stays
	// stale when the list lacks something: entries is the number of lines that it has, all of those that Entries returned
	// for since, and a revocation that was stored in between makes a difference, whatever its date. After a
	// reason was changed the next list leaves the shard stale too.
	SaveCRL(ctx context.Context, crl pki.CRL, since time.Time, entries int, e event.Event) error
}

// Renewals keeps what operators say about when certificates are renewed.
type Renewals interface {
	// CreateOverride stores an override, unless so many others are in force: Conflict then.
	CreateOverride(ctx context.Context, o ari.Override, most int, e event.Event) error
	// Overrides returns the overrides in force, newest first; with ended set, those that have ended too.
	Overrides(ctx context.Context, ended bool) ([]ari.Override, error)
	// EndOverride ends an override at a time, and returns it as it is afterwards. Ending an ended one changes nothing and is no error.
	EndOverride(ctx context.Context, id string, at time.Time, e event.Event) (ari.Override, error)
	// CountCertificates returns how many certificates a filter selects, without regard to its page, at most so many. It may
	// read the whole inventory.
	CountCertificates(ctx context.Context, f CertificateFilter, most int) (int, error)
}

// Limits keeps what was taken of limits. A method that takes charges judges all of them in its own transaction, as
// limit.Judge does, by the time at which its object was created: either each is taken, or the method is refused and none is. Of many
// parallel callers no more get through than the limits allow.
type Limits interface {
	// Levels returns what is kept of limits at a connector, the newest arrival first, at most most: of one kind ("" for
	// all), of which something is not earned again at now or failures in a row are remembered.
	Levels(ctx context.Context, connector string, kind limit.Kind, now time.Time, most int) ([]limit.Level, error)
	// Level returns what is kept of one limit; what nobody took anything of is empty and no error.
	Level(ctx context.Context, connector string, key limit.Key) (limit.Level, error)
	// ResetLevel forgets what was taken of a limit, failures in a row included. NotFound when nothing is kept of it.
	ResetLevel(ctx context.Context, connector string, key limit.Key, e event.Event) error
}

// CertificateFilter selects certificates; zero fields select everything.
type CertificateFilter = pki.Filter

// Declarations keeps what an operator declares.
type Declarations interface {
	Organisations
	Issuers
	Profiles
	Connectors
	Credentials
	Perspectives
	Settings
}

// Organisations keeps organisations.
type Organisations interface {
	// CreateOrganisation stores an organisation; Conflict when the name is taken.
	CreateOrganisation(ctx context.Context, o policy.Organisation, e event.Event) error
	// Organisations returns all organisations, by name.
	Organisations(ctx context.Context) ([]policy.Organisation, error)
}

// Issuers keeps issuers and the shards of their revocation lists.
type Issuers interface {
	// CreateIssuer stores an issuer with its first shard, which takes i.Room certificates.
	CreateIssuer(ctx context.Context, i pki.Issuer, e event.Event) error
	// Issuer returns an issuer by id.
	Issuer(ctx context.Context, id string) (pki.Issuer, error)
	// Issuers returns all issuers, newest first.
	Issuers(ctx context.Context) ([]pki.Issuer, error)
	// OpenShard gives an issuer a new shard for room certificates, which new ones join from then on, guarded by s.Number =
	// the newest number + 1: Conflict otherwise.
	OpenShard(ctx context.Context, issuer string, s pki.Shard, room int) error
}

// Profiles keeps profiles, whose versions never change.
type Profiles interface {
	// SaveProfile stores a new version of a profile, guarded by p.Version = the newest version + 1: Conflict otherwise.
	SaveProfile(ctx context.Context, p pki.Profile, e event.Event) error
	// Profile returns a profile version by id.
	Profile(ctx context.Context, id string) (pki.Profile, error)
	// Profiles returns the newest version of each profile of an organisation ("" for all), by name.
	Profiles(ctx context.Context, organisation string) ([]pki.Profile, error)
}

// Connectors keeps connectors.
type Connectors interface {
	// CreateConnector stores a connector; Conflict when the name is taken in the installation.
	CreateConnector(ctx context.Context, c policy.Connector, e event.Event) error
	// ConnectorByName returns a connector by its name.
	ConnectorByName(ctx context.Context, name string) (policy.Connector, error)
	// Connector returns a connector by its id.
	Connector(ctx context.Context, id string) (policy.Connector, error)
	// Connectors returns all connectors, by name.
	Connectors(ctx context.Context) ([]policy.Connector, error)
	// SetRules replaces the rules of a connector, guarded by the old ones: Conflict when it has others by now.
	SetRules(ctx context.Context, connector string, old, rules policy.Rules, e event.Event) error
	// SuspendConnector suspends a connector at the given time; the zero time resumes it.
	SuspendConnector(ctx context.Context, connector string, at time.Time, e event.Event) error
}

// Credentials keeps credentials.
type Credentials interface {
	// CreateCredential stores a credential; Conflict when the connector has one of that name.
	CreateCredential(ctx context.Context, c policy.Credential, e event.Event) error
	// Credential returns a credential by its id.
	Credential(ctx context.Context, id string) (policy.Credential, error)
	// Credentials returns the credentials of a connector ("" for all), by name.
	Credentials(ctx context.Context, connector string) ([]policy.Credential, error)
	// SetTerms replaces the terms of a credential, guarded by the old ones: Conflict when it has others by now, or when the
	// connector has another credential of the new name.
	SetTerms(ctx context.Context, credential string, old, terms policy.Terms, e event.Event) error
	// RotateCredential replaces the sealed key of a credential, guarded by the old one, and keeps former beside it:
	// Conflict when it has another key by now.
	RotateCredential(ctx context.Context, credential string, old, sealed []byte, former policy.Former, e event.Event) error
	// SuspendCredential suspends a credential at the given time; the zero time resumes it, unless a demand on it is open:
	// Conflict. What is written for its accounts after it returns is refused as Unauthorized. With d it records the demand as well.
	SuspendCredential(ctx context.Context, credential string, at time.Time, d *pki.Demand, e event.Event) error
	// DeleteCredential removes a credential. Its accounts stay, and stay tied to it: they are stopped for good. With d it
	// records the demand as well.
	DeleteCredential(ctx context.Context, credential string, d *pki.Demand, e event.Event) error
	Demands
}

// Demands keeps what is to be revoked of credentials that were stopped: one demand for each, the last. One that is open
// stays as it is when it is recorded again.
type Demands interface {
	// Demand returns the last demand on a credential.
	Demand(ctx context.Context, credential string) (pki.Demand, error)
	// OpenDemands returns the demands that have not ended.
	OpenDemands(ctx context.Context) ([]pki.Demand, error)
	// IssuesFor reports whether an issuance for an account that came in by a credential is under way. While the credential
	// is stopped no other begins.
	IssuesFor(ctx context.Context, credential string) (bool, error)
	// Unrevoked returns certificates of the accounts that came in by a credential that are neither revoked nor expired at
	// now, by account and id, at most limit, behind the given one (the zero certificate for the start).
	Unrevoked(ctx context.Context, credential string, after pki.Certificate, now time.Time, limit int) ([]pki.Certificate, error)
	// RevokeDemanded revokes the certificate that each event tells of, at its time and for the reason of the demand on the
	// credential, as Revoke does, and counts them there. Those that are revoked already are left as they are, without
	// their event. It returns how many it revoked. NotFound without a demand.
	RevokeDemanded(ctx context.Context, credential string, events []event.Event) (int, error)
	// EndDemand ends the demand on a credential. Conflict when it had ended.
	EndDemand(ctx context.Context, credential string, e event.Event) error
}

// Perspectives keeps the validators on other machines.
type Perspectives interface {
	// CreatePerspective stores a perspective; Conflict when the name is taken.
	CreatePerspective(ctx context.Context, p policy.Perspective, e event.Event) error
	// PerspectiveByName returns a perspective by its name.
	PerspectiveByName(ctx context.Context, name string) (policy.Perspective, error)
	// Perspectives returns all perspectives, by name.
	Perspectives(ctx context.Context) ([]policy.Perspective, error)
	// DeletePerspective removes a perspective; Conflict while the quorum of a connector names it.
	DeletePerspective(ctx context.Context, perspective string, e event.Event) error
}

// Settings keeps process-wide values.
type Settings interface {
	// Setting returns a process-wide value kept in the database; "" when it was never set.
	Setting(ctx context.Context, name string) (string, error)
	// PutSetting stores a value.
	PutSetting(ctx context.Context, name, value string) error
}

// Log is the list of events.
type Log interface {
	// Events returns events, newest first, at most limit, older than the id before; object "" selects all.
	Events(ctx context.Context, object, before string, limit int) ([]event.Event, error)
	// LastEvent returns when the newest event happened; the zero time without one. Once dates were accepted, it is the
	// newest of the acceptance and of what was written after it.
	LastEvent(ctx context.Context) (time.Time, error)
	// AcceptClock records that the operator accepts the dates of all events that the log has by now, though a clock that was
	// ahead gave them. Nothing goes on by such dates: lists that bear one are stale, every proof of control ends, and what is
	// under way counts as begun, and an override in force as made, no later than now. The event is event.ClockAccepted, by the clock that counts from then on.
	AcceptClock(ctx context.Context, e event.Event) error
}

// Maintenance keeps the store bounded, safe and honest.
type Maintenance interface {
	// Trim deletes, in one small transaction, at most limit rows that have outlived their use: orders that ended before the
	// given time without a certificate or whose certificate expired before it, limits of which all is earned again since
	// before it, authorizations that ended before it and that no order names any more, abandoned intents whose certificate would have expired before it, and events before it
	// that are routine (see event.Action.Routine). An order that an authorization or the end of its account made invalid counts as
	// ended when it expires. It returns how many; fewer than limit means that nothing is left.
	Trim(ctx context.Context, before time.Time, limit int) (int, error)
	// Backup writes a consistent copy of the whole store to a new file while the server runs: whole, verified, durable and
	// readable by its owner alone, or not there. Conflict when the name exists.
	Backup(ctx context.Context, path string) error
	// Check verifies the whole store: the engine's own integrity check, and the invariants of the domain (no certificate
	// without its event, no order with two certificates, every certificate under a known issuer and parsable with the recorded facts, no
	// serial number twice, no certificate in use with a blocked key that Compromised misses, no intent older than stuck that
	// has not ended). It returns one sentence for each finding, perhaps not all of very many; none means sound. Its context
	// can end it.
	Check(ctx context.Context, stuck time.Time) ([]string, error)
	// Ping answers nil when the store can write.
	Ping(ctx context.Context) error
	// Close waits for the writes that were accepted and releases the store; later calls get Unavailable. A second Close
	// does nothing.
	Close() error
}
