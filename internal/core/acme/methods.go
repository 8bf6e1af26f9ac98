package acme

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
)

// Method is a validation method, equal to the challenge type on the wire (RFC 8555 section 9.7.8).
type Method string

// The methods.
const (
	HTTP01       Method = "http-01"        // RFC 8555 section 8.3
	DNS01        Method = "dns-01"         // RFC 8555 section 8.4
	TLSALPN01    Method = "tls-alpn-01"    // RFC 8737
	DNSAccount01 Method = "dns-account-01" // draft-ietf-acme-dns-account-label-03
	DNSPersist01 Method = "dns-persist-01" // see package persist
)

// Methods returns every method, in the order in which challenges list them. The one without a token stands last: older
// clients stop at the first challenge that they cannot read.
func Methods() []Method {
	return []Method{HTTP01, DNS01, TLSALPN01, DNSAccount01, DNSPersist01}
}

// InDNS reports whether the proof is a record in DNS. Only such a proof says something about names beyond the one that
// was looked at (BR 3.2.2.4.19, .20).
func (m Method) InDNS() bool { return m == DNS01 || m == DNSAccount01 || m == DNSPersist01 }

// NamesAccount reports whether the proof names the account by its URL.
func (m Method) NamesAccount() bool { return m == DNSAccount01 || m == DNSPersist01 }

// HasToken reports whether a challenge has a token, and its proof a key authorization.
func (m Method) HasToken() bool { return m != DNSPersist01 }

// MethodsFor returns the methods that can prove control of id, in the order in which challenges list them:
// wildcards by DNS only (BR 3.2.2.4.19, .20), addresses never by DNS (RFC 8738 section 7).
func MethodsFor(id ident.Identifier) []Method {
	switch {
	case id.IsWildcard():
		return slices.DeleteFunc(Methods(), func(m Method) bool { return !m.InDNS() })
	case id.Type() == ident.IP:
		return slices.DeleteFunc(Methods(), Method.InDNS)
	default:
		return Methods()
	}
}

// acmeChallenge is the label of RFC 8555 section 8.4.
const acmeChallenge = "_acme-challenge"

// RecordName returns where in DNS a method looks for the proof of an account, given by its URL, for id; "" for methods that
// do not look in DNS. A wildcard is proven at its base name. Every name begins with an underscore: hosts have no such names,
// so that who was given a host name proves nothing for the domain.
func (m Method) RecordName(id ident.Identifier, account string) string {
	base := "." + id.Base().Value()
	switch m {
	case DNS01:
		return acmeChallenge + base
	case DNSAccount01:
		return accountLabel(account) + "." + acmeChallenge + base
	case DNSPersist01:
		return persist.Label + base
	default:
		return ""
	}
}

// accountLabel tells accounts apart in DNS: 80 bits of the hash of the URL (draft-ietf-acme-dns-account-label section 3.1).
func accountLabel(account string) string {
	sum := sha256.Sum256([]byte(account))
	return "_" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}
