package acme

import (
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

var (
	now     = time.Unix(1_800_000_000, 0).UTC()
	later   = now.Add(time.Hour)
	earlier = now.Add(-time.Hour)
)

func allStatuses() []Status {
	return []Status{Pending, Ready, Processing, Valid, Invalid, Deactivated, Expired, Revoked}
}

func allEvents() []Event {
	return []Event{Respond, Succeed, Refuse, Deactivate, Revoke, Lapse, Authorize, Lose, Finalize, Issue, Fail, Orphan}
}

// target returns where the table leads, and whether it has such an edge.
func target(table []Transition, from Status, event Event) (Status, bool) {
	for _, t := range table {
		if t.From == from && t.Event == event {
			return t.To, true
		}
	}
	return "", false
}

func challengeIn(status Status) (Challenge, bool) {
	c := Challenge{Method: HTTP01, Token: "t"}
	switch status {
	case Pending:
	case Processing:
		c.Begun = now
	case Valid:
		c.Validated = now
	case Invalid:
		c.Failure = &Failure{Kind: string(fault.Connection)}
	default:
		return c, false
	}
	return c, true
}

func authorizationIn(status Status) (Authorization, bool) {
	name, _ := ident.ParseDNS("www.example.com")
	a := Authorization{ID: "a", Identifier: name, Created: earlier, Expires: later, Challenges: []Challenge{{Method: HTTP01}, {Method: DNS01}}}
	switch status {
	case Pending:
	case Valid:
		a.Challenges[0].Validated = earlier
	case Invalid:
		a.Challenges[1].Failure = &Failure{Kind: string(fault.DNS)}
	case Deactivated:
		a.Deactivated = earlier
	case Revoked:
		a.Revoked = earlier
	case Expired:
		a.Challenges[0].Validated, a.Expires = earlier, now
	default:
		return a, false
	}
	return a, true
}

// TestAuthorizationVisitsEveryEdge applies every event to an authorization in every status: the table's edges lead
// where the table says, and nothing else moves.
func TestAuthorizationVisitsEveryEdge(t *testing.T) {
	table := AuthorizationTransitions()
	for _, from := range allStatuses() {
		start, exists := authorizationIn(from)
		if !exists {
			continue
		}
		if got := start.Status(now); got != from {
			t.Fatalf("fixture for %s is %s", from, got)
		}
		for _, event := range allEvents() {
			next, err, applies := applyToAuthorization(start, event)
			if !applies {
				continue
			}
			to, edge := target(table, from, event)
			switch {
			case edge && err != nil:
				t.Errorf("%s --%s--> refused: %v", from, event, err)
			case edge && next.Status(at(event)) != to:
				t.Errorf("%s --%s--> %s, want %s", from, event, next.Status(at(event)), to)
			case !edge && err == nil && next.Status(at(event)) != from:
				t.Errorf("%s --%s--> %s, and the table has no such edge", from, event, next.Status(at(event)))
			case !edge && event != Lapse && !fault.Is(err, fault.Conflict):
				t.Errorf("%s --%s-->: error %v, want Conflict", from, event, err)
			}
		}
	}
}

// at is when a status is read after an event: Lapse is nothing but time going by.
func at(event Event) time.Time {
	if event == Lapse {
		return later
	}
	return now
}

func applyToAuthorization(a Authorization, event Event) (next Authorization, err error, applies bool) {
	conclusion := Conclusion{Method: HTTP01, KeyAuthorization: "t.k", Now: now, ValidUntil: later}
	switch event {
	case Respond:
		next, err = a.Respond(HTTP01, "t.k", now)
	case Succeed:
		next, err = a.Conclude(conclusion)
	case Refuse:
		conclusion.Outcome.Failure = &Failure{Kind: string(fault.Unauthorized)}
		next, err = a.Conclude(conclusion)
	case Deactivate:
		next, err = a.Deactivate(now)
	case Revoke:
		next, err = a.Revoke(now)
	case Lapse:
		next = a
	default:
		return a, nil, false
	}
	return next, err, true
}

func TestChallengeVisitsEveryEdge(t *testing.T) {
	table := ChallengeTransitions()
	for _, from := range allStatuses() {
		challenge, exists := challengeIn(from)
		if !exists {
			continue
		}
		start := Authorization{Expires: later, Challenges: []Challenge{challenge}}
		for _, event := range []Event{Respond, Succeed, Refuse} {
			next, err, _ := applyToAuthorization(start, event)
			to, edge := target(table, from, event)
			if edge != (err == nil) {
				t.Errorf("%s --%s-->: error %v, edge in the table: %t", from, event, err, edge)
				continue
			}
			if want := map[bool]Status{true: to, false: from}[edge]; next.Challenges[0].Status() != want {
				t.Errorf("%s --%s--> %s, want %s", from, event, next.Challenges[0].Status(), want)
			}
		}
	}
}

func orderIn(status Status) (Order, []Authorization, bool) {
	o := Order{ID: "o", Created: earlier, Expires: later}
	pending, _ := authorizationIn(Pending)
	valid, _ := authorizationIn(Valid)
	switch status {
	case Pending:
		return o, []Authorization{valid, pending}, true
	case Ready:
		return o, []Authorization{valid, valid}, true
	case Processing:
		o.Begun = now
	case Valid:
		o.Begun, o.Certificate = now, "c"
	case Invalid:
		o.Failure = &Failure{Kind: string(fault.Unavailable)}
	default:
		return o, nil, false
	}
	return o, []Authorization{valid}, true
}

// Proves O-11.
func TestOrderVisitsEveryEdge(t *testing.T) {
	table := OrderTransitions()
	for _, from := range allStatuses() {
		for _, event := range allEvents() {
			start, parts, exists := orderIn(from)
			if !exists {
				continue
			}
			if got := start.Status(parts, now); got != from {
				t.Fatalf("fixture for %s is %s", from, got)
			}
			next, nextParts, err, applies := applyToOrder(start, parts, event)
			if !applies {
				continue
			}
			got := next.Status(nextParts, at(event))
			to, edge := target(table, from, event)
			if edge && (err != nil || got != to) {
				t.Errorf("%s --%s--> %s (%v), want %s", from, event, got, err, to)
			}
			if !edge && got != from {
				t.Errorf("%s --%s--> %s, and the table has no such edge", from, event, got)
			}
		}
	}
}

func applyToOrder(o Order, parts []Authorization, event Event) (Order, []Authorization, error, bool) {
	valid, _ := authorizationIn(Valid)
	lost, _ := authorizationIn(Deactivated)
	switch event {
	case Authorize:
		if o.Status(parts, now) != Pending {
			return o, nil, nil, false // only a pending order has an authorization left to become valid
		}
		return o, []Authorization{valid, valid}, nil, true
	case Lose:
		return o, []Authorization{valid, lost}, nil, true
	case Lapse:
		return o, parts, nil, true
	case Finalize:
		next, err := o.Finalize(parts, now)
		return next, parts, err, true
	case Issue:
		next, err := o.Issue("c")
		return next, parts, err, true
	case Fail:
		next, err := o.Fail(Failure{Kind: string(fault.Unavailable)})
		return next, parts, err, true
	case Orphan:
		return o.Orphan(Account{Deactivated: now}, parts), parts, nil, true
	default:
		return o, parts, nil, false
	}
}

// Proves O-11.
func TestAnOrderIsInvalidAsSoonAsAnAuthorizationEnds(t *testing.T) {
	for _, status := range []Status{Invalid, Deactivated, Expired, Revoked} {
		ended, _ := authorizationIn(status)
		order, parts, _ := orderIn(Ready)
		if got := order.Status(append(parts, ended), now); got != Invalid {
			t.Errorf("with an authorization that is %s the order is %s", status, got)
		}
	}
}

// The end of an account fails what was open at that moment, and touches nothing else.
func TestOrphanJudgesTheMomentOfTheEnd(t *testing.T) {
	deactivated, revoked := Account{Deactivated: now}, Account{Revoked: now}
	pending, parts, _ := orderIn(Pending)
	lost, _ := authorizationIn(Deactivated)
	lapsed, _ := authorizationIn(Pending)
	lapsed.Expires = now
	expired := pending
	expired.Expires = now
	processing, _, _ := orderIn(Processing)
	for name, test := range map[string]struct {
		order Order
		owner Account
		parts []Authorization
		want  string // the sentence of the failure; "" for none
	}{
		"a valid account":                    {pending, Account{}, parts, ""},
		"deactivated":                        {pending, deactivated, parts, "The account was deactivated."},
		"revoked":                            {pending, revoked, parts, "The account was revoked by the operator."},
		"without authorizations":             {pending, deactivated, nil, "The account was deactivated."},
		"expired in that second":             {expired, deactivated, parts, ""},
		"expired later":                      {expired, Account{Deactivated: earlier}, parts, "The account was deactivated."},
		"an authorization ended before":      {pending, deactivated, []Authorization{lost}, ""},
		"an authorization lapsed before":     {pending, deactivated, []Authorization{lapsed}, ""},
		"an authorization lapsed afterwards": {pending, Account{Revoked: earlier}, []Authorization{lapsed}, "The account was revoked by the operator."},
		"processing":                         {processing, deactivated, parts, ""},
	} {
		got := test.order.Orphan(test.owner, test.parts)
		switch {
		case test.want == "" && got.Failure != nil:
			t.Errorf("%s: the failure is %v", name, got.Failure)
		case test.want != "" && (got.Failure == nil || got.Failure.Public != test.want || got.Failure.Kind != string(fault.Unauthorized)):
			t.Errorf("%s: the failure is %v; want %q", name, got.Failure, test.want)
		case test.order.Failure != nil:
			t.Errorf("%s: the order itself was changed", name)
		}
	}
}

// Proves C-09.
func TestALateOutcomeRevivesNothing(t *testing.T) {
	a, _ := authorizationIn(Pending)
	a.Expires = now
	if _, err := a.Conclude(Conclusion{Method: HTTP01, Now: now, ValidUntil: later}); !fault.Is(err, fault.Conflict) {
		t.Errorf("an expired authorization was revived: %v", err)
	}
}

func TestMovesLeaveTheOldValueAlone(t *testing.T) {
	a, _ := authorizationIn(Pending)
	if _, err := a.Conclude(Conclusion{Method: HTTP01, Now: now, ValidUntil: later}); err != nil {
		t.Fatal(err)
	}
	if a.Status(now) != Pending || a.Challenges[0].Status() != Pending {
		t.Error("Conclude changed the value it was called on")
	}
}
