package problem

import (
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// The types that are sent. "Servers MUST NOT use the ACME URN namespace for errors not listed in the appropriate IANA
// registry" (RFC 8555 section 6.7, whose table has them all where nothing else is said).
const (
	AccountDoesNotExist     Type = "accountDoesNotExist"
	AlreadyReplaced         Type = "alreadyReplaced" // RFC 9773 section 7.4
	AlreadyRevoked          Type = "alreadyRevoked"
	BadCSR                  Type = "badCSR"
	BadNonce                Type = "badNonce"
	BadPublicKey            Type = "badPublicKey"
	BadRevocationReason     Type = "badRevocationReason"
	BadSignatureAlgorithm   Type = "badSignatureAlgorithm"
	CAA                     Type = "caa"
	Connection              Type = "connection"
	DNS                     Type = "dns"
	ExternalAccountRequired Type = "externalAccountRequired"
	IncorrectResponse       Type = "incorrectResponse"
	InvalidContact          Type = "invalidContact"
	InvalidProfile          Type = "invalidProfile" // draft-ietf-acme-profiles
	Malformed               Type = "malformed"
	OrderNotReady           Type = "orderNotReady"
	RateLimited             Type = "rateLimited"
	RejectedIdentifier      Type = "rejectedIdentifier"
	ServerInternal          Type = "serverInternal"
	TLS                     Type = "tls"
	Unauthorized            Type = "unauthorized"
	UnsupportedContact      Type = "unsupportedContact"
	UnsupportedIdentifier   Type = "unsupportedIdentifier"
	UserActionRequired      Type = "userActionRequired"
)

// Answer is what a kind of failure becomes for a requester.
type Answer struct {
	Kind   fault.Kind
	Type   Type
	Status int
}

// Answers returns the whole table, one line for each kind.
//
// Statuses that RFC 8555 fixes: 403 for orderNotReady (section 7.4), 403 for an identifier that the server is
// unwilling to certify (section 7.4.1), 409 for a key that has an account (section 7.3.5). The others follow HTTP.
func Answers() []Answer {
	return []Answer{
		{fault.Internal, ServerInternal, http.StatusInternalServerError},
		{fault.Malformed, Malformed, http.StatusBadRequest},
		{fault.Unauthorized, Unauthorized, http.StatusForbidden},
		{fault.NotFound, Malformed, http.StatusNotFound},
		{fault.Conflict, Malformed, http.StatusConflict},
		{fault.NotReady, OrderNotReady, http.StatusForbidden},
		{fault.Unavailable, ServerInternal, http.StatusServiceUnavailable},
		{fault.RateLimited, RateLimited, http.StatusTooManyRequests},
		{fault.BadNonce, BadNonce, http.StatusBadRequest},
		{fault.BadSignatureAlgorithm, BadSignatureAlgorithm, http.StatusBadRequest},
		{fault.BadPublicKey, BadPublicKey, http.StatusBadRequest},
		{fault.BadCSR, BadCSR, http.StatusBadRequest},
		{fault.BadRevocationReason, BadRevocationReason, http.StatusBadRequest},
		{fault.AlreadyRevoked, AlreadyRevoked, http.StatusBadRequest},
		{fault.AlreadyReplaced, AlreadyReplaced, http.StatusConflict},
		{fault.NoAccount, AccountDoesNotExist, http.StatusBadRequest},
		{fault.ExternalAccountRequired, ExternalAccountRequired, http.StatusForbidden},
		{fault.InvalidContact, InvalidContact, http.StatusBadRequest},
		{fault.UnsupportedContact, UnsupportedContact, http.StatusBadRequest},
		{fault.UserActionRequired, UserActionRequired, http.StatusForbidden},
		{fault.InvalidProfile, InvalidProfile, http.StatusBadRequest},
		{fault.RejectedIdentifier, RejectedIdentifier, http.StatusForbidden},
		{fault.UnsupportedIdentifier, UnsupportedIdentifier, http.StatusBadRequest},
		{fault.CAA, CAA, http.StatusForbidden},
		{fault.Connection, Connection, http.StatusBadRequest},
		{fault.DNS, DNS, http.StatusBadRequest},
		{fault.TLS, TLS, http.StatusBadRequest},
		{fault.IncorrectResponse, IncorrectResponse, http.StatusForbidden},
		{fault.NotServed, Malformed, http.StatusNotFound},
	}
}

// lookUp returns the line of a kind; an unknown kind is answered as Internal.
func lookUp(kind fault.Kind) Answer {
	answers := Answers()
	for _, a := range answers {
		if a.Kind == kind {
			return a
		}
	}
	return answers[0]
}
