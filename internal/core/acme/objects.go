// Package acme holds the objects of RFC 8555 as facts, their status derived from these facts and the time, and
// the only moves that may change them. It knows nothing of HTTP, JSON on the wire, storage or keys on disk.
package acme

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
)

// Status is a status of RFC 8555 section 7.1.6, equal to the text on the wire.
type Status string

// The statuses.
const (
	Pending     Status = "pending"
	Ready       Status = "ready"
	Processing  Status = "processing"
	Valid       Status = "valid"
	Invalid     Status = "invalid"
	Deactivated Status = "deactivated"
	Expired     Status = "expired"
	Revoked     Status = "revoked"
)

// Account is an account of RFC 8555 section 7.1.2.
type Account struct {
	ID          string
	Connector   string // id of the connector; an account exists at one connector only
	Key         jws.Key
	Former      []string // thumbprints of the keys that it had before, the latest first; see MaxFormer
	Contacts    []string
	TermsAgreed time.Time // zero: not agreed
	Credential  string    // id of the credential that it came in by; "" without one
	Binding     []byte    // the external account binding as presented; nil without one
	Created     time.Time
	Deactivated time.Time // by its owner
	Revoked     time.Time // by the operator
}

// MaxFormer is how many former keys of an account are remembered.
const MaxFormer = 256

// Rekey gives the account another key, and remembers the thumbprint of the one that it had.
func (a Account) Rekey(key jws.Key) Account {
	a.Former = append([]string{a.Key.Thumbprint()}, a.Former[:min(len(a.Former), MaxFormer-1)]...)
	a.Key = key
	return a
}

// Thumbprints returns those of all keys that the account has and had, the one of now first.
func (a Account) Thumbprints() []string { return append([]string{a.Key.Thumbprint()}, a.Former...) }

// Status derives the account's status.
func (a Account) Status() Status {
	switch {
	case !a.Revoked.IsZero():
		return Revoked
	case !a.Deactivated.IsZero():
		return Deactivated
	default:
		return Valid
	}
}

// Failure says why an object became invalid, in the terms of package fault. It is stored.
type Failure struct {
	Kind       string           `json:"kind"`
	Public     string           `json:"public"`
	Identifier ident.Identifier `json:"identifier,omitzero"`
	Subs       []Failure        `json:"subs,omitempty"`
}

// Challenge is a challenge of RFC 8555 section 7.1.5, as facts.
type Challenge struct {
	Method           Method         `json:"method"`
	Token            string         `json:"token,omitempty"`             // "" for a method without one
	KeyAuthorization string         `json:"key_authorization,omitempty"` // built when the client responded (section 8.1)
	Persist          *persist.Offer `json:"persist,omitempty"`           // what records dns-persist-01 accepts; nil for other methods
	Begun            time.Time      `json:"begun,omitzero"`              // the client responded; set only when the reply left earlier than the outcome
	Validated        time.Time      `json:"validated,omitzero"`
	Failure          *Failure       `json:"failure,omitempty"`
	Attempts         []Attempt      `json:"attempts,omitempty"`
}

// Status derives the challenge's status.
func (c Challenge) Status() Status {
	switch {
	case c.Failure != nil:
		return Invalid
	case !c.Validated.IsZero():
		return Valid
	case !c.Begun.IsZero():
		return Processing
	default:
		return Pending
	}
}

// Approval is the word of an operator for an identifier, by which an authorization is valid without a challenge
// (RFC 8555 section 7.5 leaves room for proofs outside ACME). It is stored.
type Approval struct {
	Credential string    `json:"credential"` // id of the credential that pre-approves the identifier
	Name       string    `json:"name"`       // of the credential, for people
	At         time.Time `json:"at"`
}

// Authorization is an authorization of RFC 8555 section 7.1.4, with its challenges, as facts.
// Identifier never carries the "*."; Wildcard says that the authorization covers it. Subdomains says that it covers the
// names below Identifier besides (RFC 9444); an authorization has at most one of the two.
type Authorization struct {
	ID          string
	Account     string
	Connector   string
	Identifier  ident.Identifier
	Wildcard    bool
	Subdomains  bool
	Created     time.Time
	Expires     time.Time // while pending: end of the offer; once valid: end of its use
	Deactivated time.Time
	Revoked     time.Time
	Approval    Approval    // fixed at creation; zero: control has to be proven
	Challenges  []Challenge // order and content are fixed at creation
}

// Approved reports whether the authorization rests on the word of an operator.
func (a Authorization) Approved() bool { return !a.Approval.At.IsZero() }

// Covers returns the identifier that the authorization proves control of, "*." included, whatever it covers besides.
func (a Authorization) Covers() ident.Identifier {
	if a.Wildcard {
		return a.Identifier.Wildcard()
	}
	return a.Identifier
}

// Proves reports whether control of what the authorization covers is control of id. Of the names below, wildcards are such
// names too.
func (a Authorization) Proves(id ident.Identifier) bool {
	return a.Covers() == id || a.Subdomains && id.Below(a.Identifier)
}

// Proof returns the challenge by which the authorization was proven; false when none was.
func (a Authorization) Proof() (Challenge, bool) {
	for _, c := range a.Challenges {
		if c.Status() == Valid {
			return c, true
		}
	}
	return Challenge{}, false
}

// Challenge returns the challenge of a method.
func (a Authorization) Challenge(m Method) (Challenge, bool) {
	for _, c := range a.Challenges {
		if c.Method == m {
			return c, true
		}
	}
	return Challenge{}, false
}

// Status derives the authorization's status at now. One failed challenge ends it (RFC 8555 section 7.1.6).
func (a Authorization) Status(now time.Time) Status {
	switch {
	case !a.Revoked.IsZero():
		return Revoked
	case !a.Deactivated.IsZero():
		return Deactivated
	}
	expired := !now.Before(a.Expires)
	validated := a.Approved()
	for _, c := range a.Challenges {
		switch c.Status() {
		case Invalid:
			return Invalid
		case Valid:
			validated = true
		}
	}
	switch {
	case validated && expired:
		return Expired
	case validated:
		return Valid
	case expired:
		return Invalid
	default:
		return Pending
	}
}

// Order is an order of RFC 8555 section 7.1.3, as facts. Identifiers and Authorizations never change.
type Order struct {
	ID             string
	Account        string
	Connector      string
	Profile        string // id of an immutable profile version
	ProfileName    string
	Identifiers    []ident.Identifier // sorted, without duplicates
	NotBefore      time.Time          // as the client asked; zero: not asked
	NotAfter       time.Time
	Created        time.Time
	Expires        time.Time
	Authorizations []string  // ids
	Begun          time.Time // finalize was accepted and an intent recorded
	Failure        *Failure
	Certificate    string // id of the certificate
	Replaces       string // id of the certificate whose place this one's takes (RFC 9773 section 5); "" when none was named
	ReplacesAs     string // how the client named it
}

// Status derives the order's status at now from its own facts and from its authorizations. Precedence: what was
// issued stays issued; a recorded failure is final; an accepted finalize runs to its end even past the expiry.
func (o Order) Status(authorizations []Authorization, now time.Time) Status {
	switch {
	case o.Certificate != "":
		return Valid
	case o.Failure != nil:
		return Invalid
	case !o.Begun.IsZero():
		return Processing
	case !now.Before(o.Expires):
		return Invalid
	}
	status := Ready
	for _, a := range authorizations {
		switch a.Status(now) {
		case Valid:
		case Pending:
			status = Pending
		default:
			return Invalid
		}
	}
	return status
}
