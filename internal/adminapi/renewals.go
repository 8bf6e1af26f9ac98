package adminapi

import "time"

// CertificateSet selects certificates whose renewal is overridden; absent members select everything.
type CertificateSet struct {
	Name         string    `json:"name,omitempty"`      // exact name or address, or ".example.com" for every name below it
	Connector    string    `json:"connector,omitempty"` // its name
	Account      string    `json:"account,omitempty"`   // id
	Profile      string    `json:"profile,omitempty"`   // its name
	IssuedBefore time.Time `json:"issued_before,omitzero"`
	IssuedAfter  time.Time `json:"issued_after,omitzero"`
}

// NewRenewalOverride asks for another renewal window for a set of certificates.
type NewRenewalOverride struct {
	CertificateSet
	Issuer      string    `json:"issuer,omitempty"`      // id, or name for all issuers that had it
	All         bool      `json:"all,omitzero"`          // all certificates, where nothing selects some
	Start       time.Time `json:"start,omitzero"`        // absent: now
	End         time.Time `json:"end,omitzero"`          // absent: a day after the start
	Explanation string    `json:"explanation,omitempty"` // URL that clients are told
}

// RenewalOverride is a renewal window for a set of certificates, of those that were issued before it was made.
type RenewalOverride struct {
	ID     string `json:"id"`
	Status string `json:"status"` // active or ended
	CertificateSet
	Issuers     []string  `json:"issuers,omitempty"` // ids
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	Explanation string    `json:"explanation,omitempty"`
	Created     time.Time `json:"created"`
	Ended       time.Time `json:"ended,omitzero"`
}

// CreatedRenewalOverride is a new override with how many certificates it covers that have not expired.
type CreatedRenewalOverride struct {
	RenewalOverride
	Covers int  `json:"covers"`
	More   bool `json:"more,omitzero"` // there are more: they were counted up to a bound
}

// RenewalOverrides is a list.
type RenewalOverrides struct {
	RenewalOverrides []RenewalOverride `json:"renewal_overrides"`
}
