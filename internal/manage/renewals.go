package manage

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

const (
	// maxOverrides bounds how many overrides are in force: each answer about a renewal reads them all.
	maxOverrides = 100
	// maxCovered bounds how many certificates of an override are counted.
	maxCovered = 100_000
	// overrideLength is how long the window of an override is when nobody says.
	overrideLength = 24 * time.Hour
	// maxExplanation bounds the URL of an explanation, in octets.
	maxExplanation = 1024
)

// NewOverride is what an operator asks for with OverrideRenewal.
type NewOverride struct {
	Set         CertificateFilter // which certificates
	All         bool              // all of them, with an empty Set
	Start       time.Time         // zero: now
	End         time.Time         // zero: a day after Start
	Explanation string            // URL; "" without one
}

// OverrideView is an override with what an operator wants to know of it.
type OverrideView struct {
	ari.Override
	ConnectorName string // "" when it selects by none
}

// Coverage is how many certificates that have not expired an override covers.
type Coverage struct {
	Certificates int
	More         bool // there are more than these
}

// OverrideRenewal moves the renewal of a set of certificates: from now on clients that ask are told this window in place
// of each certificate's own, until the override is ended. What is issued from now on has its own window again. The
// certificates themselves are not touched; clients ask every six hours, and those of short-lived certificates more often.
// Errors: Malformed; NotFound for the connector or the issuer; Conflict when too many overrides are in force.
func (s *Service) OverrideRenewal(ctx context.Context, by Actor, n NewOverride) (OverrideView, Coverage, error) {
	o, err := s.newOverride(ctx, n)
	if err != nil {
		return OverrideView{}, Coverage{}, err
	}
	covered, err := s.coverage(ctx, o)
	if err != nil {
		return OverrideView{}, Coverage{}, err
	}
	detail := fmt.Sprintf("from %s to %s", o.Window.Start.Format(time.RFC3339), o.Window.End.Format(time.RFC3339))
	e, err := s.happening(by, event.RenewalOverridden, "", o.ID, detail)
	if err != nil {
		return OverrideView{}, Coverage{}, err
	}
	if err := s.store.CreateOverride(ctx, o, maxOverrides, e); err != nil {
		return OverrideView{}, Coverage{}, err
	}
	views, err := s.viewOverrides(ctx, o)
	if err != nil {
		return OverrideView{}, Coverage{}, err
	}
	return views[0], covered, nil
}

// newOverride checks what is asked for.
func (s *Service) newOverride(ctx context.Context, n NewOverride) (ari.Override, error) {
	if everything := n.Set == (CertificateFilter{}); everything != n.All {
		return ari.Override{}, fault.New(fault.Malformed, "Say which certificates the override covers, or that it covers all; one of both.")
	}
	set, err := s.filter(ctx, n.Set)
	if err != nil {
		return ari.Override{}, err
	}
	o := ari.Override{Set: set, Window: s.windowOf(n), Explanation: n.Explanation, Created: s.now()}
	if o.Window.End.Sub(o.Window.Start) < ari.MinWindow {
		return ari.Override{}, fault.New(fault.Malformed, "The window would end at %s, which is less than %v after its start at %s.",
			o.Window.End.Format(time.RFC3339), ari.MinWindow, o.Window.Start.Format(time.RFC3339))
	}
	if err := checkExplanation(n.Explanation); err != nil {
		return ari.Override{}, err
	}
	o.ID, err = s.newID()
	return o, err
}

func (s *Service) windowOf(n NewOverride) ari.Window {
	w := ari.Window{Start: n.Start.UTC().Truncate(time.Second), End: n.End.UTC().Truncate(time.Second)}
	if n.Start.IsZero() {
		w.Start = s.now()
	}
	if n.End.IsZero() {
		w.End = w.Start.Add(overrideLength)
	}
	return w
}

// checkExplanation refuses what cannot be shown to people as a page.
func checkExplanation(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || !isLine(text, maxExplanation) {
		return fault.New(fault.Malformed, "%q is not the URL of a page: write it whole, like https://ca.example.com/why.", clip(text))
	}
	return nil
}

// coverage counts what an override covers.
func (s *Service) coverage(ctx context.Context, o ari.Override) (Coverage, error) {
	set, last := o.Set, o.Created.Add(time.Second)
	if set.IssuedBefore.IsZero() || last.Before(set.IssuedBefore) {
		set.IssuedBefore = last
	}
	set.ExpiresAfter = s.now()
	n, err := s.store.CountCertificates(ctx, set, maxCovered+1)
	return Coverage{Certificates: min(n, maxCovered), More: n > maxCovered}, err
}

// Overrides returns the overrides in force, newest first; with ended set, those that have ended too.
func (s *Service) Overrides(ctx context.Context, ended bool) ([]OverrideView, error) {
	all, err := s.store.Overrides(ctx, ended)
	if err != nil {
		return nil, err
	}
	return s.viewOverrides(ctx, all...)
}

// EndOverride gives the certificates of an override their own windows back, and returns what it was. Ending it twice
// keeps the first date. Error: NotFound.
func (s *Service) EndOverride(ctx context.Context, by Actor, id string) (OverrideView, error) {
	e, err := s.happening(by, event.RenewalRestored, "", id, "")
	if err != nil {
		return OverrideView{}, err
	}
	o, err := s.store.EndOverride(ctx, id, e.At, e)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "There is no override %q; list them for their ids.", clip(id))
	}
	if err != nil {
		return OverrideView{}, err
	}
	views, err := s.viewOverrides(ctx, o)
	if err != nil {
		return OverrideView{}, err
	}
	return views[0], nil
}

func (s *Service) viewOverrides(ctx context.Context, all ...ari.Override) ([]OverrideView, error) {
	names, err := s.connectorNames(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]OverrideView, 0, len(all))
	for _, o := range all {
		views = append(views, OverrideView{Override: o, ConnectorName: names[o.Set.Connector]})
	}
	return views, nil
}

// issuerIDs returns the issuer with an id, or all of a name, which succeed each other; nothing for "". Error: NotFound,
// with the names that exist.
func (s *Service) issuerIDs(ctx context.Context, ref string) ([]string, error) {
	if ref == "" {
		return nil, nil
	}
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	if i, found := byID(all, ref); found {
		return []string{i.ID}, nil
	}
	var ids, names []string
	for _, i := range all {
		if names = append(names, i.Name); i.Name == ref {
			ids = append(ids, i.ID)
		}
	}
	if ids == nil {
		return nil, unknown("issuer", ref, names)
	}
	return ids, nil
}

// replacedBy returns the id of the certificate that took the place of another; "" when there is none.
func (s *Service) replacedBy(ctx context.Context, certificate string) (string, error) {
	found, err := s.store.FindCertificates(ctx, pki.Filter{Replaces: certificate, Limit: 1})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].ID, nil
}
