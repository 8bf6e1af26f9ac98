package adminapi

import (
	"net/netip"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Organisation is a tenant.
type Organisation struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

// Organisations is a list.
type Organisations struct {
	Organisations []Organisation `json:"organisations"`
}

// NewOrganisation asks for an organisation.
type NewOrganisation struct {
	Name string `json:"name"`
}

// Connector is a door with its rules.
type Connector struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Kind         string       `json:"kind"`
	Organisation string       `json:"organisation"` // its name
	Status       string       `json:"status"`       // active or suspended
	Created      time.Time    `json:"created"`
	Suspended    time.Time    `json:"suspended,omitzero"`
	Directory    string       `json:"directory,omitempty"` // URL; absent where nobody knows the server's address
	Rules        policy.Rules `json:"rules"`
	Warnings     []string     `json:"warnings,omitempty"` // what keeps it from issuing; not told in lists
}

// Connectors is a list.
type Connectors struct {
	Connectors []Connector `json:"connectors"`
}

// NewConnector asks for a connector. Rules that it does not name are those that a connector starts with.
type NewConnector struct {
	Name         string      `json:"name"`
	Kind         string      `json:"kind,omitempty"`         // "": acme
	Organisation string      `json:"organisation,omitempty"` // name; "": default
	Rules        RulesChange `json:"rules,omitzero"`
}

// RulesChange is the part of [policy.Rules] that is to change: nil leaves a rule as it is, an empty list empties it.
type RulesChange struct {
	Profiles        *[]string        `json:"profiles,omitzero"`
	Names           *[]string        `json:"names,omitzero"`
	Methods         *[]acme.Method   `json:"methods,omitzero"`
	ExternalBinding *bool            `json:"external_binding,omitzero"`
	TermsOfService  *string          `json:"terms_of_service,omitzero"`
	Website         *string          `json:"website,omitzero"`
	CAAIdentities   *[]string        `json:"caa_identities,omitzero"`
	CAAMayFail      *bool            `json:"caa_may_fail,omitzero"`
	MaxIdentifiers  *int             `json:"max_identifiers,omitzero"`
	Addresses       *AddressesChange `json:"addresses,omitzero"`
	Quorum          *QuorumChange    `json:"quorum,omitzero"`
	OrderLife       *span.Span       `json:"order_life,omitzero"`
	ReuseLife       *span.Span       `json:"reuse_life,omitzero"`
	PreAuthorize    *bool            `json:"pre_authorize,omitzero"`
	NotBeforeAfter  *bool            `json:"not_before_after,omitzero"`
	Limits          *LimitsChange    `json:"limits,omitzero"`

	Persist    *PersistChange     `json:"persist,omitzero"`
	Subdomains *policy.Subdomains `json:"subdomains,omitzero"`
}

// LimitsChange is the part of [limit.Limits] that is to change: kinds that Rates does not name stay as they are.
type LimitsChange struct {
	Rates     *map[limit.Kind]limit.Rate `json:"rates,omitzero"`
	Overrides *[]limit.Override          `json:"overrides,omitzero"`
}

// PersistChange is the part of [policy.Persist] that is to change.
type PersistChange struct {
	Draft     *persist.Draft `json:"draft,omitzero"`
	Issuers   *[]string      `json:"issuers,omitzero"`
	ReuseLife *span.Span     `json:"reuse_life,omitzero"`
}

// AddressesChange is the part of [policy.Addresses] that is to change.
type AddressesChange struct {
	Loopback *bool           `json:"loopback,omitzero"`
	Private  *bool           `json:"private,omitzero"`
	Allow    *[]netip.Prefix `json:"allow,omitzero"`
	Deny     *[]netip.Prefix `json:"deny,omitzero"`
}

// QuorumChange is the part of [policy.Quorum] that is to change.
type QuorumChange struct {
	Perspectives *[]string `json:"perspectives,omitzero"`
	Need         *int      `json:"need,omitzero"`
	Regions      *int      `json:"regions,omitzero"`
}

// Perspective is a validator on another machine.
type Perspective struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	URL     string    `json:"url"`
	Key     string    `json:"key"` // SHA-256 of its SubjectPublicKeyInfo, in hexadecimal
	Region  string    `json:"region,omitempty"`
	Created time.Time `json:"created"`
	Problem string    `json:"problem,omitempty"` // why it cannot be asked now
}

// Perspectives is a list.
type Perspectives struct {
	TrustedKey   string        `json:"trusted_key"` // by which validators know this installation
	Perspectives []Perspective `json:"perspectives"`
}

