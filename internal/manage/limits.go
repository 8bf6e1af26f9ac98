package manage

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// maxLevels bounds how many limits of a connector are listed: whoever wants to know what is taken asks for a kind.
const maxLevels = 1000

// LimitView is what was taken of a limit, with what is allowed.
type LimitView struct {
	limit.Level
	ConnectorName string
	Rate          limit.Rate // for this subject
	Count         int        // how many are not yet earned again
	PausedUntil   time.Time  // zero: it does not pause
}

// Limits returns the limits of a connector ("" for all) of which something is taken, and the pauses, those with the
// latest end first: of one kind, or of all with "". Errors: NotFound for the connector; Malformed for the kind.
func (s *Service) Limits(ctx context.Context, connector string, kind limit.Kind) ([]LimitView, error) {
	if kind != "" && !slices.Contains(limit.Kinds(), kind) {
		return nil, noSuchKind(kind)
	}
	if kind.InARow() {
		kind = limit.FailedValidations // the failures in a row are kept there
	}
	connectors, err := s.chosen(ctx, connector)
	if err != nil {
		return nil, err
	}
	views, now := []LimitView{}, s.now()
	for _, c := range connectors {
		levels, err := s.store.Levels(ctx, c.ID, kind, now, maxLevels)
		if err != nil {
			return nil, err
		}
		for _, l := range levels {
			if v := viewLimit(c, l, now); v.Count > 0 || !v.PausedUntil.IsZero() {
				views = append(views, v)
			}
		}
	}
	return views, nil
}

// chosen returns the connector of a name, or all with "".
func (s *Service) chosen(ctx context.Context, name string) ([]policy.Connector, error) {
	if name == "" {
		return s.store.Connectors(ctx)
	}
	c, err := s.connector(ctx, name)
	return []policy.Connector{c}, err
}

func viewLimit(c policy.Connector, l limit.Level, now time.Time) LimitView {
	charge := c.Rules.Limits.Of(l.Key, now)
	v := LimitView{Level: l, ConnectorName: c.Name, Rate: charge.Rate, Count: l.Taken(charge.Rate, now)}
	if until, paused := l.Paused(charge.Pause, now); paused {
		v.PausedUntil = until
	}
	return v
}

// ResetLimit gives back all that was taken of a limit at a connector ("" for Default), and returns it as it was.
// Errors: NotFound for the connector, and when nothing is taken.
func (s *Service) ResetLimit(ctx context.Context, by Actor, connector string, key limit.Key) (LimitView, error) {
	if connector == "" {
		connector = Default
	}
	c, err := s.connector(ctx, connector)
	if err != nil {
		return LimitView{}, err
	}
	e, err := s.happening(by, event.LimitReset, c.Organisation, c.ID, string(key.Kind)+" "+key.Subject)
	if err != nil {
		return LimitView{}, err
	}
	return s.forget(ctx, c, key, e)
}

// ResumeProofs ends the pause of an account for a name after failures in a row, and forgets the failures. Errors:
// Malformed for the name; NotFound for the account, and when there were no failures.
func (s *Service) ResumeProofs(ctx context.Context, by Actor, account, name string) (LimitView, error) {
	id, err := parseName(name)
	if err != nil {
		return LimitView{}, err
	}
	a, err := s.Account(ctx, account)
	if err != nil {
		return LimitView{}, err
	}
	c, err := s.connector(ctx, a.ConnectorName)
	if err != nil {
		return LimitView{}, err
	}
	key := limit.Key{Kind: limit.FailedValidations, Subject: limit.Pair(a.ID, id.Base().Value())}
	e, err := s.happening(by, event.LimitResumed, c.Organisation, a.ID, id.Base().Value())
	if err != nil {
		return LimitView{}, err
	}
	return s.forget(ctx, c, key, e)
}

// forget resets a limit and returns it as it was.
func (s *Service) forget(ctx context.Context, c policy.Connector, key limit.Key, e event.Event) (LimitView, error) {
	level, err := s.store.Level(ctx, c.ID, key)
	if err != nil {
		return LimitView{}, err
	}
	err = s.store.ResetLevel(ctx, c.ID, key, e)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "Nothing is taken of %s for %q at the connector %s; list the limits for what is.", clip(string(key.Kind)), clip(key.Subject), c.Name)
	}
	return viewLimit(c, level, s.now()), err
}

// Override is what an operator asks for with OverrideLimit. Exactly one of Account, Credential, Name and Address is set.
type Override struct {
	Connector  string // name; "": that of the account or the credential, else Default
	Account    string
	Credential string
	Name       string
	Address    string // or a network
	Kind       limit.Kind
	Rate       limit.Rate
	Usual      bool // what the connector declares holds again
	Until      time.Time
}

