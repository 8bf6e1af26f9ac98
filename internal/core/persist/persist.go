// Package persist is the record of dns-persist-01: a TXT record by which the owner of a domain allows one account at one CA
// to be issued certificates, for as long as it stands (BR 3.2.2.4.22).
//
// Two forms of it are in use that do not know each other. Up to draft-ietf-acme-dns-persist-01 a record names the account by its
// URL. From -02 on it names a hash that binds the URL to a key of the account and to the domain, so that a record tells
// nobody whose it is.
package persist

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/issuevalue"
)

// Draft is a form of the method.
type Draft string

// The forms; "" is none.
const (
	Draft01 Draft = "draft-01" // draft-ietf-acme-dns-persist-00 and -01, as deployed
	Draft02 Draft = "draft-02" // draft-ietf-acme-dns-persist-02
)

// Drafts returns every form.
func Drafts() []Draft { return []Draft{Draft01, Draft02} }

// MaxIssuers is how many issuer domain names a challenge may offer.
const MaxIssuers = 10

// Label stands before the name that a record is about.
const Label = "_validation-persist"

// AnyDomain is hashed in the place of a domain by whoever wants one record for all of them.
const AnyDomain = "*"

const (
	tagAccount = "accounturi"
	tagPolicy  = "policy"
	tagUntil   = "persistuntil"
	wildcard   = "wildcard" // the one policy that is defined
	algorithm  = "sha-256/" // between the prefix and the hash
)

// Offer is how a CA offers the method. The zero value does not.
type Offer struct {
	Draft   Draft    `json:"draft,omitempty"`
	Issuers []string `json:"issuers,omitempty"` // the CA's names, lower-case A-labels, at most MaxIssuers; a record has one of them
}

// Equal reports whether both offer the same.
func (o Offer) Equal(other Offer) bool {
	return o.Draft == other.Draft && slices.Equal(o.Issuers, other.Issuers)
}

// Account is what records say about an account.
type Account struct {
	URL         string   `json:"url,omitempty"`         // as the CA publishes it
	HashPrefix  string   `json:"hash_prefix,omitempty"` // what a hashed URI begins with: "accountHashPrefix" of the directory
	Thumbprints []string `json:"thumbprints,omitempty"` // of its keys (RFC 7638), the one that it has now first
}

// URI returns what the accounturi of a record for domain is to be under the account's key of now.
func (a Account) URI(d Draft, domain string) string {
	if d == Draft01 {
		return a.URL
	}
	return a.hashed(domain, a.Thumbprints[0])
}

// hashed is the URI of draft-02: the prefix, and the hash of the domain with its length, a thumbprint and the URL.
func (a Account) hashed(domain, thumbprint string) string {
	octets := append([]byte{byte(len(domain))}, domain+thumbprint+a.URL...) //nolint:gosec // a domain name has at most 253 octets
	sum := sha256.Sum256(octets)
	return a.HashPrefix + algorithm + base64.RawURLEncoding.EncodeToString(sum[:])
}

// Record returns the value of the TXT record that allows an account, named by uri, certificates of issuer for the name
// below the label; with beyond, also for its wildcard and the names below it.
func Record(issuer, uri string, beyond bool) string {
	v := issuevalue.Value{Issuer: issuer, Parameters: []issuevalue.Parameter{{Tag: tagAccount, Value: uri}}}
	if beyond {
		v.Parameters = append(v.Parameters, issuevalue.Parameter{Tag: tagPolicy, Value: wildcard})
	}
	return v.String()
}

// Grant is the record that was found good.
type Grant struct {
	AccountURI string    `json:"account_uri"`
	Until      time.Time `json:"until,omitzero"` // nothing may be proven by it from then on; zero: no end
}

// outlasts reports whether g ends later than other.
func (g Grant) outlasts(other Grant) bool {
	return !other.Until.IsZero() && (g.Until.IsZero() || g.Until.After(other.Until))
}
