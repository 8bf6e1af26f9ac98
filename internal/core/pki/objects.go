// Package pki holds the rules of certificates as pure functions: profiles, key policy, requests, the to-be-signed
// form, revocation lists. It never signs and never reads a clock.
package pki

import (
	"context"
	"crypto"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Issuer is a CA certificate, able to sign where its key is at hand. Issuers of one name succeed each other: a
// profile names the issuer by name, and the newest that is in service signs.
type Issuer struct {
	ID           string    `json:"id"`
	Organisation string    `json:"organisation"`
	Name         string    `json:"name"`
	Parent       string    `json:"parent,omitempty"` // id of the issuer that signed it; "" for a root
	Certificate  []byte    `json:"certificate"`      // DER
	Key          string    `json:"key,omitempty"`    // name in the keyring; "" when the key is not on this machine
	Created      time.Time `json:"created"`
	NotBefore    time.Time `json:"not_before"`
	NotAfter     time.Time `json:"not_after"`
	Shard        Shard     `json:"shard"` // the CRL shard that new certificates join
	Room         int       `json:"room"`  // how many more certificates it takes
}

// IsRoot reports whether the issuer signed itself.
func (i Issuer) IsRoot() bool { return i.Parent == "" }

// Shard is one part of an issuer's revocation list. The URL stands in the certificates and in the list itself.
type Shard struct {
	Number int    `json:"number"` // from 1
	URL    string `json:"url"`
}

// The bound of a revocation list, and how many certificates a shard takes so that its list keeps it when all of them are
// revoked: at most 51 octets each (18 of the serial number, 17 of the date, 14 of the reason, 2 around them), and some for
// the rest of the list.
const (
	MaxCRL    = 1_000_000 // octets
	ShardRoom = 19_000
)

// CRL is the newest list of one shard.
type CRL struct {
	Issuer     string
	Shard      Shard
	Number     int64 // strictly increasing within the shard; 0: none was made yet
	ThisUpdate time.Time
	NextUpdate time.Time
	Stale      bool   // a revocation happened after the list was made
	DER        []byte // nil before the first
}

// Entry is one line of a CRL.
type Entry struct {
	Serial Serial
	At     time.Time
	Reason Reason
}

// Profile is one immutable version of what a certificate looks like. An order names a version.
type Profile struct {
	ID           string    `json:"id"`
	Organisation string    `json:"organisation"`
	Name         string    `json:"name"`
	Version      int       `json:"version"` // from 1
	Created      time.Time `json:"created"`
	Spec         Spec      `json:"spec"`
}

// Spec is what an operator declares for a profile.
type Spec struct {
	Description string    `json:"description"`      // shown in the directory
	Issuer      string    `json:"issuer"`           // name of the issuer
	Lifetime    span.Span `json:"lifetime"`         // validity, both ends included
	Backdate    span.Span `json:"backdate"`         // how far notBefore lies before the signing; part of Lifetime
	Keys        []KeyType `json:"keys"`             // subject keys that are accepted
	Usages      []Usage   `json:"usages"`           // extended key usages
	CommonName  bool      `json:"common_name"`      // put the first DNS name of at most 64 octets into the subject
	NoCRL       bool      `json:"no_crl,omitempty"` // short-lived: no distribution point
	OCSP        bool      `json:"ocsp,omitempty"`   // name the place that tells the status of one certificate
	Public      bool      `json:"public,omitempty"` // the rules of the CA/Browser Forum for TLS apply

	Lifetimes   []Lifetime  `json:"lifetimes,omitempty"`     // shorter ones that begin on a date, the earliest first
	KeyUsages   []KeyUsage  `json:"key_usages,omitempty"`    // empty: what TLS needs of the type of key
	Subject     []Field     `json:"subject,omitempty"`       // beside the common name
	Names       []string    `json:"names,omitempty"`         // what may be certified, as in a connector's rules; empty: everything
	Policies    []Policy    `json:"policies,omitempty"`      // certificate policies
	Extensions  []Extension `json:"extensions,omitempty"`    // added as they are
	NoIssuerURL bool        `json:"no_issuer_url,omitempty"` // leave out where the issuer's certificate is
}

// Lifetime is the validity that a profile gives from a date on.
type Lifetime struct {
	From     string    `json:"from"` // a date such as 2027-03-15, UTC
	Lifetime span.Span `json:"lifetime"`
}

// Usage is an extended key usage: one of those below, or an object identifier in dotted form.
type Usage string

// The usages that have a name.
const (
	ServerAuth Usage = "server-auth"
	ClientAuth Usage = "client-auth"
)

// Certificate is what was signed, for ever; or, inside an Intent, what is about to be.
type Certificate struct {
	ID           string
	Organisation string
	Connector    string // "" when the installation issued to itself
	Account      string
	Order        string
	Profile      string // id of the profile version
	ProfileName  string
	Issuer       string // id
	Serial       Serial
	Names        []ident.Identifier
	NotBefore    time.Time
	NotAfter     time.Time // the last second of validity
	KeyHash      KeyHash
	Shard        int // 0: no CRL lists it
	Issued       time.Time
	Warnings     []string // what lint warned of before it was signed
	DER          []byte
	Revoked      time.Time // zero: not revoked
	Reason       Reason
	Replaces     string // id of the certificate that this one took the place of (RFC 9773 section 5); "" when nobody said so
}

// Intent is a certificate that will be signed: recorded with the exact to-be-signed bytes before the key is used,
// so that a crash leaves something that can be finished, and a serial number never has two bodies.
type Intent struct {
	Certificate
	TBS        []byte // DER of the TBSCertificate
	Begun      time.Time
	Thumbprint string       // RFC 7638, of the subject key; "" for a key that no account can have. It is a guard, and not stored
	Checks     []acme.Check // what CAA records said of the names; it is stored with the order
}

// Request is one certificate to prepare.
type Request struct {
	Issuer    Issuer
	Spec      Spec
	Names     []ident.Identifier
	Subject   []Attribute // beside the common name
	PublicKey crypto.PublicKey
	Serial    Serial
	NotBefore time.Time
	NotAfter  time.Time // the last second of validity
	IssuerURL string    // caIssuers in the AIA extension; "" leaves it out
	OCSPURL   string    // likewise, for a profile with OCSP
}

// Prepared is a linted certificate that can be signed once: only linting makes one, so linting cannot be skipped.
type Prepared interface {
	// TBS returns the exact to-be-signed bytes that were linted.
	TBS() []byte
	// Warnings returns what lint warns of, "rule: sentence" each.
	Warnings() []string
	// Sign signs exactly those bytes, verifies the result under the issuer, and returns the certificate's DER. A second call is an error.
	Sign(ctx context.Context) ([]byte, error)
}

// CRLRequest is one revocation list to sign.
type CRLRequest struct {
	Issuer     Issuer
	Shard      Shard
	Number     int64
	ThisUpdate time.Time
	NextUpdate time.Time
	Entries    []Entry
}

// Filter selects certificates; zero fields select everything.
type Filter struct {
	Name          string    `json:"name,omitzero"`          // exact DNS name or address, or ".example.com" for every name below it
	Account       string    `json:"account,omitzero"`       // id
	Credential    string    `json:"credential,omitzero"`    // id: of all accounts that came in by it
	Connector     string    `json:"connector,omitzero"`     // id
	Order         string    `json:"order,omitzero"`         // id
	Profile       string    `json:"profile,omitzero"`       // name
	Issuers       []string  `json:"issuers,omitzero"`       // ids, of which one is the issuer
	Replaces      string    `json:"replaces,omitzero"`      // id of the certificate that they took the place of
	KeyHash       KeyHash   `json:"key_hash,omitzero"`      // of the subject key
	IssuedBefore  time.Time `json:"issued_before,omitzero"` // and not before IssuedAfter
	IssuedAfter   time.Time `json:"issued_after,omitzero"`
	ExpiresBefore time.Time `json:"expires_before,omitzero"` // and not yet expired at ExpiresAfter
	ExpiresAfter  time.Time `json:"expires_after,omitzero"`
	Revoked       bool      `json:"revoked,omitzero"` // only revoked ones
	Before        string    `json:"before,omitzero"`  // only older than this id: the last one of the page before
	Limit         int       `json:"limit,omitzero"`   // at most this many; 0 means 100
}