// OverrideLimit gives one account, credential, name or network another rate of a kind than the connector declares, in
// place of the one that it had. Errors: NotFound; Malformed, also for a kind that does not count by what is named.
func (s *Service) OverrideLimit(ctx context.Context, by Actor, o Override) (ConnectorView, error) {
	if !o.Until.IsZero() && !o.Until.After(s.now()) {
		return ConnectorView{}, fault.New(fault.Malformed, "The override would have ended already; give a time to come.")
	}
	connector, subject, err := s.overridden(ctx, o)
	if err != nil {
		return ConnectorView{}, err
	}
	made := limit.Override{Kind: o.Kind, For: subject, Rate: o.Rate, Until: o.Until.UTC().Truncate(time.Second)}
	detail := fmt.Sprintf("%s %s for %s", made.Kind, made.Rate, made.For)
	if o.Usual {
		detail = fmt.Sprintf("%s as usual for %s", made.Kind, made.For)
	}
	return s.changeRules(ctx, by, connector, event.LimitOverridden, detail, func(r *policy.Rules) error {
		kept := slices.DeleteFunc(r.Limits.Overrides, func(old limit.Override) bool {
			return old.Kind == made.Kind && old.For == made.For || !old.Until.IsZero() && !s.now().Before(old.Until)
		})
		if !o.Usual {
			kept = append([]limit.Override{made}, kept...)
		}
		r.Limits.Overrides = kept
		return nil
	})
}

// overridden returns the connector of an override and the subject in the spelling in which limits know it.
func (s *Service) overridden(ctx context.Context, o Override) (connector, subject string, err error) {
	named := 0
	for _, text := range []string{o.Account, o.Credential, o.Name, o.Address} {
		if text != "" {
			named++
		}
	}
	switch {
	case named != 1:
		return "", "", fault.New(fault.Malformed, "Name one of an account, a credential, a name and an address.")
	case !slices.Contains(limit.Kinds(), o.Kind):
		return "", "", noSuchKind(o.Kind)
	}
	var counts []limit.Kind
	connector = o.Connector
	switch {
	case o.Account != "":
		counts = []limit.Kind{limit.OrdersPerAccount, limit.FailedValidations, limit.FailuresInARow}
		view, failed := s.Account(ctx, o.Account)
		connector, subject, err = view.ConnectorName, view.ID, failed
	case o.Credential != "":
		counts = []limit.Kind{limit.AccountsPerCredential, limit.OrdersPerCredential}
		view, failed := s.Credential(ctx, o.Credential)
		connector, subject, err = view.ConnectorName, view.ID, failed
	case o.Name != "":
		counts = []limit.Kind{
			limit.OrdersPerDomain, limit.OrdersPerIdentifier, limit.OrdersPerSet, limit.CertificatesPerSet, limit.FailedValidations, limit.FailuresInARow,
		}
		subject, err = nameFor(o.Kind, o.Name)
	default:
		counts = []limit.Kind{limit.AccountsPerAddress, limit.RenewalsPerAddress}
		subject, err = networkFor(o.Address)
	}
	if err == nil && !slices.Contains(counts, o.Kind) {
		err = fault.New(fault.Malformed, "%s does not count by what you named; these do: %s.", o.Kind, listed(counts))
	}
	if connector == "" {
		connector = Default
	}
	return connector, subject, err
}

func noSuchKind(k limit.Kind) error {
	return fault.New(fault.Malformed, "%q is no kind of limit; there are: %s.", clip(string(k)), listed(limit.Kinds()))
}

func listed(kinds []limit.Kind) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(kinds), "[]")), ", ")
}

// nameFor returns a name as a kind of limit counts it.
func nameFor(k limit.Kind, text string) (string, error) {
	id, err := parseName(text)
	if err != nil {
		return "", err
	}
	switch k {
	case limit.OrdersPerDomain:
		if domain := limit.Domain(id); domain != id.Value() {
			return "", fault.New(fault.Malformed, "%s counts %s as %s; name that.", k, id, domain)
		}
		return id.Value(), nil
	case limit.FailedValidations, limit.FailuresInARow:
		return id.Base().Value(), nil
	default:
		return id.Value(), nil
	}
}

// parseName reads a DNS name or an address.
func parseName(text string) (ident.Identifier, error) {
	kind := ident.DNS
	if _, err := netip.ParseAddr(text); err == nil {
		kind = ident.IP
	}
	id, err := ident.Parse(string(kind), text)
	if err != nil {
		return id, fault.Wrap(err, fault.Malformed, "%q %s.", clip(text), ident.Reason(err))
	}
	return id, nil
}

// networkFor returns an address as limits count it, or a network.
func networkFor(text string) (string, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return limit.Address(addr), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return "", fault.New(fault.Malformed, "%q is neither an address nor a network.", clip(text))
	}
	if reason := wrongPrefix(prefix); reason != "" {
		return "", fault.New(fault.Malformed, "%q: %s.", clip(text), reason)
	}
	return prefix.String(), nil
}
