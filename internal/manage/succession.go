package manage

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Succession is what NextIssuers did and found.
type Succession struct {
	Made     []pki.Issuer
	Warnings []string // one sentence each: what an operator must do before time runs out
}

// NextIssuers makes the next issuer of each name that a profile uses, in time for the longest certificate, where the
// key of the parent is on this machine; where it is not, or where the parent itself ends too soon, it warns. It is
// meant to be called every few hours, by one node at a time: a second call right after it makes nothing.
// Orders that are open go on with the new issuer; certificates of the old one stay valid. What fails for one name keeps
// no other from its successor.
func (s *Service) NextIssuers(ctx context.Context) (Succession, error) {
	var result Succession
	needs, err := s.needs(ctx)
	if err != nil {
		return result, err
	}
	var failed []error
	for _, n := range needs {
		if err := s.look(ctx, n, &result); err != nil {
			failed = append(failed, fmt.Errorf("the successor of the issuer %s: %w", n.name, err))
		}
	}
	return result, errors.Join(failed...)
}

// look adds to the result what is to be said and was made for one name.
func (s *Service) look(ctx context.Context, n need, result *Succession) error {
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return err
	}
	v := n.decide(all, s.now())
	if v.warning != "" {
		result.Warnings = append(result.Warnings, v.warning)
	}
	if !v.due {
		return nil
	}
	key, err := s.keys.Load(v.parent.Key)
	if err != nil {
		return fmt.Errorf("load the key of its parent: %w", err)
	}
	made, err := s.succeed(ctx, System, all, v.issuer, v.parent, key)
	if err != nil {
		return err
	}
	result.Made = append(result.Made, made)
	return nil
}

// need is an issuer's name that profiles use, and for how long a certificate of the longest of them lives.
type need struct {
	organisation string
	name         string
	longest      time.Duration
}

// needs returns the names that the newest profile versions use, in the order of the profiles.
func (s *Service) needs(ctx context.Context) ([]need, error) {
	profiles, err := s.store.Profiles(ctx, "")
	if err != nil {
		return nil, err
	}
	var needs []need
	index := map[[2]string]int{}
	for _, p := range profiles {
		key := [2]string{p.Organisation, p.Spec.Issuer}
		at, known := index[key]
		if !known {
			at = len(needs)
			index[key] = at
			needs = append(needs, need{organisation: p.Organisation, name: p.Spec.Issuer})
		}
		needs[at].longest = max(needs[at].longest, p.Spec.Lifetime.Duration())
	}
	return needs, nil
}

// verdict is what to do about one name.
type verdict struct {
	due     bool // make a successor of issuer, signed by parent
	issuer  pki.Issuer
	parent  pki.Issuer
	warning string // "" without one
}

// decide says what to do about a name at now.
func (n need) decide(all []pki.Issuer, now time.Time) verdict {
	issuer, found := inService(all, n.organisation, n.name, now)
	switch {
	case !found:
		return verdict{warning: fmt.Sprintf("No issuer named %q can sign: none is valid now with its key on this machine. "+
			"Bring one with `everleaf ca import`.", n.name)}
	case !successorDue(issuer, n.longest, now):
		return verdict{}
	}
	ends := fmt.Sprintf("The issuer %q (%s) ends on %s", n.name, issuer.ID, issuer.NotAfter.Format(time.DateOnly))
	if issuer.IsRoot() {
		return verdict{warning: ends + " and is a root, which nothing here can renew. Bring the next one with `everleaf ca import`, and have it trusted in time."}
	}
	parent, known := byID(all, issuer.Parent)
	if !known || parent.Key == "" {
		return verdict{warning: ends + fmt.Sprintf(" and the key of its parent is not on this machine. Bring that key for a moment with `everleaf ca next %s`.", n.name)}
	}
	_, latest := pki.CAWindow(now, intermediateLife, backdate, parent.NotBefore, parent.NotAfter)
	if !latest.After(issuer.NotAfter) {
		return verdict{warning: fmt.Sprintf("%s and its parent %q (%s) on %s, so that no successor could last longer. "+
			"Bring an issuer below a new root with `everleaf ca import`, and have the root trusted in time.",
			ends, parent.Name, parent.ID, parent.NotAfter.Format(time.DateOnly))}
	}
	return verdict{due: true, issuer: issuer, parent: parent}
}

// successorDue reports whether an issuer needs a successor at now: when what remains of its life is less than twice
// the longest certificate, or less than a third of its life, whichever comes first. No issuer is due in the first
// third of its life, however long its certificates are: its successor would be due at once.
func successorDue(i pki.Issuer, longest time.Duration, now time.Time) bool {
	life := i.NotAfter.Sub(i.NotBefore)
	return i.NotAfter.Sub(now) < min(max(2*longest, life/3), 2*life/3)
}

// ParentKey is the private key of an issuer's parent, brought for one signature. It is not kept.
type ParentKey struct {
	PEM        []byte // empty: the key is in the keyring
	Passphrase []byte // of PEM, when it is encrypted
}

// NextIssuer makes the next issuer of a name at once, by an operator's word: because the parent's key is kept
// elsewhere, or because the present one must sign no longer. Errors: NotFound for the issuer; Malformed when the key
// is not the parent's; Conflict for a root, which has no parent, when the parent has expired, or when its key is not here and none was brought.
func (s *Service) NextIssuer(ctx context.Context, by Actor, ref string, p ParentKey) (IssuerView, error) {
	old, err := s.Issuer(ctx, ref)
	if err != nil {
		return IssuerView{}, err
	}
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return IssuerView{}, err
	}
	parent, found := byID(all, old.Parent)
	if !found {
		return IssuerView{}, fault.New(fault.Conflict, "The issuer %q is a root; nothing here can sign its successor. Bring the next root with `everleaf ca import`, and have it trusted in time.", old.Name)
	}
	if old.Key == "" {
		return IssuerView{}, fault.New(fault.Conflict, "The issuer %q (%s) does not sign here, so it has no successor; name one whose key is on this machine.", old.Name, old.ID)
	}
	key, err := s.signingKey(parent, p, "everleaf ca next "+old.Name)
	if err != nil {
		return IssuerView{}, err
	}
	next, err := s.succeed(ctx, by, all, old.Issuer, parent, key)
	if err != nil {
		return IssuerView{}, err
	}
	return s.Issuer(ctx, next.ID)
}

// succeed makes and stores the successor: same name, same type of key, same limits, a new key.
func (s *Service) succeed(ctx context.Context, by Actor, all []pki.Issuer, old, parent pki.Issuer, key crypto.Signer) (pki.Issuer, error) {
	certificate, err := old.Parse()
	if err != nil {
		return pki.Issuer{}, err
	}
	base, err := s.PublicURL(ctx)
	if err != nil {
		return pki.Issuer{}, err
	}
	name := subject{commonName: certificate.Subject.CommonName}
	if len(certificate.Subject.Organization) > 0 {
		name.organisation = certificate.Subject.Organization[0]
	}
	plan := intermediate{
		organisation: old.Organisation, name: old.Name, subject: name, kind: keyType(certificate.PublicKey), parent: parent, parentKey: key,
	}.like(certificate)
	if len(plan.usages) == 0 { // brought from elsewhere
		plan.usages = []pki.Usage{pki.ServerAuth, pki.ClientAuth}
	}
	next, err := s.newIntermediate(ctx, all, plan, base)
	if err != nil {
		return next, err
	}
	return next, s.addIssuer(ctx, by, next)
}