// NewPerspective asks for a perspective.
type NewPerspective struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Key    string `json:"key"`
	Region string `json:"region,omitempty"`
}

// Credential is what a requester shows at a connector, without its secret.
type Credential struct {
	ID          string       `json:"id"` // the kid of an EAB key
	Name        string       `json:"name"`
	Kind        string       `json:"kind"`
	Connector   string       `json:"connector"`    // its name
	Status      string       `json:"status"`       // active, suspended or expired; deleted in the answer to that
	MaxAccounts int          `json:"max_accounts"` // 0: any number
	Scope       policy.Scope `json:"scope"`
	Created     time.Time    `json:"created"`
	Expires     time.Time    `json:"expires,omitzero"`
	Suspended   time.Time    `json:"suspended,omitzero"`
	FormerUntil time.Time    `json:"former_until,omitzero"` // until then the key before the last rotation binds accounts too
	// Revocation is what was last demanded of its certificates, only where one credential is shown.
	Revocation *Demand `json:"revocation,omitempty"`
}

// Demand is how far the revocation of everything that came in by a credential is.
type Demand struct {
	Credential string    `json:"credential"` // id; it may be deleted
	Name       string    `json:"name"`
	Reason     string    `json:"reason"` // as RFC 5280 names it
	By         string    `json:"by"`     // who demanded it
	Asked      time.Time `json:"asked"`
	Revoked    int       `json:"revoked"`        // certificates so far
	Ended      time.Time `json:"ended,omitzero"` // absent: it goes on
}

// StopCredential says what goes with the end of a credential.
type StopCredential struct {
	Revoke bool   // everything that its accounts have is revoked
	Reason string // of that: name or code of RFC 5280 section 5.3.1; "": unspecified
}

// Credentials is a list.
type Credentials struct {
	Credentials []Credential `json:"credentials"`
}

// NewCredential asks for a key for external account binding.
type NewCredential struct {
	Name        string       `json:"name"`
	Connector   string       `json:"connector,omitempty"` // name; "": default
	MaxAccounts int          `json:"max_accounts,omitzero"`
	Expires     time.Time    `json:"expires,omitzero"`
	Scope       policy.Scope `json:"scope,omitzero"`
}

// TermsChange is the part of [policy.Terms] that is to change: nil leaves a term as it is, an empty list empties it.
type TermsChange struct {
	Name        *string     `json:"name,omitzero"`
	MaxAccounts *int        `json:"max_accounts,omitzero"`
	Expires     *time.Time  `json:"expires,omitempty"` // 0001-01-01T00:00:00Z: never
	Scope       ScopeChange `json:"scope,omitzero"`
}

// ScopeChange is the part of a [policy.Scope] that is to change.
type ScopeChange struct {
	Names        *[]string `json:"names,omitzero"`
	Profiles     *[]string `json:"profiles,omitzero"`
	OrdersPerDay *int      `json:"orders_per_day,omitzero"`
	PreApproved  *[]string `json:"pre_approved,omitzero"`
}

// Rotation asks for a new key.
type Rotation struct {
	Grace span.Span `json:"grace,omitzero"` // how long the old key binds accounts beside it; none unless told
}

// CreatedCredential is a credential with a secret that was just made, which is shown this once: the server keeps it sealed.
type CreatedCredential struct {
	KID        string `json:"kid"`
	HMAC       string `json:"hmac"`                // base64url without padding
	Directory  string `json:"directory,omitempty"` // URL of its connector's directory; absent where nobody knows the server's address
	HTTP01Port uint16 `json:"http01_port"`         // where http-01 validation looks
	Credential
}

// Profile is the newest version of a profile.
type Profile struct {
	ID           string    `json:"id"` // of this version
	Name         string    `json:"name"`
	Version      int       `json:"version"`
	Organisation string    `json:"organisation"` // its name
	Created      time.Time `json:"created"`      // this version
	Spec         pki.Spec  `json:"spec"`
}

// Profiles is a list.
type Profiles struct {
	Profiles []Profile `json:"profiles"`
}

