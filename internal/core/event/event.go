// Package event is the vocabulary of the log: one thing that happened, to what, by whom, with what result.
package event

import (
	"strings"
	"time"
)

// Action says what happened. The text is stable: it is stored and searched.
type Action string

// The actions.
const (
	AccountCreated           Action = "account.created"
	AccountUpdated           Action = "account.updated"
	AccountKeyChanged        Action = "account.key-changed"
	AccountDeactivated       Action = "account.deactivated"
	AccountRevoked           Action = "account.revoked"
	OrderCreated             Action = "order.created"
	OrderFailed              Action = "order.failed"
	OrderRefused             Action = "order.refused"
	AuthorizationCreated     Action = "authorization.created"
	AuthorizationValid       Action = "authorization.valid"
	AuthorizationInvalid     Action = "authorization.invalid"
	AuthorizationDeactivated Action = "authorization.deactivated"
	CertificateIssued        Action = "certificate.issued"
	CertificateRevoked       Action = "certificate.revoked"
	KeysBlocked              Action = "keys.blocked"
	CRLPublished             Action = "crl.published"
	RenewalOverridden        Action = "renewal.overridden"
	RenewalRestored          Action = "renewal.restored"
	OrganisationCreated      Action = "organisation.created"
	IssuerCreated            Action = "issuer.created"
	ProfileSaved             Action = "profile.saved"
	ConnectorSaved           Action = "connector.saved"
	CredentialCreated        Action = "credential.created"
	CredentialSuspended      Action = "credential.suspended"
	CredentialResumed        Action = "credential.resumed"
	CredentialDeleted        Action = "credential.deleted"
	CredentialSaved          Action = "credential.saved"
	CredentialRotated        Action = "credential.rotated"
	CredentialCleared        Action = "credential.cleared" // its certificates are revoked, as was demanded
	PerspectiveCreated       Action = "perspective.created"
	PerspectiveDeleted       Action = "perspective.deleted"
	ClockAccepted            Action = "clock.accepted"
	LimitPaused              Action = "limit.paused"
	LimitResumed             Action = "limit.resumed"
	LimitReset               Action = "limit.reset"
	LimitOverridden          Action = "limit.overridden"
)

// Routine reports whether events of this kind leave by retention: they tell of orders and authorizations, which leave
// too, of pauses, which end, and of revocation lists, whose newest alone is kept. What tells of certificates, accounts and operators stays for ever.
func (a Action) Routine() bool {
	return a == CRLPublished || a == LimitPaused || strings.HasPrefix(string(a), "order.") || strings.HasPrefix(string(a), "authorization.")
}

// Event is one entry of the log. It is written in the same transaction as what it tells of.
type Event struct {
	ID           string
	At           time.Time
	Organisation string
	Actor        string // "account:ID", "admin:NAME", "system"
	Action       Action
	Object       string // id of what it happened to
	Detail       string // one short public sentence or value; never a secret
}
