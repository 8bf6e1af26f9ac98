package manage

import (
	"context"
	"crypto"
	"fmt"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Names of what exists from the start, beside Default.
const (
	Root       = "root"       // the issuer that signs the issuers
	ShortLived = "shortlived" // the profile of 160 hours
)

// settingSetUp is the name under which the database keeps when the set-up was complete.
const settingSetUp = "set-up"

// maxCAName bounds the name of the CA: with what is added it must fit into a common name of 64 characters.
const maxCAName = 40

// Setup says how an installation begins.
type Setup struct {
	CAName    string      // begins the names of the CA certificates; "": "Everleaf"
	PublicURL string      // base URL of the plain HTTP listener for revocation lists and issuers
	KeyType   pki.KeyType // of root and intermediate; "": P-256

	// RootKeyOut, when set, gets the root's key and certificate (DER) and puts the key where it belongs; the keyring
	// never has it. When it returns nil the key must be safe, since nothing else holds it.
	RootKeyOut func(key crypto.Signer, certificate []byte) error

	// Import, when set, brings an existing CA. A root gets an intermediate below it, an intermediate signs itself.
	Import *Import
}

// Result is the installation after Bootstrap.
type Result struct {
	Made   bool       // by this call
	Root   pki.Issuer // above Issuer; its key may be elsewhere
	Issuer pki.Issuer // named Default, in service; the zero Issuer when there is none
}

// Bootstrap sets an empty installation up: the organisation, a root and an intermediate signed by it, the profiles
// "default" and "shortlived", and an acme connector that offers them. On an installation that is set up it changes
// nothing. It is safe to be stopped anywhere: the next call takes up what is there and finishes it.
// Errors: Malformed for the setup; Conflict when an earlier call was stopped after the root's key had left.
func (s *Service) Bootstrap(ctx context.Context, setup Setup) (Result, error) {
	done, err := s.store.Setting(ctx, settingSetUp)
	if err != nil {
		return Result{}, err
	}
	if done == "" {
		if err := s.setUp(ctx, setup); err != nil {
			return Result{}, err
		}
	}
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return Result{}, err
	}
	o, err := s.organisation(ctx, Default)
	if err != nil {
		return Result{}, err
	}
	result := Result{Made: done == ""}
	if signer, found := inService(all, o.ID, Default, s.now()); found {
		result.Issuer, result.Root = signer, top(all, signer)
	}
	return result, nil
}

// top returns the root above an issuer.
func top(all []pki.Issuer, i pki.Issuer) pki.Issuer {
	for range maxDepth {
		parent, found := byID(all, i.Parent)
		if !found {
			break
		}
		i = parent
	}
	return i
}

// setUp makes what is missing, each step on its own, and records last that it is complete.
func (s *Service) setUp(ctx context.Context, setup Setup) error {
	setup, err := setup.checked()
	if err != nil {
		return err
	}
	var existing brought
	if setup.Import != nil {
		if existing, err = setup.Import.read(s.keys.Parse, true, s.now()); err != nil {
			return err
		}
	}
	if err := s.store.PutSetting(ctx, settingPublicURL, setup.PublicURL); err != nil {
		return err
	}
	o, err := s.ensureOrganisation(ctx)
	if err != nil {
		return err
	}
	if err := s.ensureIssuer(ctx, o, setup, existing); err != nil {
		return err
	}
	if err := s.ensureProfile(ctx, o.ID, Default, pki.DefaultSpec(Default)); err != nil {
		return err
	}
	if err := s.ensureProfile(ctx, o.ID, ShortLived, pki.ShortLivedSpec(Default)); err != nil {
		return err
	}
	if err := s.ensureConnector(ctx, o.ID); err != nil {
		return err
	}
	return s.store.PutSetting(ctx, settingSetUp, s.now().Format(time.RFC3339))
}

// Check decides at now what Bootstrap would refuse of the setup, so that a caller makes nothing for what cannot be. Parse
// reads a private key, as Keys does. Error: Malformed.
func (setup Setup) Check(parse func(text, passphrase []byte) (crypto.Signer, error), now time.Time) error {
	setup, err := setup.checked()
	if err != nil || setup.Import == nil {
		return err
	}
	_, err = setup.Import.read(parse, true, now)
	return err
}

// checked returns the setup with its defaults. Error: Malformed.
func (setup Setup) checked() (Setup, error) {
	if setup.CAName == "" {
		setup.CAName = "Everleaf"
	}
	if setup.KeyType == "" {
		setup.KeyType = pki.ECDSAP256
	}
	base, err := checkPublicURL(setup.PublicURL)
	setup.PublicURL = base
	switch {
	case err != nil:
		return setup, err
	case !isLine(setup.CAName, maxCAName):
		return setup, fault.New(fault.Malformed, "%q cannot be the name of the CA: use one line of at most %d octets.", clip(setup.CAName), maxCAName)
	case !slices.Contains(pki.IssuerKeyTypes(), setup.KeyType):
		return setup, fault.New(fault.Malformed, "%q is no type of an issuer's key; use one of %v.", clip(string(setup.KeyType)), pki.IssuerKeyTypes())
	case setup.RootKeyOut != nil && setup.Import != nil:
		return setup, fault.New(fault.Malformed, "An imported CA keeps its keys where they are; leave out one of importing and putting the root's key elsewhere.")
	}
	return setup, nil
}

