// Package policy says who may ask for what: organisations, connectors with their rules, and credentials.
// Its decisions are pure and carry their reasons.
package policy

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Organisation is the tenant. Everything below belongs to exactly one.
type Organisation struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

// Kind is the protocol of a connector.
type Kind string

// KindACME is RFC 8555.
const KindACME Kind = "acme"

// Connector is a door: one enrolment endpoint with its rules. Its name is unique in the installation, stands in
// URLs, and never changes.
type Connector struct {
	ID           string    `json:"id"`
	Organisation string    `json:"organisation"`
	Name         string    `json:"name"`
	Kind         Kind      `json:"kind"`
	Created      time.Time `json:"created"`
	Suspended    time.Time `json:"suspended,omitzero"`
	Rules        Rules     `json:"rules"`
}

// Rules is what an operator declares for a connector.
type Rules struct {
	Profiles        []string      `json:"profiles"`                   // names of the profiles on offer; the first is the default
	Names           []string      `json:"names,omitempty"`            // what may be certified, see Pattern; empty: everything
	Methods         []acme.Method `json:"methods,omitempty"`          // challenges on offer; empty: DefaultMethods
	ExternalBinding bool          `json:"external_binding"`           // newAccount needs an EAB credential
	TermsOfService  string        `json:"terms_of_service,omitempty"` // URL; set: newAccount must agree
	Website         string        `json:"website,omitempty"`          // URL
	CAAIdentities   []string      `json:"caa_identities,omitempty"`   // names in CAA records that mean this CA; empty: CAA is not checked
	CAAMayFail      bool          `json:"caa_may_fail,omitzero"`      // a CAA look-up that fails is passed over where DNSSEC proves that the zone is unsigned
	MaxIdentifiers  int           `json:"max_identifiers"`            // in one order
	Addresses       Addresses     `json:"addresses"`                  // where validation may connect
	Quorum          Quorum        `json:"quorum,omitzero"`            // from where a proof must be seen
	OrderLife       span.Span     `json:"order_life"`                 // until an order that is not finalized ends
	ReuseLife       span.Span     `json:"reuse_life"`                 // how long a proven authorization may be used
	PreAuthorize    bool          `json:"pre_authorize"`              // newAuthz is offered
	NotBeforeAfter  bool          `json:"not_before_after"`           // orders may ask for notBefore and notAfter
	Limits          limit.Limits  `json:"limits,omitzero"`            // how much of what in which time
	Persist         Persist       `json:"persist,omitzero"`           // how dns-persist-01 is offered, where Methods names it
	Subdomains      Subdomains    `json:"subdomains,omitempty"`       // what a proof at a name covers below it
}

// DefaultRules returns the rules that a connector starts with.
func DefaultRules(profiles ...string) Rules {
	return Rules{
		Profiles:       profiles,
		MaxIdentifiers: 100,
		Addresses:      Addresses{Private: true},
		OrderLife:      span.Day,
		ReuseLife:      span.Day,
		PreAuthorize:   true,
		NotBeforeAfter: true,
	}
}
