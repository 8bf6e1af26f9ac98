package manage

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// ConnectorView is a connector with the name of its organisation.
type ConnectorView struct {
	policy.Connector
	OrganisationName string
	Warnings         []string // what keeps it from issuing; not told in lists
}

// NewConnector is what an operator asks for with CreateConnector.
type NewConnector struct {
	Name         string
	Kind         policy.Kind // "": KindACME
	Organisation string      // name; "": Default
}

// Change edits a declaration. Its error ends the use case, and nothing is stored.
type Change[T any] func(*T) error

// CreateConnector adds a connector with the rules that a connector starts with, changed by change; nil changes nothing.
// Errors: Malformed for a name, a kind or a rule that cannot be; NotFound for the organisation; Conflict when the name is taken.
func (s *Service) CreateConnector(ctx context.Context, by Actor, n NewConnector, change Change[policy.Rules]) (ConnectorView, error) {
	if n.Kind == "" {
		n.Kind = policy.KindACME
	}
	if n.Kind != policy.KindACME {
		return ConnectorView{}, fault.New(fault.Malformed, "%q is no kind of connector; %q is the one that there is.", clip(string(n.Kind)), policy.KindACME)
	}
	if err := checkName("a connector", n.Name); err != nil {
		return ConnectorView{}, err
	}
	o, err := s.organisation(ctx, n.Organisation)
	if err != nil {
		return ConnectorView{}, err
	}
	rules, err := s.edit(ctx, o.ID, policy.DefaultRules(Default), change)
	if err != nil {
		return ConnectorView{}, err
	}
	c, err := s.createConnector(ctx, by, policy.Connector{Organisation: o.ID, Name: n.Name, Kind: n.Kind, Rules: rules})
	if err != nil {
		return ConnectorView{}, err
	}
	return s.viewConnector(ctx, c)
}

// createConnector stores a connector of which everything but its id and its date has been decided.
func (s *Service) createConnector(ctx context.Context, by Actor, c policy.Connector) (policy.Connector, error) {
	key, err := s.newID()
	if err != nil {
		return c, err
	}
	c.ID, c.Created = key, s.now()
	e, err := s.happening(by, event.ConnectorSaved, c.Organisation, c.ID, "created "+c.Name)
	if err != nil {
		return c, err
	}
	return c, s.store.CreateConnector(ctx, c, e)
}

// Connectors returns all connectors.
func (s *Service) Connectors(ctx context.Context) ([]ConnectorView, error) {
	all, err := s.store.Connectors(ctx)
	if err != nil {
		return nil, err
	}
	organisations, err := s.organisationNames(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]ConnectorView, 0, len(all))
	for _, c := range all {
		views = append(views, ConnectorView{Connector: c, OrganisationName: organisations[c.Organisation]})
	}
	return views, nil
}

// Connector returns a connector by its name. Error: NotFound, with the names that exist.
func (s *Service) Connector(ctx context.Context, name string) (ConnectorView, error) {
	c, err := s.connector(ctx, name)
	if err != nil {
		return ConnectorView{}, err
	}
	return s.viewConnector(ctx, c)
}

func (s *Service) viewConnector(ctx context.Context, c policy.Connector) (ConnectorView, error) {
	organisations, err := s.organisationNames(ctx)
	if err != nil {
		return ConnectorView{}, err
	}
	warnings, err := s.againstPublic(ctx, c)
	return ConnectorView{Connector: c, OrganisationName: organisations[c.Organisation], Warnings: warnings}, err
}

// rulesTries is how often a change of rules is made anew because another one came in between.
const rulesTries = 5

// SetRules changes the rules of a connector. They hold for the next request; orders that are open keep the profile
// version that they name. Of operators who change rules at once none undoes what another did: change is called anew, on
// the rules that there are by then. Errors: NotFound; Malformed for a rule that cannot be; Conflict when others were
// always faster.
func (s *Service) SetRules(ctx context.Context, by Actor, name string, change Change[policy.Rules]) (ConnectorView, error) {
	return s.changeRules(ctx, by, name, event.ConnectorSaved, "changed the rules", change)
}

// changeRules is SetRules with what the log tells of it.
func (s *Service) changeRules(
	ctx context.Context, by Actor, name string, action event.Action, detail string, change Change[policy.Rules],
) (ConnectorView, error) {
	var c policy.Connector
	var err error
	for range rulesTries {
		if c, err = s.setRules(ctx, by, name, action, detail, change); !fault.Is(err, fault.Conflict) {
			break
		}
	}
	if err != nil {
		return ConnectorView{}, err
	}
	return s.viewConnector(ctx, c)
}

// setRules changes the rules once. Error beyond those of SetRules: Conflict when they were changed meanwhile.
func (s *Service) setRules(
	ctx context.Context, by Actor, name string, action event.Action, detail string, change Change[policy.Rules],
) (policy.Connector, error) {
	c, err := s.connector(ctx, name)
	if err != nil {
		return c, err
	}
	old := c.Rules
	if c.Rules, err = s.edit(ctx, c.Organisation, old, change); err != nil {
		return c, err
	}
	e, err := s.happening(by, action, c.Organisation, c.ID, detail)
	if err != nil {
		return c, err
	}
	return c, s.store.SetRules(ctx, c.ID, old, c.Rules, e)
}

// SuspendConnector lets a connector issue and prove nothing until it is resumed; what was issued can still be fetched and
// revoked. Suspending twice keeps the first date.
func (s *Service) SuspendConnector(ctx context.Context, by Actor, name string) (ConnectorView, error) {
	return s.setSuspended(ctx, by, name, s.now(), "suspended")
}

// ResumeConnector opens a suspended connector again; an open one is left as it is.
func (s *Service) ResumeConnector(ctx context.Context, by Actor, name string) (ConnectorView, error) {
	return s.setSuspended(ctx, by, name, time.Time{}, "resumed")
}

func (s *Service) setSuspended(ctx context.Context, by Actor, name string, at time.Time, detail string) (ConnectorView, error) {
	c, err := s.connector(ctx, name)
	if err != nil {
		return ConnectorView{}, err
	}
	if c.Suspended.IsZero() != at.IsZero() {
		c.Suspended = at
		e, err := s.happening(by, event.ConnectorSaved, c.Organisation, c.ID, detail)
		if err != nil {
			return ConnectorView{}, err
		}
		if err := s.store.SuspendConnector(ctx, c.ID, at, e); err != nil {
			return ConnectorView{}, err
		}
	}
	return s.viewConnector(ctx, c)
}

// connector returns a connector by its name. Error: NotFound, with the names that exist.
func (s *Service) connector(ctx context.Context, name string) (policy.Connector, error) {
	c, err := s.store.ConnectorByName(ctx, name)
	if !fault.Is(err, fault.NotFound) {
		return c, err
	}
	all, err := s.store.Connectors(ctx)
	if err != nil {
		return c, err
	}
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	return c, unknown("connector", name, names)
}

// connectorID returns the id of a connector by its name; "" stands for all connectors and stays "".
func (s *Service) connectorID(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	c, err := s.connector(ctx, name)
	return c.ID, err
}

// connectorNames returns the names of all connectors by their ids.
func (s *Service) connectorNames(ctx context.Context) (map[string]string, error) {
	all, err := s.store.Connectors(ctx)
	names := make(map[string]string, len(all))
	for _, c := range all {
		names[c.ID] = c.Name
	}
	return names, err
}
