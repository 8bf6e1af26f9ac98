package adminapi

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
)

// Account is an ACME account.
type Account struct {
	ID          string    `json:"id"`
	Connector   string    `json:"connector"` // its name
	Status      string    `json:"status"`
	Contacts    []string  `json:"contacts"`
	Algorithm   string    `json:"algorithm"`  // JWS algorithm of the key
	Thumbprint  string    `json:"thumbprint"` // of the key, RFC 7638
	Credential  string    `json:"credential,omitempty"`
	Created     time.Time `json:"created"`
	TermsAgreed time.Time `json:"terms_agreed,omitzero"`
	Deactivated time.Time `json:"deactivated,omitzero"`
	Revoked     time.Time `json:"revoked,omitzero"`
}

// Accounts is a page.
type Accounts struct {
	Accounts []Account `json:"accounts"`
	Next     string    `json:"next,omitempty"`
}

// Record is a TXT record that proves, for one account, control of a name.
type Record struct {
	Method string `json:"method"`
	Name   string `json:"name"`            // where it is to stand
	Value  string `json:"value,omitempty"` // absent: each challenge has another one
}

// Records is a list.
type Records struct {
	Records []Record `json:"records"`
}

// Order is an ACME order.
type Order struct {
	ID             string          `json:"id"`
	Connector      string          `json:"connector"` // its name
	Account        string          `json:"account"`
	Profile        string          `json:"profile"`
	Status         string          `json:"status"`
	Names          []string        `json:"names"`
	Created        time.Time       `json:"created"`
	Expires        time.Time       `json:"expires"`
	NotBefore      time.Time       `json:"not_before,omitzero"` // as the client asked
	NotAfter       time.Time       `json:"not_after,omitzero"`
	Finalized      time.Time       `json:"finalized,omitzero"`
	Certificate    string          `json:"certificate,omitempty"` // id
	Replaces       string          `json:"replaces,omitempty"`    // id of the certificate whose place the new one takes
	Failure        *acme.Failure   `json:"failure,omitempty"`
	Authorizations []Authorization `json:"authorizations,omitempty"` // only where one order is shown
	CAA            []Check         `json:"caa,omitempty"`            // likewise: what CAA records said when it was refused, or when its issuance began
	Timeline       []Moment        `json:"timeline,omitempty"`       // likewise: what happened, the oldest first
}

// Moment is one thing that happened to an order.
type Moment struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// Orders is a page.
type Orders struct {
	Orders []Order `json:"orders"`
	Next   string  `json:"next,omitempty"`
}

// Authorization is the proof of control of one name, with the evidence.
type Authorization struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"` // a wildcard with its "*."
	Status     string         `json:"status"`
	Created    time.Time      `json:"created"`
	Expires    time.Time      `json:"expires"`
	Approval   *acme.Approval `json:"approval,omitempty"` // set: by the word of the operator it is valid without a challenge
	Challenges []Challenge    `json:"challenges"`
}

// Challenge is one way of proof, with what every attempt saw.
type Challenge struct {
	Method    string        `json:"method"`
	Status    string        `json:"status"`
	Begun     time.Time     `json:"begun,omitzero"`
	Validated time.Time     `json:"validated,omitzero"`
	Failure   *acme.Failure `json:"failure,omitempty"` // as the client is told: that of the last attempt
	Attempts  []Attempt     `json:"attempts"`
}

// Check is what CAA records said of one name.
type Check struct {
	Name     string        `json:"name"`             // a wildcard with its "*."
	Method   string        `json:"method,omitempty"` // by which control was proven
	Failure  *acme.Failure `json:"failure,omitempty"`
	Attempts []Attempt     `json:"attempts"`
}

// Attempt is an [acme.Attempt]; it is converted from one.
type Attempt struct {
	At          time.Time      `json:"at"`
	Duration    acme.Duration  `json:"duration_ms"`
	Perspective string         `json:"perspective,omitempty"`
	Lookups     []acme.Lookup  `json:"lookups,omitempty"`
	Hops        []acme.Hop     `json:"hops,omitempty"`
	Seen        string         `json:"seen"` // for the operator only; a failure says less where a redirect led to another host
	Reports     []string       `json:"reports,omitempty"`
	Grant       *persist.Grant `json:"grant,omitempty"` // the record of dns-persist-01 that was found good
	Failure     *acme.Failure  `json:"failure,omitempty"`
	Retryable   bool           `json:"retryable,omitzero"`
}

