package manage

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// ProfileView is the newest version of a profile with the name of its organisation.
type ProfileView struct {
	pki.Profile
	OrganisationName string
}

// SaveProfile makes a profile, or a new version of it: the newest one (a new profile begins as the default one) as
// change makes it. The next order gets it; open orders keep their version. A change that changes nothing makes no
// version. Errors: Malformed with everything that cannot be; NotFound for the organisation; Conflict when another
// operator was faster.
func (s *Service) SaveProfile(ctx context.Context, by Actor, organisation, name string, change Change[pki.Spec]) (ProfileView, error) {
	if err := checkName("a profile", name); err != nil {
		return ProfileView{}, err
	}
	o, err := s.organisation(ctx, organisation)
	if err != nil {
		return ProfileView{}, err
	}
	newest, _, err := s.newestProfile(ctx, o.ID, name)
	if err != nil {
		return ProfileView{}, err
	}
	spec := newest.Spec
	if newest.Version == 0 {
		spec = pki.DefaultSpec(Default)
	}
	spec = spec.Clone() // change may write into its lists
	if change != nil {
		if err := change(&spec); err != nil {
			return ProfileView{}, err
		}
	}
	if newest.Version > 0 && reflect.DeepEqual(spec, newest.Spec) {
		return ProfileView{newest, o.Name}, nil
	}
	if err := s.checkSpec(ctx, o.ID, spec); err != nil {
		return ProfileView{}, err
	}
	p, err := s.saveProfile(ctx, by, pki.Profile{Organisation: o.ID, Name: name, Version: newest.Version + 1, Spec: spec})
	return ProfileView{p, o.Name}, err
}

// saveProfile stores a profile version of which everything but its id and its date has been decided.
func (s *Service) saveProfile(ctx context.Context, by Actor, p pki.Profile) (pki.Profile, error) {
	key, err := s.newID()
	if err != nil {
		return p, err
	}
	p.ID, p.Created = key, s.now()
	e, err := s.happening(by, event.ProfileSaved, p.Organisation, p.ID, fmt.Sprintf("%s version %d", p.Name, p.Version))
	if err != nil {
		return p, err
	}
	return p, s.store.SaveProfile(ctx, p, e)
}

// checkSpec refuses a declaration that could never issue. Error: Malformed.
func (s *Service) checkSpec(ctx context.Context, organisation string, spec pki.Spec) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	var found findings
	checkEach(&found, "names", spec.Names, wrongPattern)
	if len(found) > 0 {
		return fault.New(fault.Malformed, "%s", strings.Join(found, " "))
	}
	issuers, err := s.store.Issuers(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, i := range issuers {
		if i.Organisation != organisation || i.Key == "" {
			continue
		}
		if i.Name == spec.Issuer {
			return checkIssuer(spec, i)
		}
		names = append(names, i.Name)
	}
	return fault.New(fault.Malformed, "issuer: %s", fault.Sentence(unknown("issuer with its key on this machine", spec.Issuer, names)))
}

// checkIssuer refuses usages that the issuer's certificate does not have. Error: Malformed.
func checkIssuer(spec pki.Spec, i pki.Issuer) error {
	certificate, err := i.Parse()
	if err != nil {
		return err
	}
	if !pki.PermitsUsages(certificate, spec.Usages) {
		return fault.New(fault.Malformed, "usages: the certificate of the issuer %s permits only its own extended key usages, and not all of %v; "+
			"make an issuer for them with: everleaf ca create NAME --usages ...", i.Name, spec.Usages)
	}
	if spec.Public && !pki.PermitsPolicy(certificate, pki.PolicyDomainValidated) {
		return fault.New(fault.Malformed, "public: the certificate of the issuer %s does not have the policy %s; "+
			"make an issuer for public profiles with: everleaf ca create NAME --public --country ...", i.Name, pki.PolicyDomainValidated)
	}
	return nil
}

// Profiles returns the newest version of each profile, by name.
func (s *Service) Profiles(ctx context.Context) ([]ProfileView, error) {
	all, err := s.store.Profiles(ctx, "")
	if err != nil {
		return nil, err
	}
	organisations, err := s.organisationNames(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]ProfileView, 0, len(all))
	for _, p := range all {
		views = append(views, ProfileView{p, organisations[p.Organisation]})
	}
	return views, nil
}

// Profile returns the newest version of a profile of an organisation, both by name; "" stands for the default
// organisation. Error: NotFound, with the names that exist.
func (s *Service) Profile(ctx context.Context, organisation, name string) (ProfileView, error) {
	o, err := s.organisation(ctx, organisation)
	if err != nil {
		return ProfileView{}, err
	}
	p, names, err := s.newestProfile(ctx, o.ID, name)
	if err == nil && p.Version == 0 {
		err = unknown("profile", name, names)
	}
	return ProfileView{p, o.Name}, err
}

// newestProfile returns the newest version of a profile, the zero Profile when there is none, and the names of the
// profiles of the organisation.
func (s *Service) newestProfile(ctx context.Context, organisation, name string) (newest pki.Profile, names []string, err error) {
	all, err := s.store.Profiles(ctx, organisation)
	for _, p := range all {
		if p.Name == name {
			newest = p
		}
		names = append(names, p.Name)
	}
	return newest, names, err
}
