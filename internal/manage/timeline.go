package manage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
)

// Moment is one thing that happened to an order.
type Moment struct {
	At   time.Time
	What string // one sentence in our words, or a requester's names
}

// history is what is known of an order.
type history struct {
	order       OrderView
	certificate *CertificateView // nil: none yet
	events      []event.Event    // of the order
}

// timeline tells the life of an order in its sequence, from the request to what became of the certificate. What happened
// in one second stands in the sequence in which things happen.
func timeline(h history) []Moment {
	var t []Moment
	add := func(at time.Time, format string, args ...any) {
		if !at.IsZero() {
			t = append(t, Moment{at, fmt.Sprintf(format, args...)})
		}
	}
	o := h.order
	add(o.Created, "Ordered by the account %s: %s, with the profile %s.", o.Account, names(o.Order), o.ProfileName)
	for _, a := range o.Authorizations {
		t = append(t, proofs(o.Order, a.Authorization)...)
	}
	for _, check := range o.Checks {
		for _, attempt := range check.Attempts {
			add(attempt.At, "%s: CAA records looked for%s. %s", check.Identifier, fromPlace(attempt), attempt.Seen)
		}
	}
	for _, e := range h.events {
		if e.Action != event.OrderCreated {
			add(e.At, "%s", what(e))
		}
	}
	add(o.Begun, "Finalized: the certificate request fits the order, and the certificate passed the lint.")
	if c := h.certificate; c != nil {
		for _, warning := range c.Warnings {
			add(o.Begun, "The lint warns: %s", warning)
		}
		add(c.Issued, "Signed by %s with the serial number %s, valid until %s.", c.IssuerName, c.Serial, c.NotAfter.Format(time.RFC3339))
		add(c.Revoked, "The certificate was revoked: %s.", c.Reason)
	}
	slices.SortStableFunc(t, func(a, b Moment) int { return a.At.Compare(b.At) })
	return t
}

func names(o acme.Order) string {
	var list []string
	for _, id := range o.Identifiers {
		list = append(list, id.Value())
	}
	return strings.Join(list, ", ")
}

// proofs tells how control of one name was proven, or why not.
func proofs(o acme.Order, a acme.Authorization) (t []Moment) {
	name := a.Covers().Value()
	switch {
	case a.Approved():
		t = append(t, Moment{a.Approval.At, fmt.Sprintf("%s: pre-approved by the credential %s.", name, a.Approval.Name)})
	case a.Created.Before(o.Created):
		return []Moment{{o.Created, fmt.Sprintf("%s: the proof of %s is used again.", name, a.Created.Format(time.RFC3339))}}
	}
	for _, c := range a.Challenges {
		for _, attempt := range c.Attempts {
			t = append(t, Moment{attempt.At, fmt.Sprintf("%s: looked at by %s%s. %s", name, c.Method, fromPlace(attempt), attempt.Seen)})
		}
		if c.Failure != nil {
			t = append(t, failed(name, c))
		}
		if !c.Validated.IsZero() {
			t = append(t, Moment{c.Validated, fmt.Sprintf("%s: proven by %s.", name, c.Method)})
		}
	}
	return t
}

// failed tells that a challenge failed, and why unless the last look has just told it.
func failed(name string, c acme.Challenge) Moment {
	m := Moment{At: c.Begun, What: fmt.Sprintf("%s: not proven by %s. %s", name, c.Method, c.Failure.Public)}
	if n := len(c.Attempts); n > 0 {
		last := c.Attempts[n-1]
		m.At = last.At
		if last.Seen == c.Failure.Public {
			m.What = fmt.Sprintf("%s: not proven by %s.", name, c.Method)
		}
	}
	return m
}

func fromPlace(a acme.Attempt) string {
	if a.Perspective == "" {
		return ""
	}
	return " from " + a.Perspective
}

// what tells an event of an order.
func what(e event.Event) string {
	if e.Detail == "" {
		return string(e.Action)
	}
	return e.Detail
}