func (s *Service) ensureOrganisation(ctx context.Context) (policy.Organisation, error) {
	o, err := s.organisation(ctx, Default)
	if fault.Is(err, fault.NotFound) {
		return s.CreateOrganisation(ctx, System, Default)
	}
	return o, err
}

// ensureIssuer leaves an issuer named Default in service. Existing is what the setup imports, when it does.
func (s *Service) ensureIssuer(ctx context.Context, o policy.Organisation, setup Setup, existing brought) error {
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return err
	}
	if _, found := inService(all, o.ID, Default, s.now()); found {
		return nil
	}
	root, found := inService(all, o.ID, Root, s.now())
	switch {
	case found:
	case setup.Import != nil:
		root, err = s.importIssuer(ctx, System, o.ID, existing, setup.PublicURL)
		if err != nil || !root.IsRoot() {
			return err
		}
	case slices.ContainsFunc(all, func(i pki.Issuer) bool { return i.Name == Root && i.Key == "" }):
		return fault.New(fault.Conflict, "An earlier set-up was stopped half-way, with a root whose key is not here. "+
			"Nothing has been issued: begin again with an empty data folder.")
	case setup.RootKeyOut != nil:
		return s.makeWithRootOut(ctx, all, o.ID, setup)
	default:
		if root, err = s.makeRoot(ctx, all, o.ID, setup); err != nil {
			return err
		}
	}
	rootKey, err := s.keys.Load(root.Key)
	if err != nil {
		return fmt.Errorf("load the root's key: %w", err)
	}
	issuer, err := s.newIntermediate(ctx, all, setup.below(root, rootKey), setup.PublicURL)
	if err != nil {
		return err
	}
	return s.addIssuer(ctx, System, issuer)
}

// makeRoot makes and stores a root with its key in the keyring.
func (s *Service) makeRoot(ctx context.Context, all []pki.Issuer, organisation string, setup Setup) (pki.Issuer, error) {
	name, key, err := s.issuerKey(all, Root, setup.KeyType)
	if err != nil {
		return pki.Issuer{}, fmt.Errorf("make the root's key: %w", err)
	}
	root, err := s.newRoot(ctx, organisation, setup.subject("Root"), key, setup.PublicURL)
	if err != nil {
		return root, err
	}
	root.Key = name
	return root, s.addIssuer(ctx, System, root)
}

// makeWithRootOut makes root and intermediate while the root's key is in memory, and stores nothing before the key is safe.
func (s *Service) makeWithRootOut(ctx context.Context, all []pki.Issuer, organisation string, setup Setup) error {
	key, err := s.looseKey(setup.KeyType)
	if err != nil {
		return fmt.Errorf("make the root's key: %w", err)
	}
	root, err := s.newRoot(ctx, organisation, setup.subject("Root"), key, setup.PublicURL)
	if err != nil {
		return err
	}
	issuer, err := s.newIntermediate(ctx, all, setup.below(root, key), setup.PublicURL)
	if err != nil {
		return err
	}
	if err := setup.RootKeyOut(key, root.Certificate); err != nil {
		return err
	}
	if err := s.addIssuer(ctx, System, root); err != nil {
		return err
	}
	return s.addIssuer(ctx, System, issuer)
}

func (setup Setup) subject(role string) subject {
	return subject{commonName: setup.CAName + " " + role, organisation: setup.CAName}
}

// below returns the plan of the first intermediate.
func (setup Setup) below(root pki.Issuer, key crypto.Signer) intermediate {
	return intermediate{
		organisation: root.Organisation, name: Default, subject: setup.subject("Issuing"), kind: setup.KeyType,
		usages: []pki.Usage{pki.ServerAuth, pki.ClientAuth}, parent: root, parentKey: key,
	}
}

func (s *Service) ensureProfile(ctx context.Context, organisation, name string, spec pki.Spec) error {
	existing, _, err := s.newestProfile(ctx, organisation, name)
	if err != nil || existing.Version > 0 {
		return err
	}
	_, err = s.saveProfile(ctx, System, pki.Profile{Organisation: organisation, Name: name, Version: 1, Spec: spec})
	return err
}

func (s *Service) ensureConnector(ctx context.Context, organisation string) error {
	_, err := s.store.ConnectorByName(ctx, Default)
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	_, err = s.createConnector(ctx, System, policy.Connector{
		Organisation: organisation, Name: Default, Kind: policy.KindACME, Rules: policy.DefaultRules(Default, ShortLived),
	})
	return err
}
