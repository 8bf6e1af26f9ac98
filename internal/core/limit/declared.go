package limit

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// MaxOverrides bounds how many overrides a connector has.
const MaxOverrides = 1000

// Limits is what an operator declares: for each kind a rate, and other rates for single subjects. A kind that is not
// named has its usual rate. The zero value is what is usual.
type Limits struct {
	Rates     map[Kind]Rate `json:"rates,omitempty"`
	Overrides []Override    `json:"overrides,omitempty"` // of two for the same, the first holds
}

// Override is the rate of one kind for one account, credential, name or address.
type Override struct {
	Kind  Kind      `json:"kind"`
	For   string    `json:"for"` // an id, a name, or a network, which covers its addresses
	Rate  Rate      `json:"rate"`
	Until time.Time `json:"until,omitzero"` // zero: for good
}

// IsZero reports whether nothing is declared.
func (l Limits) IsZero() bool { return len(l.Rates) == 0 && len(l.Overrides) == 0 }

// Clone returns a copy that shares nothing.
func (l Limits) Clone() Limits {
	return Limits{Rates: maps.Clone(l.Rates), Overrides: slices.Clone(l.Overrides)}
}

// Rate returns the rate of a kind for whom no override is.
func (l Limits) Rate(k Kind) Rate {
	if r, declared := l.Rates[k]; declared {
		return r
	}
	return k.Usual()
}

// RateFor returns the rate of a kind at now for a subject that is known by any of these names.
func (l Limits) RateFor(k Kind, now time.Time, names ...string) Rate {
	for _, o := range l.Overrides {
		if o.Kind == k && o.inForce(now) && slices.ContainsFunc(names, o.covers) {
			return o.Rate
		}
	}
	return l.Rate(k)
}

func (o Override) inForce(now time.Time) bool { return o.Until.IsZero() || now.Before(o.Until) }

// covers reports whether the override is for name: the same text, or a network that has the name's addresses.
func (o Override) covers(name string) bool {
	if o.For == name {
		return true
	}
	outer, inner := network(o.For), network(name)
	return outer.IsValid() && inner.IsValid() && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// network reads an address or a network; the zero Prefix when text is neither.
func network(text string) netip.Prefix {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen())
	}
	prefix, _ := netip.ParsePrefix(text)
	return prefix
}

// Charge returns what one more costs a limit; names are those by which overrides know the subject, besides itself.
func (l Limits) Charge(k Kind, subject string, now time.Time, names ...string) Charge {
	return Charge{Key: Key{k, subject}, Rate: l.RateFor(k, now, append(names, subject)...)}
}

// Proof returns what a failed proof of control of an identifier costs an account.
func (l Limits) Proof(account, identifier string, now time.Time) Charge {
	c := l.Charge(FailedValidations, Pair(account, identifier), now, account, identifier)
	c.Pause = l.RateFor(FailuresInARow, now, account, identifier).Count
	c.Shown = identifier
	return c
}

// Of returns the charge of a limit by what a store keeps of it.
func (l Limits) Of(k Key, now time.Time) Charge {
	switch k.Kind {
	case FailedValidations:
		account, identifier := SplitPair(k.Subject)
		return l.Proof(account, identifier, now)
	case OrdersPerSet, CertificatesPerSet:
		return l.Charge(k.Kind, k.Subject, now, strings.Split(k.Subject, ",")...)
	default:
		return l.Charge(k.Kind, k.Subject, now)
	}
}

// Check returns a sentence for each thing that cannot be.
func (l Limits) Check() []string {
	var found []string
	for _, k := range slices.Sorted(maps.Keys(l.Rates)) {
		found = append(found, wrongRate("limits", k, l.Rates[k])...)
	}
	for _, o := range l.Overrides {
		found = append(found, wrongRate("override for "+o.For, o.Kind, o.Rate)...)
	}
	if len(l.Overrides) > MaxOverrides {
		found = append(found, fmt.Sprintf("overrides: %d are more than %d.", len(l.Overrides), MaxOverrides))
	}
	return found
}

func wrongRate(where string, k Kind, r Rate) []string {
	switch {
	case !slices.Contains(Kinds(), k):
		return []string{fmt.Sprintf("%s: %.40q is no kind of limit; there are: %v.", where, string(k), Kinds())}
	case r.IsNone():
		return nil
	case k.InARow() && r.Period != 0:
		return []string{fmt.Sprintf("%s: %s is a number alone, like 100, or %s.", where, k, None)}
	case !k.InARow() && r.Period == 0:
		return []string{fmt.Sprintf("%s: %s is a number and a time, like 300/3h, or %s.", where, k, None)}
	default:
		return nil
	}
}
