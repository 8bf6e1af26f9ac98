// Package fault is the error vocabulary below the doors.
//
// An error that a requester may learn about carries a [Kind] and a public sentence; everything else is
// internal: it is logged in full and the requester sees a fixed text. Doors turn kinds into what their
// protocol says (ACME: problem documents, RFC 8555 section 6.7); nothing below a door knows a protocol's error types.
package fault

import (
	"errors"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// Kind says what class of failure an error is. The zero value is Internal.
type Kind string

// The kinds. Each names the reason, not the reply: the doors decide status codes.
const (
	Internal                Kind = ""
	Malformed               Kind = "malformed"               // the request cannot be understood
	Unauthorized            Kind = "unauthorized"            // understood, and not allowed to this requester
	NotFound                Kind = "not found"               // no such object, or none that the requester may know of
	Conflict                Kind = "conflict"                // another writer was first
	NotReady                Kind = "not ready"               // the order's status does not allow the act
	Unavailable             Kind = "unavailable"             // try again later; the outcome may be unknown
	RateLimited             Kind = "rate limited"            // too much; RetryAfter says when
	BadNonce                Kind = "bad nonce"               // anti-replay refused the request
	BadSignatureAlgorithm   Kind = "bad signature algorithm" // the JWS algorithm is not supported
	BadPublicKey            Kind = "bad public key"          // the key is refused by key policy
	BadCSR                  Kind = "bad CSR"                 // the certificate request is refused
	BadRevocationReason     Kind = "bad revocation reason"   // the reason code is not allowed
	AlreadyRevoked          Kind = "already revoked"         // nothing left to revoke
	AlreadyReplaced         Kind = "already replaced"        // another order replaces that certificate
	NoAccount               Kind = "no account"              // the account does not exist
	ExternalAccountRequired Kind = "external account needed" // newAccount without external account binding
	InvalidContact          Kind = "invalid contact"         // a contact URL cannot be used
	UnsupportedContact      Kind = "unsupported contact"     // a contact scheme is not supported
	UserActionRequired      Kind = "user action required"    // a person has to act, e.g. agree to the terms of service
	InvalidProfile          Kind = "invalid profile"         // the profile is unknown or not allowed here
	RejectedIdentifier      Kind = "rejected identifier"     // policy refuses the identifier
	UnsupportedIdentifier   Kind = "unsupported identifier"  // the type of identifier is not supported
	CAA                     Kind = "caa"                     // CAA records forbid the issuance
	Connection              Kind = "connection"              // validation could not connect
	DNS                     Kind = "dns"                     // validation could not resolve
	TLS                     Kind = "tls"                     // validation met a TLS error
	IncorrectResponse       Kind = "incorrect response"      // validation saw an answer, and a wrong one
	NotServed               Kind = "not served"              // method, media type or path outside the protocol
)

// Error is a failure that a requester may learn about.
type Error struct {
	Kind       Kind
	Public     string        // one sentence or two: what, why, next step; never internals
	Cause      error         // for the log only
	RetryAfter time.Duration // zero: nothing to say
	Subs       []Sub         // failures of single identifiers
	Algorithms []string      // with BadSignatureAlgorithm: what is supported
	Location   string        // with Conflict on a key change: id of the account that has the key
}

// Sub is the part of a failure that concerns one identifier (RFC 8555 section 6.7.1).
type Sub struct {
	Kind       Kind
	Public     string
	Identifier ident.Identifier
}

// New returns an error of a kind with a public sentence.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Public: fmt.Sprintf(format, args...)}
}

// Wrap is New with a cause, which is logged and never shown.
func Wrap(cause error, kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Public: fmt.Sprintf(format, args...), Cause: cause}
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.Public, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Public)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind that err carries; Internal when it carries none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Sentence returns the public sentence of err; "" when it carries none.
func Sentence(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Public
	}
	return ""
}

// Is reports whether err carries the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
