package policy

import (
	"net/netip"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
)

// Addresses says which addresses a validator may connect to. The zero value allows public addresses only.
// Link-local, cloud metadata, multicast and other special ranges are reached only when Allow names them;
// Deny wins over everything.
type Addresses struct {
	Loopback bool           `json:"loopback"` // 127.0.0.0/8, ::1
	Private  bool           `json:"private"`  // RFC 1918, RFC 4193, RFC 6598
	Allow    []netip.Prefix `json:"allow,omitempty"`
	Deny     []netip.Prefix `json:"deny,omitempty"`
}

// Look is one request to a validator: prove that whoever controls Identifier serves KeyAuthorization.
// Identifier is without "*.".
type Look struct {
	Identifier       ident.Identifier
	Method           acme.Method
	Token            string
	KeyAuthorization string
	Beyond           bool            // the proof is to cover the wildcard of Identifier, or the names below it
	Account          persist.Account // who asks, for methods that name the account; without a URL they prove nothing
	Addresses        Addresses       // where the look may lead
	Rules            Rules           // of the connector: which other hosts it may lead to; the zero value certifies none
	Scope            Scope           // of the credential by which the requester came in; within the rules
}

// AddressesOf says which addresses of host the look may connect to. Those that Addresses opens beyond the public ones
// are for the identifier, and for hosts that the requester may have certified here: with those the requester could order a look by
// name; a validator asks them for nothing else than such a look would. Any other host is somebody's who never let this connector in, so that a redirect reaches it where everybody
// does and nowhere else. What Addresses denies is denied for all.
func (l Look) AddressesOf(host ident.Identifier) Addresses {
	authority := Authority{Connector: Connector{Rules: l.Rules}, Credential: Credential{Terms: Terms{Scope: l.Scope}}}
	if host == l.Identifier || authority.Judge([]ident.Identifier{host}) == nil {
		return l.Addresses
	}
	return Addresses{Deny: l.Addresses.Deny}
}