// SpecChange is the part of [pki.Spec] that is to change: nil leaves it as it is, an empty list empties it.
type SpecChange struct {
	Description *string        `json:"description,omitzero"`
	Issuer      *string        `json:"issuer,omitzero"`
	Lifetime    *span.Span     `json:"lifetime,omitzero"`
	Backdate    *span.Span     `json:"backdate,omitzero"`
	Keys        *[]pki.KeyType `json:"keys,omitzero"`
	Usages      *[]pki.Usage   `json:"usages,omitzero"`
	CommonName  *bool          `json:"common_name,omitzero"`
	NoCRL       *bool          `json:"no_crl,omitzero"`
	OCSP        *bool          `json:"ocsp,omitzero"`
	Public      *bool          `json:"public,omitzero"`

	Lifetimes   *[]pki.Lifetime  `json:"lifetimes,omitzero"`
	KeyUsages   *[]pki.KeyUsage  `json:"key_usages,omitzero"`
	Subject     *[]pki.Field     `json:"subject,omitzero"`
	Names       *[]string        `json:"names,omitzero"`
	Policies    *[]pki.Policy    `json:"policies,omitzero"`
	Extensions  *[]pki.Extension `json:"extensions,omitzero"`
	NoIssuerURL *bool            `json:"no_issuer_url,omitzero"`
}

// Issuer is a CA certificate.
type Issuer struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Organisation string    `json:"organisation"`     // its name
	Parent       string    `json:"parent,omitempty"` // id; absent at a root
	Subject      string    `json:"subject"`
	Serial       string    `json:"serial"`
	NotBefore    time.Time `json:"not_before"`
	NotAfter     time.Time `json:"not_after"`
	Signs        bool      `json:"signs"`   // the newest of its name with its key on this machine
	HasKey       bool      `json:"has_key"` // its key is on this machine
	CRL          string    `json:"crl"`     // URL of the list that new certificates name
	Usages       []string  `json:"usages,omitempty"`
	Permitted    []string  `json:"permitted,omitempty"` // domains and networks that its leaves may name; none: all that are not excluded
	Excluded     []string  `json:"excluded,omitempty"`
	OCSP         string    `json:"ocsp,omitempty"`      // URL where the status of its certificates is told; absent where its key is elsewhere
	OCSPUntil    time.Time `json:"ocsp_until,omitzero"` // end of the certificate that signs these replies; absent before the first that is needed
	Fingerprint  string    `json:"fingerprint"`
	Created      time.Time `json:"created"`
	PEM          string    `json:"pem,omitempty"` // with its chain, the root last; only where one issuer is shown
}

// Issuers is a list.
type Issuers struct {
	Issuers []Issuer `json:"issuers"`
}

// NewIssuer brings an existing CA: its certificate, what is above it, and its private key.
type NewIssuer struct {
	Name         string `json:"name,omitempty"`         // "": root for a root, else default
	Organisation string `json:"organisation,omitempty"` // name; "": default
	Chain        string `json:"chain"`                  // PEM, the issuer first, each signed by the next, the root last
	Cross        bool   `json:"cross,omitzero"`         // the first is a cross-certificate of a CA that is here; there is no Key
	Key          string `json:"key,omitempty"`          // PEM
	Passphrase   string `json:"passphrase,omitempty"`   // of Key, when it is encrypted
}

// IssuerBelow asks for an issuer of a new name below another one.
type IssuerBelow struct {
	Name              string         `json:"name"`
	Organisation      string         `json:"organisation,omitempty"` // name; "": default
	KeyType           pki.KeyType    `json:"key_type,omitempty"`     // "": ecdsa-p256
	CommonName        string         `json:"common_name,omitempty"`  // "": the parent's organisation and the name
	Country           string         `json:"country,omitempty"`      // of the subject
	Usages            []pki.Usage    `json:"usages,omitempty"`       // of its leaves; none: servers and clients
	PermittedNames    []string       `json:"permitted_names,omitempty"`
	ExcludedNames     []string       `json:"excluded_names,omitempty"`
	PermittedNetworks []netip.Prefix `json:"permitted_networks,omitempty"`
	ExcludedNetworks  []netip.Prefix `json:"excluded_networks,omitempty"`
	Public            bool           `json:"public,omitzero"`      // for profiles that are public
	Key               string         `json:"key,omitempty"`        // PEM, the parent's private key for this one signature; "": it is in the keyring
	Passphrase        string         `json:"passphrase,omitempty"` // of Key, when it is encrypted
}

// CrossIssuer asks for a cross-certificate of an issuer.
type CrossIssuer struct {
	By         string `json:"by"`                   // name or id of the issuer that signs it
	Name       string `json:"name,omitempty"`       // "": that of the issuer with -cross
	Key        string `json:"key,omitempty"`        // PEM, the signer's private key for this one signature; "": it is in the keyring
	Passphrase string `json:"passphrase,omitempty"` // of Key, when it is encrypted
}

// NextIssuer asks for the successor of an issuer.
type NextIssuer struct {
	Key        string `json:"key,omitempty"`        // PEM, the parent's private key for this one signature; "": it is in the keyring
	Passphrase string `json:"passphrase,omitempty"` // of Key, when it is encrypted
}
