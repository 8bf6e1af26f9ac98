package limit

import (
	"net/netip"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

// Account returns what a new account costs; credential is "" for one that came in without.
func (l Limits) Account(from netip.Addr, credential string, now time.Time) []Charge {
	var charges []Charge
	if address := Address(from); address != "" {
		charges = append(charges, l.Charge(AccountsPerAddress, address, now))
	}
	if credential != "" {
		charges = append(charges, l.Charge(AccountsPerCredential, credential, now))
	}
	return counted(charges)
}

// Order is what a request for names costs.
type Order struct {
	Account     string
	Credential  string             // "" without one
	Quota       int                // how many orders a day the scope of the credential allows; 0: any number
	Identifiers []ident.Identifier // sorted, without duplicates
	Open        []ident.Identifier // those among them of which control has to be proven
	Advance     bool               // pre-authorization: no set, no certificate
	Renews      bool               // it renews a certificate in its time (RFC 9773), and names nothing more: only whoever asks is counted
}

// Order returns what an order costs. No limit on names counts a renewal: what is in use is not to expire because others
// were asked for. Whoever comes with a new account meets the limits on names as they stand.
func (l Limits) Order(o Order, now time.Time) []Charge {
	charges := []Charge{l.Charge(OrdersPerAccount, o.Account, now)}
	if o.Credential != "" {
		charges = append(charges, l.Charge(OrdersPerCredential, o.Credential, now))
	}
	if o.Quota > 0 {
		charges = append(charges, l.quota(o, now))
	}
	if !o.Renews {
		charges = append(charges, l.names(o, now)...)
	}
	for _, id := range o.Open {
		proof := l.Proof(o.Account, id.Base().Value(), now)
		proof.Ask = true
		charges = append(charges, proof)
	}
	return counted(charges)
}

// quota returns what an order costs the credential by its own scope, which narrows what the connector says of all and
// never widens it: the two are counted apart. An override is for both.
func (l Limits) quota(o Order, now time.Time) Charge {
	own := Limits{Rates: map[Kind]Rate{OrdersPerCredential: {o.Quota, span.Day}}, Overrides: l.Overrides}
	c := own.Charge(OrdersPerCredential, o.Credential+" scope", now, o.Credential)
	c.Shown = o.Credential
	return c
}

// names returns what an order costs the limits on names: a domain once, however many of its names are there.
func (l Limits) names(o Order, now time.Time) []Charge {
	var charges []Charge
	seen := make(map[string]bool)
	for _, id := range o.Identifiers {
		if domain := Domain(id); !seen[domain] {
			seen[domain] = true
			charges = append(charges, l.Charge(OrdersPerDomain, domain, now))
		}
		charges = append(charges, l.Charge(OrdersPerIdentifier, id.Value(), now))
	}
	if o.Advance {
		return charges
	}
	certificate := l.Certificate(o.Identifiers, now)
	for i := range certificate {
		certificate[i].Ask = true
	}
	return append(append(charges, l.Charge(OrdersPerSet, Set(o.Identifiers), now, values(o.Identifiers)...)), certificate...)
}

// Certificate returns what a certificate for these identifiers costs.
func (l Limits) Certificate(ids []ident.Identifier, now time.Time) []Charge {
	return counted([]Charge{l.Charge(CertificatesPerSet, Set(ids), now, values(ids)...)})
}

// counted leaves out what nobody counts, and what is there twice: the proofs of a name and of its wildcard are one.
func counted(charges []Charge) []Charge {
	var kept []Charge
	seen := make(map[Key]bool, len(charges))
	for _, c := range charges {
		if (c.Rate.IsNone() && c.Pause == 0) || seen[c.Key] {
			continue
		}
		seen[c.Key] = true
		kept = append(kept, c)
	}
	return kept
}
