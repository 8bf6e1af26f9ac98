package policy

import (
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Subdomains says which names below a proven one its authorization covers, when the client asked for that (RFC 9444).
type Subdomains string

// The values; the zero value is none.
const (
	NoSubdomains Subdomains = ""
	NamesBelow   Subdomains = "names"     // names, and no wildcards
	AllBelow     Subdomains = "wildcards" // names and wildcards, that of the proven name included
)

// MaxPersistReuse is how long a proof by dns-persist-01 counts at most (BR 3.2.2.4.22).
const MaxPersistReuse = 10 * 24 * time.Hour

// Persist says how dns-persist-01 is offered.
type Persist struct {
	Draft     persist.Draft `json:"draft,omitempty"`      // the form of the records; "": not at all
	Issuers   []string      `json:"issuers,omitempty"`    // names of the CA, of which a record has one
	ReuseLife span.Span     `json:"reuse_life,omitempty"` // how long a proof counts; 0: MaxPersistReuse
}

// Offer returns what a challenge offers.
func (p Persist) Offer() persist.Offer { return persist.Offer{Draft: p.Draft, Issuers: p.Issuers} }

// DefaultMethods returns the challenges on offer where no rule names any.
func DefaultMethods() []acme.Method { return []acme.Method{acme.HTTP01, acme.DNS01, acme.TLSALPN01} }

// Offered returns the challenges that the connector offers.
func (r Rules) Offered() []acme.Method {
	if len(r.Methods) == 0 {
		return DefaultMethods()
	}
	return r.Methods
}

// MethodsFor returns the challenges that the connector offers for id, in a stable order.
func (r Rules) MethodsFor(id ident.Identifier) []acme.Method {
	offered := r.Offered()
	return slices.DeleteFunc(acme.MethodsFor(id), func(m acme.Method) bool {
		return !slices.Contains(offered, m) || m == acme.DNSPersist01 && r.Persist.Draft == ""
	})
}

// MethodsOf returns the challenges that can prove what an authorization covers. For the names below another only a proof
// in DNS counts (BR 3.2.2.4.19, .20; RFC 9444 section 5).
func (r Rules) MethodsOf(a acme.Authorization) []acme.Method {
	return slices.DeleteFunc(r.MethodsFor(a.Covers()), func(m acme.Method) bool { return a.Subdomains && !m.InDNS() })
}

// Accepts reports whether a valid authorization is proof of control of id here: it covers id itself, or it covers the names
// below its own, and such proofs are accepted.
func (r Rules) Accepts(a acme.Authorization, id ident.Identifier) bool {
	return a.Covers() == id || a.Proves(id) && r.Below(id)
}

// Below reports whether control of id may be proven at a name above it.
func (r Rules) Below(id ident.Identifier) bool {
	return r.Subdomains == AllBelow || r.Subdomains == NamesBelow && !id.IsWildcard()
}

// Counts returns until when a proof counts that was made at now by m and ends, by its own word, at until (zero: it does not).
func (r Rules) Counts(m acme.Method, now, until time.Time) time.Time {
	end := now.Add(r.ReuseLife.Duration())
	if m == acme.DNSPersist01 {
		most := MaxPersistReuse
		if r.Persist.ReuseLife > 0 {
			most = min(most, r.Persist.ReuseLife.Duration())
		}
		end = earlier(end, now.Add(most))
	}
	if until.IsZero() {
		return end
	}
	return earlier(end, until)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
