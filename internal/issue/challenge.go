package issue

import (
	"context"
	"log/slog"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Respond starts the look from outside for a challenge that the requester says is answered (RFC 8555 section 7.5.1).
// When the outcome is there within the service's wait, the reply carries it and nothing but the outcome was written;
// otherwise the challenge is recorded as processing and the look goes on. A second call joins the look that runs. On
// a challenge that has its outcome, or whose authorization is approved without it, nothing happens. Errors: Malformed when another challenge ended the authorization;
// what the connector's rules of now say against it; RateLimited when too many challenges of the account are looked at.
// A look that waits for its turn is made, and judged, as the connector stands by then.
func (s *Service) Respond(ctx context.Context, r Requester, authorization string, m acme.Method) (AuthorizationView, error) {
	if err := open(r.Connector); err != nil {
		return AuthorizationView{}, err
	}
	a, err := s.ownAuthorization(ctx, r, authorization)
	if err != nil {
		return AuthorizationView{}, err
	}
	challenge, ok := a.Challenge(m)
	if !ok {
		return AuthorizationView{}, fault.New(fault.NotFound, "The authorization has no %s challenge.", m)
	}
	if status := challenge.Status(); status == acme.Valid || status == acme.Invalid || a.Approved() {
		return s.viewAuthorization(a), nil
	}
	if status := a.Status(s.now()); status != acme.Pending {
		return AuthorizationView{}, fault.New(fault.Malformed, "The authorization is %s; its challenges can no longer be answered.", status)
	}
	if err := s.mayProve(r, a, challenge); err != nil {
		return AuthorizationView{}, err
	}
	if err := s.mayTry(ctx, r.Connector, a); err != nil {
		return AuthorizationView{}, err
	}
	if challenge.KeyAuthorization == "" && m.HasToken() {
		challenge.KeyAuthorization = acme.KeyAuthorization(challenge.Token, r.Account.Key)
	}
	flight, err := s.looks.join(a.Account, a.ID, m, func(ctx context.Context) { s.look(ctx, a, challenge) })
	if err != nil {
		return AuthorizationView{}, err
	}
	return s.await(ctx, flight, a.ID, challenge)
}

// await waits for the outcome of a look, but not for long.
func (s *Service) await(ctx context.Context, done <-chan struct{}, authorization string, c acme.Challenge) (AuthorizationView, error) {
	timer := time.NewTimer(s.options.Wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-timer.C:
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	a, err := s.store.Authorization(ctx, authorization)
	if err == nil && a.Status(s.now()) == acme.Pending {
		a, err = s.store.Respond(ctx, authorization, c.Method, c.KeyAuthorization, s.now())
		if fault.Is(err, fault.Conflict) { // the outcome came in between
			a, err = s.store.Authorization(ctx, authorization)
		}
	}
	if err != nil {
		return AuthorizationView{}, err
	}
	return s.viewAuthorization(a), nil
}

// look validates one challenge and records the outcome, unless the service closes first. A caller who read the
// authorization just before an earlier look ended does not cause another one. The connector, the account and its
// credential are read when the look begins, for its turn may come long after it was asked for: suspensions and rules
// until then hold for it. When they cannot be read, nothing is recorded, and ResumeLooks takes the challenge up again.
func (s *Service) look(ctx context.Context, a acme.Authorization, challenge acme.Challenge) {
	if current, err := s.store.Authorization(ctx, a.ID); err == nil && current.Status(s.now()) != acme.Pending {
		return
	}
	var outcome acme.Outcome
	c, owner, err := s.parties(ctx, a)
	if err == nil {
		outcome, err = s.validate(ctx, c, owner, a, challenge)
	}
	if err != nil && ctx.Err() == nil {
		s.log.Error("a challenge could not be looked at", slog.String("authorization", a.ID), slog.Any("error", err))
	}
	if err == nil && ctx.Err() == nil {
		s.conclude(ctx, c, a, challenge, outcome)
	}
}

// conclude records an outcome. What was proven while the account was being stopped is not: the challenge ends with the
// reason.
func (s *Service) conclude(ctx context.Context, c policy.Connector, a acme.Authorization, challenge acme.Challenge, outcome acme.Outcome) {
	ctx, cancel := detach(ctx)
	defer cancel()
	err := s.record(ctx, c, a, challenge, outcome)
	if fault.Is(err, fault.Unauthorized) {
		err = s.record(ctx, c, a, challenge, stopped(err, outcome.Attempts))
	}
	if err != nil && !fault.Is(err, fault.Conflict) {
		s.log.Error("the outcome of a challenge could not be recorded", slog.String("authorization", a.ID), slog.Any("error", err))
	}
}

func (s *Service) record(ctx context.Context, c policy.Connector, a acme.Authorization, challenge acme.Challenge, outcome acme.Outcome) error {
	now := s.now()
	action, detail := event.AuthorizationValid, a.Covers().Value()+" by "+string(challenge.Method)
	if outcome.Failure != nil {
		action, detail = event.AuthorizationInvalid, detail+": "+outcome.Failure.Public+reportsTo(outcome.Attempts)
	}
	conclusion := acme.Conclusion{
		Authorization: a.ID, Method: challenge.Method, KeyAuthorization: challenge.KeyAuthorization,
		Outcome: outcome, Now: now, ValidUntil: c.Rules.Counts(challenge.Method, now, outcome.Until()),
	}
	_, err := s.store.Conclude(ctx, s.counted(c, a, conclusion), event.Event{
		ID: s.newID(), At: now, Organisation: c.Organisation, Actor: "account:" + a.Account,
		Action: action, Object: a.ID, Detail: detail,
	})
	return err
}

// parties returns the connector and the account of an authorization as they are now.
func (s *Service) parties(ctx context.Context, a acme.Authorization) (policy.Connector, acme.Account, error) {
	c, err := s.store.Connector(ctx, a.Connector)
	if err != nil {
		return c, acme.Account{}, err
	}
	owner, err := s.store.Account(ctx, a.Account)
	return c, owner, err
}

// validate looks from outside. A suspended connector, and an account that has ended or is stopped, prove nothing: what was
// answered before ends with the reason.
func (s *Service) validate(
	ctx context.Context, c policy.Connector, owner acme.Account, a acme.Authorization, challenge acme.Challenge,
) (acme.Outcome, error) {
	r, err := s.standing(ctx, c, owner)
	if fault.Is(err, fault.Unauthorized) {
		return stopped(err, nil), nil
	}
	if err != nil {
		return acme.Outcome{}, err
	}
	look := s.sought(r, a, challenge)
	outcome := s.contained(look.Identifier, string(look.Method), func() acme.Outcome { return s.validator.Validate(ctx, look) })
	return s.alsoByCAA(ctx, c, a, challenge.Method, outcome), nil
}

// stopped is the outcome of a challenge of a requester who was stopped for a reason.
func stopped(reason error, attempts []acme.Attempt) acme.Outcome {
	return acme.Outcome{
		Failure:  &acme.Failure{Kind: string(fault.KindOf(reason)), Public: fault.Sentence(reason)},
		Attempts: attempts,
	}
}

// ResumeLooks takes up again at most limit challenges that are processing since before the given time and that nobody
// here looks at: those that a stopped server left behind. It returns how many it took up; fewer than limit means that
// there are no more, or no room for more.
func (s *Service) ResumeLooks(ctx context.Context, before time.Time, limit int) (int, error) {
	unfinished, err := s.store.Unfinished(ctx, before, limit+s.looks.count()) // those that fly are among them
	if err != nil {
		return 0, err
	}
	resumed := 0
	for _, a := range unfinished {
		if resumed == limit {
			break
		}
		if a.Status(s.now()) != acme.Pending { // it expired since
			continue
		}
		started, err := s.resumeLook(a)
		if err != nil {
			return resumed, nil //nolint:nilerr // no room: the rest waits for the next call
		}
		if started {
			resumed++
		}
	}
	return resumed, nil
}

// resumeLook takes up the challenge of an authorization that is processing, and reports whether it did. Error:
// Unavailable when there is no room.
func (s *Service) resumeLook(a acme.Authorization) (bool, error) {
	for _, c := range a.Challenges {
		if c.Status() == acme.Processing {
			return s.looks.resume(a.Account, a.ID, c.Method, func(ctx context.Context) { s.look(ctx, a, c) })
		}
	}
	return false, nil
}