// Certificate is what was signed.
type Certificate struct {
	ID          string    `json:"id"`
	Serial      string    `json:"serial"`
	Names       []string  `json:"names"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"` // the last second of validity
	Status      string    `json:"status"`    // valid, revoked or expired
	RevokedAt   time.Time `json:"revoked_at,omitzero"`
	Reason      string    `json:"reason,omitempty"` // of the revocation, as RFC 5280 names it
	Profile     string    `json:"profile"`
	Connector   string    `json:"connector,omitempty"` // its name; absent on what the installation issued to itself
	Account     string    `json:"account,omitempty"`
	Order       string    `json:"order,omitempty"`
	Issuer      string    `json:"issuer"` // its name
	IssuerID    string    `json:"issuer_id"`
	Fingerprint string    `json:"fingerprint"`
	Issued      time.Time `json:"issued"`
	Replaces    string    `json:"replaces,omitempty"`    // id of the certificate whose place it took
	ReplacedBy  string    `json:"replaced_by,omitempty"` // id of the one that took its place; only where one certificate is shown
	Warnings    []string  `json:"warnings,omitempty"`    // what lint warned of before it was signed, "rule: sentence" each
	PEM         string    `json:"pem,omitempty"`         // with its chain, the root left out; only where one certificate is shown
}

// Certificates is a page.
type Certificates struct {
	Certificates []Certificate `json:"certificates"`
	Next         string        `json:"next,omitempty"`
}

// CertificateFilter selects certificates; zero fields select everything.
type CertificateFilter struct {
	Name          string // exact name or address, or ".example.com" for every name below it
	Connector     string // name
	Account       string // id
	Credential    string // id: of the accounts that came in by it
	Order         string // id
	Profile       string // name
	Issuer        string // id, or name for all issuers that had it
	IssuedBefore  time.Time
	IssuedAfter   time.Time
	ExpiresBefore time.Time
	ExpiresAfter  time.Time
	Revoked       bool // only revoked ones
	Page
}

// Revocation asks for the end of a certificate.
type Revocation struct {
	Reason string `json:"reason,omitempty"` // name or code of RFC 5280 section 5.3.1; "": unspecified
}

// RevokedCertificate is a certificate after its revocation was asked for.
type RevokedCertificate struct {
	Certificate
	Changed bool `json:"changed"` // false: it was revoked before, with this date and reason, and nothing was to do
}

// BlockKeys names keys that are never to be certified again: by their hashes, or by a certificate that has the key.
type BlockKeys struct {
	Keys        []string `json:"keys,omitempty"`        // SHA-256 of the SubjectPublicKeyInfo, in hexadecimal
	Certificate string   `json:"certificate,omitempty"` // serial number or id
}

// KeysBlocked is what became of them.
type KeysBlocked struct {
	Added int `json:"added"` // were not blocked before
	Known int `json:"known"` // were
}

// BlockedKey is a key that is never certified.
type BlockedKey struct {
	Key   string    `json:"key"` // SHA-256 of the SubjectPublicKeyInfo
	Since time.Time `json:"since"`
}

// BlockedKeys is a page, in the order of the hashes.
type BlockedKeys struct {
	Keys []BlockedKey `json:"keys"`
	Next string       `json:"next,omitempty"`
}

// Clock is how the clock of the server stood to its log.
type Clock struct {
	Now      time.Time `json:"now"`             // by the clock
	Newest   time.Time `json:"newest,omitzero"` // date of the newest event that counted
	Accepted bool      `json:"accepted"`        // false: the clock did not stand before it, and nothing was to do
}

// Event is one entry of the log.
type Event struct {
	ID           string    `json:"id"`
	At           time.Time `json:"at"`
	Organisation string    `json:"organisation,omitempty"` // its name
	Actor        string    `json:"actor"`
	Action       string    `json:"action"`
	Object       string    `json:"object,omitempty"` // id
	Detail       string    `json:"detail,omitempty"`
}

// Events is a page.
type Events struct {
	Events []Event `json:"events"`
	Next   string  `json:"next,omitempty"`
}
