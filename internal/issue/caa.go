package issue

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

const (
	caaAtOnce = 16               // looks for CAA records that one order has at a time
	caaLimit  = 20 * time.Second // for all of them together
	// caaLife is how long what CAA records said may be relied on (BR section 4.2.2.1).
	caaLife = 8 * time.Hour
)

// alsoByCAA adds to the good outcome of a challenge what CAA records say of the name. It spares a client who may not have
// the certificate the way to finalize; there they are looked for again. A proof for the names below another says nothing
// of those who will be ordered, which may have records of their own.
func (s *Service) alsoByCAA(ctx context.Context, c policy.Connector, a acme.Authorization, m acme.Method, proven acme.Outcome) acme.Outcome {
	q, ask := c.Rules.AskCAA(a.Covers(), m, s.options.AccountURL(c, a.Account))
	if !ask || proven.Failure != nil || a.Subdomains {
		return proven
	}
	check := s.check(ctx, c.Rules.Quorum, q)
	return acme.Outcome{Failure: check.Failure, Attempts: append(proven.Attempts, check.Attempts...)}
}

// inquiry is what CAA records must allow before anything is signed.
type inquiry struct {
	quorum    policy.Quorum // from where they are looked for
	questions []caa.Question
}

// inquire returns an inquiry with a question for each name of an order that is to be asked for, with the method by which
// control of that very name was proven, and the account's URL of now.
func (s *Service) inquire(c policy.Connector, o acme.Order, authorizations []acme.Authorization) inquiry {
	url := s.options.AccountURL(c, o.Account)
	i := inquiry{quorum: c.Rules.Quorum}
	for _, id := range o.Identifiers {
		if q, ask := c.Rules.AskCAA(id, provenBy(c.Rules, authorizations, id), url); ask {
			i.questions = append(i.questions, q)
		}
	}
	return i
}

// provenBy returns the method by which control of a name was proven; "" when by none.
func provenBy(rules policy.Rules, authorizations []acme.Authorization, id ident.Identifier) acme.Method {
	a, ok := proving(rules, authorizations, id)
	if !ok {
		return ""
	}
	c, _ := a.Proof()
	return c.Method
}

// checkAll asks every question by a look of its own, some at a time, and returns what came of each, in their sequence.
func (s *Service) checkAll(ctx context.Context, i inquiry) []acme.Check {
	ctx, cancel := context.WithTimeout(ctx, caaLimit)
	defer cancel()
	checks := make([]acme.Check, len(i.questions))
	slots := make(chan struct{}, caaAtOnce)
	var running sync.WaitGroup
	for n, q := range i.questions {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			checks[n] = s.check(ctx, i.quorum, q)
		})
	}
	running.Wait()
	return checks
}

// check asks one question. A look that was cut off has found out nothing, whatever it says.
func (s *Service) check(ctx context.Context, quorum policy.Quorum, q caa.Question) acme.Check {
	outcome := s.contained(q.Name, "caa", func() acme.Outcome { return s.validator.CheckCAA(ctx, quorum, q) })
	if outcome.Failure == nil && ctx.Err() != nil {
		outcome.Failure = &acme.Failure{
			Kind: string(fault.CAA), Identifier: q.Name, Public: "The look for CAA records took too long; try again in a moment.",
		}
	}
	return acme.Check{Identifier: q.Name, Method: q.Method, Failure: outcome.Failure, Attempts: outcome.Attempts}
}

// judgeCAA returns one error for all names whose CAA records do not let this CA issue. A name that was to be asked for and
// has no answer of its own is refused as well (INCIDENTS 6): answers belong to names, not to places in a list.
func judgeCAA(questions []caa.Question, checks []acme.Check) error {
	said := make(map[ident.Identifier]acme.Check, len(checks))
	for _, c := range checks {
		said[c.Identifier] = c
	}
	var subs []fault.Sub
	for _, q := range questions {
		c, ok := said[q.Name]
		switch {
		case !ok:
			subs = append(subs, fault.Sub{Kind: fault.CAA, Identifier: q.Name, Public: "No CAA records were looked for; try again in a moment."})
		case c.Failure != nil:
			subs = append(subs, fault.Sub{Kind: fault.CAA, Identifier: q.Name, Public: c.Failure.Public})
		}
	}
	return policy.Refusal(subs)
}

// askCAA looks for the CAA records of the names of a plan, and returns what they said. A refusal leaves its order ready; it
// is recorded with all that was seen, and with those who want to hear of it (BR section 4.2.2.1: "CAs MUST document
// potential issuances that were prevented by a CAA record"). Error: CAA.
func (s *Service) askCAA(ctx context.Context, p plan) ([]acme.Check, error) {
	if len(p.inquiry.questions) == 0 {
		return nil, nil
	}
	checks := s.checkAll(ctx, p.inquiry)
	refusal := judgeCAA(p.inquiry.questions, checks)
	if refusal == nil {
		return checks, nil
	}
	err := s.store.RefuseIssuance(ctx, p.order, checks, event.Event{
		ID: s.newID(), At: s.now(), Organisation: p.organisation, Actor: p.actor,
		Action: event.OrderRefused, Object: p.order, Detail: prevented(checks),
	})
	if err != nil {
		return nil, err
	}
	return nil, refusal
}

// mostTold is how many names an event tells of; the order keeps what was seen for all.
const mostTold = 3

// prevented says for the log which names were refused and why, and where their owners want to hear of it.
func prevented(checks []acme.Check) string {
	var told []string
	for _, c := range checks {
		if c.Failure == nil {
			continue
		}
		if len(told) == mostTold {
			told = append(told, "and more names")
			break
		}
		told = append(told, c.Identifier.Value()+": "+c.Failure.Public+reportsTo(c.Attempts))
	}
	return strings.Join(told, " ")
}

// reportsTo names the addresses of iodef records, if there are any.
func reportsTo(attempts []acme.Attempt) string {
	for _, a := range slices.Backward(attempts) {
		if len(a.Reports) > 0 {
			return " Its owner wants to hear of this (iodef): " + strings.Join(a.Reports, ", ") + "."
		}
	}
	return ""
}

// outdated asks again for an intent that waited for its signature for too long: what CAA records said then does not count
// any more. Error: CAA.
func (s *Service) outdated(ctx context.Context, intent pki.Intent) error {
	if intent.Order == "" || s.now().Sub(intent.Begun) < caaLife {
		return nil
	}
	o, authorizations, err := s.store.Order(ctx, intent.Order)
	if err != nil {
		return err
	}
	c, err := s.store.Connector(ctx, o.Connector)
	if err != nil {
		return err
	}
	i := s.inquire(c, o, authorizations)
	return judgeCAA(i.questions, s.checkAll(ctx, i))
}
