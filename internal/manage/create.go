package manage

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"slices"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// NewIssuer is what an operator asks for with CreateIssuer.
type NewIssuer struct {
	Name         string
	Organisation string          // name; "": Default
	Parent       string          // name or id of the issuer that signs it
	KeyType      pki.KeyType     // "": ECDSA with P-256
	CommonName   string          // "": the parent's organisation and the name
	Country      string          // of the subject; "" leaves it out
	Usages       []pki.Usage     // what its leaves may be used for; none: servers and clients
	Constraints  pki.Constraints // what its leaves may name
	Public       bool            // for profiles that are public
	ParentKey    ParentKey
}

// CreateIssuer makes an issuer of a new name below another one. Errors: Malformed with everything that cannot be;
// NotFound for the organisation and the parent; Conflict when the organisation has an issuer of the name, or the parent
// cannot sign it.
func (s *Service) CreateIssuer(ctx context.Context, by Actor, n NewIssuer) (IssuerView, error) {
	if err := checkName("an issuer", n.Name); err != nil {
		return IssuerView{}, err
	}
	o, err := s.organisation(ctx, n.Organisation)
	if err != nil {
		return IssuerView{}, err
	}
	parent, err := s.Issuer(ctx, n.Parent)
	if err != nil {
		return IssuerView{}, err
	}
	plan, err := n.below(o.ID, parent.Issuer)
	if err != nil {
		return IssuerView{}, err
	}
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return IssuerView{}, err
	}
	if slices.ContainsFunc(all, func(i pki.Issuer) bool { return i.Organisation == o.ID && i.Name == n.Name }) {
		return IssuerView{}, fault.New(fault.Conflict, "There is an issuer named %s already; make its successor with `everleaf ca next %s`, or choose another name.", n.Name, n.Name)
	}
	if plan.parentKey, err = s.signingKey(parent.Issuer, n.ParentKey, "everleaf ca create "+n.Name); err != nil {
		return IssuerView{}, err
	}
	base, err := s.PublicURL(ctx)
	if err != nil {
		return IssuerView{}, err
	}
	made, err := s.newIntermediate(ctx, all, plan, base)
	if err != nil {
		return IssuerView{}, err
	}
	if err := s.addIssuer(ctx, by, made); err != nil {
		return IssuerView{}, err
	}
	return s.Issuer(ctx, made.ID)
}

// below returns the plan of the issuer, without the parent's key. Errors: Malformed; Conflict when the parent's
// certificate does not let it sign a CA.
func (n NewIssuer) below(organisation string, parent pki.Issuer) (intermediate, error) {
	certificate, err := parent.Parse()
	if err != nil {
		return intermediate{}, err
	}
	if certificate.MaxPathLen == 0 && certificate.MaxPathLenZero {
		return intermediate{}, fault.New(fault.Conflict, "The issuer %q may sign no CA: its path length is 0. Name a root with --parent.", parent.Name)
	}
	if n.KeyType == "" {
		n.KeyType = pki.ECDSAP256
	}
	if !slices.Contains(pki.IssuerKeyTypes(), n.KeyType) {
		return intermediate{}, fault.New(fault.Malformed, "%q is none of the types of an issuer's key: %v.", clip(string(n.KeyType)), pki.IssuerKeyTypes())
	}
	plan := intermediate{
		organisation: organisation, name: n.Name, kind: n.KeyType, parent: parent,
		usages: n.Usages, constraints: n.Constraints, country: n.Country, public: n.Public,
	}
	if len(certificate.Subject.Organization) > 0 {
		plan.subject.organisation = certificate.Subject.Organization[0]
	}
	plan.subject.commonName = cmp.Or(n.CommonName, plan.subject.organisation+" "+n.Name)
	if !isLine(plan.subject.commonName, maxLabel) {
		return intermediate{}, fault.New(fault.Malformed, "common name: write one line of at most %d octets.", maxLabel)
	}
	if len(plan.usages) == 0 {
		plan.usages = []pki.Usage{pki.ServerAuth, pki.ClientAuth}
		if n.Public {
			plan.usages = []pki.Usage{pki.ServerAuth}
		}
	}
	return plan, plan.request().Validate()
}

// signingKey returns the key of an issuer that was brought for one signature, or the one in the keyring. command is what
// an operator writes to bring it.
func (s *Service) signingKey(issuer pki.Issuer, brought ParentKey, command string) (crypto.Signer, error) {
	switch {
	case !s.now().Before(issuer.NotAfter):
		return nil, fault.New(fault.Conflict, "The certificate of %q (%s) has expired, and can sign nothing; import an issuer below a new root.", issuer.Name, issuer.ID)
	case len(brought.PEM) == 0 && issuer.Key == "":
		return nil, fault.New(fault.Conflict, "The key of %q (%s) is not on this machine; bring it for this one signature with `%s --parent-key FILE`.", issuer.Name, issuer.ID, command)
	case len(brought.PEM) == 0:
		return s.keys.Load(issuer.Key)
	}
	key, err := s.keys.Parse(brought.PEM, brought.Passphrase)
	if err != nil {
		return nil, err
	}
	certificate, err := issuer.Parse()
	if err != nil {
		return nil, err
	}
	if !pki.OwnsKey(certificate, key.Public()) {
		return nil, fault.New(fault.Malformed, "The key does not belong to the parent %q (%s).", issuer.Name, issuer.ID)
	}
	return key, nil
}

// like takes over what the certificate of an issuer says of its leaves, for its successor.
func (i intermediate) like(c *x509.Certificate) intermediate {
	i.usages, i.policies, i.constraints = pki.UsagesOf(c), pki.PoliciesOf(c), pki.ConstraintsOf(c)
	i.public = slices.Contains(i.policies, pki.Policy{OID: pki.PolicyDomainValidated}) // and not by naming every policy
	if len(c.Subject.Country) > 0 {
		i.country = c.Subject.Country[0]
	}
	return i
}

// request returns what the plan asks of the certificate.
func (i intermediate) request() pki.CARequest {
	r := pki.CARequest{
		CommonName: i.subject.commonName, Organisation: i.subject.organisation, Country: i.country,
		Usages: i.usages, Policies: i.policies, Constraints: i.constraints, Public: i.public,
	}
	if i.public && len(i.policies) == 0 {
		r.Policies = []pki.Policy{{OID: pki.PolicyDomainValidated}}
	}
	return r
}
