package policy

import (
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// CredentialEAB is a key for external account binding (RFC 8555 section 7.3.4).
const CredentialEAB = "eab"

// Credential is what a requester shows at a connector. It is live: a suspended, deleted or expired credential
// stops every account that came in by it, and what its scope says holds for the next request of each.
type Credential struct {
	ID           string `json:"id"` // the kid of an EAB key
	Organisation string `json:"organisation"`
	Connector    string `json:"connector"`
	Terms
	Kind      string    `json:"kind"`
	Sealed    []byte    `json:"-"` // the secret, encrypted under a key outside the database
	Created   time.Time `json:"created"`
	Suspended time.Time `json:"suspended,omitzero"`
	Former    Former    `json:"-"`
}

// Terms is what an operator declares for a credential and may change afterwards.
type Terms struct {
	Name        string    `json:"name"`
	MaxAccounts int       `json:"max_accounts"`     // how many accounts may bind; 0: any number
	Expires     time.Time `json:"expires,omitzero"` // zero: never
	Scope       Scope     `json:"scope,omitzero"`
}

// Former is the secret that a credential had before its key was rotated. It binds accounts until its grace ends.
type Former struct {
	Sealed []byte
	Until  time.Time
}

// Scope says what the accounts of a credential may ask for. It narrows the rules of the connector and never widens
// them; what is empty limits nothing further.
type Scope struct {
	Names        []string `json:"names,omitempty"`         // what may be certified, addresses included, see Pattern
	Profiles     []string `json:"profiles,omitempty"`      // names of profiles; the first that the connector offers is the default
	OrdersPerDay int      `json:"orders_per_day,omitzero"` // of all its accounts together, counted by the limits; 0: any number
	// PreApproved is what the operator vouches for, see Pattern: of the names above, these need no challenge.
	PreApproved []string `json:"pre_approved,omitempty"`
}

// Usable reports whether the credential opens the door at now, and if not, why.
func (c Credential) Usable(now time.Time) (bool, string) {
	switch {
	case !c.Suspended.IsZero():
		return false, "the credential is suspended"
	case !c.Expires.IsZero() && !now.Before(c.Expires):
		return false, "the credential has expired"
	default:
		return true, ""
	}
}

// Secrets returns the sealed keys that bind accounts at now, the present one first.
func (c Credential) Secrets(now time.Time) [][]byte {
	if len(c.Former.Sealed) > 0 && now.Before(c.Former.Until) {
		return [][]byte{c.Sealed, c.Former.Sealed}
	}
	return [][]byte{c.Sealed}
}

// Admits reports whether the names of the scope cover id.
func (s Scope) Admits(id ident.Identifier) bool { return len(s.Names) == 0 || covered(s.Names, id) }

// covered reports whether one of the rules covers id.
func covered(rules []string, id ident.Identifier) bool {
	return slices.ContainsFunc(rules, func(rule string) bool { return Pattern(rule, id) })
}
