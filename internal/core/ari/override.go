package ari

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Override is an operator's word about when a set of certificates is renewed: in place of their own windows, without
// touching them. It covers what was issued until the second in which it was made, never what replaces that: a window in the
// past would call every new certificate back at once.
type Override struct {
	ID          string
	Set         pki.Filter
	Window      Window
	Explanation string // URL for the holders; "" without one
	Created     time.Time
	Ended       time.Time // zero: in force
}

// Covers reports whether the override concerns a certificate.
func (o Override) Covers(c pki.Certificate) bool {
	return o.Ended.IsZero() && !c.Issued.After(o.Created) && o.Set.Matches(c)
}
