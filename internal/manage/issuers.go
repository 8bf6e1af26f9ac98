package manage

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/id"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// IssuerView is an issuer with what an operator wants to know of it.
type IssuerView struct {
	pki.Issuer
	OrganisationName string
	Signs            bool      // it is the one of its name that signs at the time of the answer
	Chain            [][]byte  // DER: its certificate, then those above it, the root last
	OCSP             string    // URL where the status of its certificates is told; "" where its key is not on this machine
	ResponderUntil   time.Time // end of the certificate with which OCSP replies are signed; zero: there is none, as before the first
}

// Issuers returns all issuers, newest first.
func (s *Service) Issuers(ctx context.Context) ([]IssuerView, error) {
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	organisations, err := s.organisationNames(ctx)
	if err != nil {
		return nil, err
	}
	base, err := s.PublicURL(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]IssuerView, 0, len(all))
	for _, i := range all {
		signer, found := inService(all, i.Organisation, i.Name, s.now())
		view := IssuerView{
			Issuer: i, OrganisationName: organisations[i.Organisation],
			Signs: found && signer.ID == i.ID, Chain: chain(all, i.ID), ResponderUntil: s.maker.ResponderUntil(i.ID, s.now()),
		}
		if i.Key != "" {
			view.OCSP = pki.OCSPURL(base, i.ID)
		}
		views = append(views, view)
	}
	return views, nil
}

// Issuer returns an issuer by its id, or the one of a name that signs, else the newest of the name. Errors: NotFound,
// with the names that exist; Malformed for a name that several organisations have, with their ids.
func (s *Service) Issuer(ctx context.Context, ref string) (IssuerView, error) {
	views, err := s.Issuers(ctx)
	if err != nil {
		return IssuerView{}, err
	}
	tests := []func(IssuerView) bool{
		func(v IssuerView) bool { return id.Valid(ref) && v.ID == ref },
		func(v IssuerView) bool { return v.Name == ref && v.Signs },
		func(v IssuerView) bool { return v.Name == ref },
	}
	for _, fits := range tests {
		if i := slices.IndexFunc(views, fits); i >= 0 {
			return views[i], onlyOne(views[i], views, fits)
		}
	}
	var names []string
	for _, v := range views {
		names = append(names, v.Name)
	}
	return IssuerView{}, unknown("issuer", ref, names)
}

// onlyOne refuses a name by which issuers of several organisations go: the newest may be that of another one.
func onlyOne(first IssuerView, all []IssuerView, fits func(IssuerView) bool) error {
	var choice []string
	several := false
	for _, v := range all {
		if fits(v) {
			several = several || v.Organisation != first.Organisation
			choice = append(choice, v.ID+" of "+v.OrganisationName)
		}
	}
	if !several {
		return nil
	}
	return fault.New(fault.Malformed, "Several organisations have an issuer named %s; give the id of one: %s.", first.Name, strings.Join(choice, ", "))
}

// MissingKeys returns the issuers that could sign now and whose key is not in the keyring, though it should be. A
// server that finds one must not start: it would stop issuing, or be given a second CA in silence.
func (s *Service) MissingKeys(ctx context.Context) ([]pki.Issuer, error) {
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	names, err := s.keys.Names()
	if err != nil {
		return nil, err
	}
	now := s.now()
	return slices.DeleteFunc(all, func(i pki.Issuer) bool {
		return i.Key == "" || !now.Before(i.NotAfter) || slices.Contains(names, i.Key)
	}), nil
}

// inService returns the issuer of a name that signs at now: the newest that is valid and has its key on this machine.
// issuers are newest first.
func inService(issuers []pki.Issuer, organisation, name string, now time.Time) (pki.Issuer, bool) {
	for _, i := range issuers {
		if i.Organisation == organisation && i.Name == name && i.Key != "" && !now.Before(i.NotBefore) && now.Before(i.NotAfter) {
			return i, true
		}
	}
	return pki.Issuer{}, false
}

// maxDepth bounds the length of a chain, and of a walk through rows that should have no circle.
const maxDepth = 8

// chain returns the certificates from an issuer up to its root.
func chain(issuers []pki.Issuer, issuer string) [][]byte {
	var certificates [][]byte
	for issuer != "" && len(certificates) < maxDepth {
		i, found := byID(issuers, issuer)
		if !found {
			break
		}
		certificates = append(certificates, i.Certificate)
		issuer = i.Parent
	}
	return certificates
}

func byID(issuers []pki.Issuer, issuer string) (pki.Issuer, bool) {
	i := slices.IndexFunc(issuers, func(i pki.Issuer) bool { return i.ID == issuer })
	if i < 0 {
		return pki.Issuer{}, false
	}
	return issuers[i], true
}
