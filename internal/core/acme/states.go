package acme

import (
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
)

// Event is something that can happen to an authorization, a challenge or an order.
type Event string

// The events.
const (
	Respond    Event = "respond"    // the client answered the challenge and the look takes longer than the reply
	Succeed    Event = "succeed"    // the look from outside proved control
	Refuse     Event = "refuse"     // it did not
	Deactivate Event = "deactivate" // the client gives the authorization back
	Revoke     Event = "revoke"     // the operator takes it back
	Lapse      Event = "lapse"      // the time runs out
	Authorize  Event = "authorize"  // the last pending authorization became valid
	Lose       Event = "lose"       // an authorization ended in another way
	Finalize   Event = "finalize"   // a CSR was accepted and the intent recorded
	Issue      Event = "issue"      // the certificate is recorded
	Fail       Event = "fail"       // issuance is impossible, with a reason
	Orphan     Event = "orphan"     // the account ended
)

// Transition is one edge of a state machine of RFC 8555 section 7.1.6.
type Transition struct {
	From  Status
	Event Event
	To    Status
}

// ChallengeTransitions returns every edge of a challenge. There is no other.
func ChallengeTransitions() []Transition {
	return []Transition{
		{Pending, Respond, Processing},
		{Pending, Succeed, Valid},
		{Pending, Refuse, Invalid},
		{Processing, Respond, Processing},
		{Processing, Succeed, Valid},
		{Processing, Refuse, Invalid},
	}
}

// AuthorizationTransitions returns every edge of an authorization. There is no other.
func AuthorizationTransitions() []Transition {
	return []Transition{
		{Pending, Respond, Pending},
		{Pending, Succeed, Valid},
		{Pending, Refuse, Invalid},
		{Pending, Lapse, Invalid},
		{Pending, Deactivate, Deactivated},
		{Pending, Revoke, Revoked},
		{Valid, Lapse, Expired},
		{Valid, Deactivate, Deactivated},
		{Valid, Revoke, Revoked},
	}
}

// OrderTransitions returns every edge of an order. There is no other.
func OrderTransitions() []Transition {
	return []Transition{
		{Pending, Authorize, Ready},
		{Pending, Lose, Invalid},
		{Pending, Lapse, Invalid},
		{Pending, Orphan, Invalid},
		{Ready, Finalize, Processing},
		{Ready, Lose, Invalid},
		{Ready, Lapse, Invalid},
		{Ready, Orphan, Invalid},
		{Processing, Issue, Valid},
		{Processing, Fail, Invalid},
	}
}

// Allows reports whether table has an edge for event at from.
func Allows(table []Transition, from Status, event Event) bool {
	return slices.ContainsFunc(table, func(t Transition) bool { return t.From == from && t.Event == event })
}

// KeyAuthorization is the token joined with the thumbprint of the account's current key (RFC 8555 section 8.1).
func KeyAuthorization(token string, key jws.Key) string { return token + "." + key.Thumbprint() }

// Respond records that the client answered challenge m and that the look goes on after the reply.
// A challenge that is processing already keeps its first key authorization.
// Errors: NotFound without such a challenge, Conflict when the authorization or the challenge has ended.
func (a Authorization) Respond(m Method, keyAuthorization string, now time.Time) (Authorization, error) {
	return a.move(m, Respond, now, func(c *Challenge) {
		if c.Begun.IsZero() {
			c.Begun, c.KeyAuthorization = now, keyAuthorization
		}
	})
}

// Conclude records the outcome of a challenge. A proven challenge makes the authorization valid until c.ValidUntil; a
// failed one ends it. Errors: NotFound without such a challenge, Conflict when the authorization or the challenge
// has ended: the first outcome stands, and a late one revives nothing.
func (a Authorization) Conclude(c Conclusion) (Authorization, error) {
	event := Succeed
	if c.Outcome.Failure != nil {
		event = Refuse
	}
	next, err := a.move(c.Method, event, c.Now, func(challenge *Challenge) {
		challenge.KeyAuthorization, challenge.Failure, challenge.Attempts = c.KeyAuthorization, c.Outcome.Failure, c.Outcome.Attempts
		if event == Succeed {
			challenge.Validated = c.Now
		}
	})
	if err == nil && event == Succeed {
		next.Expires = c.ValidUntil
	}
	return next, err
}

func (a Authorization) move(m Method, event Event, now time.Time, change func(*Challenge)) (Authorization, error) {
	i := slices.IndexFunc(a.Challenges, func(c Challenge) bool { return c.Method == m })
	if i < 0 {
		return a, fault.New(fault.NotFound, "The authorization has no %s challenge.", m)
	}
	if status := a.Status(now); !Allows(AuthorizationTransitions(), status, event) {
		return a, ended("authorization", status)
	}
	if status := a.Challenges[i].Status(); !Allows(ChallengeTransitions(), status, event) {
		return a, ended("challenge", status)
	}
	a.Challenges = slices.Clone(a.Challenges)
	change(&a.Challenges[i])
	return a, nil
}

// Deactivate gives the authorization back (RFC 8555 section 7.5.2). Error: Conflict when it has ended.
func (a Authorization) Deactivate(now time.Time) (Authorization, error) {
	if status := a.Status(now); !Allows(AuthorizationTransitions(), status, Deactivate) {
		return a, ended("authorization", status)
	}
	a.Deactivated = now
	return a, nil
}

// Revoke takes the authorization back on the operator's behalf. Error: Conflict when it has ended.
func (a Authorization) Revoke(now time.Time) (Authorization, error) {
	if status := a.Status(now); !Allows(AuthorizationTransitions(), status, Revoke) {
		return a, ended("authorization", status)
	}
	a.Revoked = now
	return a, nil
}

// Finalize records that issuance began. Error: NotReady unless the order is ready: of many callers one wins.
func (o Order) Finalize(authorizations []Authorization, now time.Time) (Order, error) {
	if status := o.Status(authorizations, now); !Allows(OrderTransitions(), status, Finalize) {
		return o, fault.New(fault.NotReady, "The order is %s; only a ready order can be finalized.", status)
	}
	o.Begun = now
	return o, nil
}

// Issue records the certificate. Error: Conflict unless the order is processing.
func (o Order) Issue(certificate string) (Order, error) {
	if o.Certificate != "" || o.Failure != nil || o.Begun.IsZero() {
		return o, fault.New(fault.Conflict, "The order is not processing.")
	}
	o.Certificate = certificate
	return o, nil
}

// Fail ends the order with a reason. Error: Conflict unless the order is processing.
func (o Order) Fail(f Failure) (Order, error) {
	if o.Certificate != "" || o.Failure != nil || o.Begun.IsZero() {
		return o, fault.New(fault.Conflict, "The order is not processing.")
	}
	o.Failure = &f
	return o, nil
}

// Orphan returns the order as the end of its account leaves it: if it was pending or ready at that moment it has failed,
// and otherwise nothing happened to it. The end is a fact of the account alone; this is what it means for its orders.
func (o Order) Orphan(owner Account, authorizations []Authorization) Order {
	sentence := "The account was deactivated."
	at := owner.Deactivated
	if !owner.Revoked.IsZero() {
		sentence, at = "The account was revoked by the operator.", owner.Revoked
	}
	if !at.IsZero() && Allows(OrderTransitions(), o.Status(authorizations, at), Orphan) {
		o.Failure = &Failure{Kind: string(fault.Unauthorized), Public: sentence}
	}
	return o
}

func ended(what string, status Status) error {
	return fault.New(fault.Conflict, "The %s is %s already.", what, status)
}
