package admin

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/netip"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// shown returns what a use case found as the wire has it, unless the use case failed.
func shown[D, W any](found D, err error, view func(D) W) (any, error) {
	if err != nil {
		return nil, err
	}
	return view(found), nil
}

// each returns every element as the wire has it; never nil.
func each[D, W any](found []D, view func(D) W) []W {
	list := make([]W, 0, len(found))
	for _, d := range found {
		list = append(list, view(d))
	}
	return list
}

func organisation(o policy.Organisation) adminapi.Organisation {
	return adminapi.Organisation{ID: o.ID, Name: o.Name, Created: adminapi.Date(o.Created)}
}

// directory returns the URL of a connector's directory; "" where nobody knows it.
func (d *door) directory(connector string) string {
	if d.base == "" {
		return ""
	}
	return d.base + "/acme/" + connector + "/directory"
}

func (d *door) showConnector(c manage.ConnectorView) adminapi.Connector {
	status := adminapi.StatusActive
	if !c.Suspended.IsZero() {
		status = adminapi.StatusSuspended
	}
	return adminapi.Connector{
		ID: c.ID, Name: c.Name, Kind: string(c.Kind), Organisation: c.OrganisationName, Status: status,
		Created: adminapi.Date(c.Created), Suspended: adminapi.Date(c.Suspended), Directory: d.directory(c.Name), Rules: c.Rules,
		Warnings: c.Warnings,
	}
}

func perspective(p manage.PerspectiveView) adminapi.Perspective {
	return adminapi.Perspective{
		ID: p.ID, Name: p.Name, URL: p.URL, Key: keyName(p.Key), Region: p.Region, Created: adminapi.Date(p.Created), Problem: p.Problem,
	}
}

func keyName(key pki.KeyHash) string { return hex.EncodeToString(key[:]) }

func profile(p manage.ProfileView) adminapi.Profile {
	return adminapi.Profile{
		ID: p.ID, Name: p.Name, Version: p.Version, Organisation: p.OrganisationName,
		Created: adminapi.Date(p.Created), Spec: p.Spec,
	}
}

func issuer(i manage.IssuerView) adminapi.Issuer {
	wire := adminapi.Issuer{
		ID: i.ID, Name: i.Name, Organisation: i.OrganisationName, Parent: i.Parent,
		NotBefore: adminapi.Date(i.NotBefore), NotAfter: adminapi.Date(i.NotAfter), Signs: i.Signs, HasKey: i.Key != "",
		CRL: i.Shard.URL, OCSP: i.OCSP, OCSPUntil: adminapi.Date(i.ResponderUntil), Fingerprint: fingerprint(i.Certificate), Created: adminapi.Date(i.Created),
	}
	if c, err := x509.ParseCertificate(i.Certificate); err == nil {
		wire.Subject, wire.Serial = c.Subject.String(), string(pki.SerialOf(c.SerialNumber))
		limits := pki.ConstraintsOf(c)
		wire.Usages = each(pki.UsagesOf(c), func(u pki.Usage) string { return string(u) })
		wire.Permitted = append(each(limits.PermittedNames, same), each(limits.PermittedNetworks, netip.Prefix.String)...)
		wire.Excluded = append(each(limits.ExcludedNames, everything), each(limits.ExcludedNetworks, netip.Prefix.String)...)
	}
	return wire
}

// everything names the empty domain, which holds every name.
func everything(domain string) string {
	if domain == "" {
		return "every name"
	}
	return domain
}

func issuerWithChain(i manage.IssuerView) adminapi.Issuer {
	wire := issuer(i)
	wire.PEM = pemOf(i.Chain)
	return wire
}

func account(a manage.AccountView) adminapi.Account {
	return adminapi.Account{
		ID: a.ID, Connector: a.ConnectorName, Status: string(a.Status()), Contacts: each(a.Contacts, same),
		Algorithm: a.Key.Algorithm(), Thumbprint: a.Key.Thumbprint(), Credential: a.Credential,
		Created: adminapi.Date(a.Created), TermsAgreed: adminapi.Date(a.TermsAgreed),
		Deactivated: adminapi.Date(a.Deactivated), Revoked: adminapi.Date(a.Revoked),
	}
}

func same(text string) string { return text }

func order(o manage.OrderView) adminapi.Order {
	wire := adminapi.Order{
		ID: o.ID, Connector: o.ConnectorName, Account: o.Account, Profile: o.ProfileName, Status: string(o.Status),
		Names: each(o.Identifiers, ident.Identifier.Value), Created: adminapi.Date(o.Created), Expires: adminapi.Date(o.Expires),
		NotBefore: adminapi.Date(o.NotBefore), NotAfter: adminapi.Date(o.NotAfter), Finalized: adminapi.Date(o.Begun),
		Certificate: o.Certificate, Replaces: o.Replaces, Failure: o.Failure,
	}
	for _, a := range o.Authorizations {
		wire.Authorizations = append(wire.Authorizations, authorization(a))
	}
	for _, c := range o.Checks {
		wire.CAA = append(wire.CAA, check(c))
	}
	for _, m := range o.Timeline {
		wire.Timeline = append(wire.Timeline, adminapi.Moment{At: adminapi.Date(m.At), What: m.What})
	}
	return wire
}

func check(c acme.Check) adminapi.Check {
	return adminapi.Check{Name: c.Identifier.Value(), Method: string(c.Method), Failure: c.Failure, Attempts: each(c.Attempts, attempt)}
}

func authorization(a manage.AuthorizationView) adminapi.Authorization {
	wire := adminapi.Authorization{
		ID: a.ID, Name: a.Covers().Value(), Status: string(a.Status),
		Created: adminapi.Date(a.Created), Expires: adminapi.Date(a.Expires), Challenges: each(a.Challenges, challenge),
	}
	if a.Approved() {
		wire.Approval = &a.Approval
	}
	return wire
}

func challenge(c acme.Challenge) adminapi.Challenge {
	return adminapi.Challenge{
		Method: string(c.Method), Status: string(c.Status()), Begun: adminapi.Date(c.Begun), Validated: adminapi.Date(c.Validated),
		Failure: c.Failure, Attempts: each(c.Attempts, attempt),
	}
}

func attempt(a acme.Attempt) adminapi.Attempt { return adminapi.Attempt(a) }

func certificate(c manage.CertificateView) adminapi.Certificate {
	wire := adminapi.Certificate{
		ID: c.ID, Serial: string(c.Serial), Names: each(c.Names, ident.Identifier.Value),
		NotBefore: adminapi.Date(c.NotBefore), NotAfter: adminapi.Date(c.NotAfter), Status: string(c.Status),
		Profile: c.ProfileName, Connector: c.ConnectorName, Account: c.Account, Order: c.Order,
		Issuer: c.IssuerName, IssuerID: c.Issuer, Fingerprint: fingerprint(c.DER), Issued: adminapi.Date(c.Issued),
		Replaces: c.Replaces, ReplacedBy: c.ReplacedBy,
		Warnings: c.Warnings,
	}
	if !c.Revoked.IsZero() {
		wire.RevokedAt, wire.Reason = adminapi.Date(c.Revoked), c.Reason.String()
	}
	return wire
}

// certificateWithChain adds the certificate in PEM with those above it but the root, which whoever verifies has.
func certificateWithChain(c manage.CertificateView) adminapi.Certificate {
	wire := certificate(c)
	above := c.Chain[:max(len(c.Chain)-1, 0)]
	wire.PEM = pemOf(append([][]byte{c.DER}, above...))
	return wire
}

// revoked returns the view of a certificate whose revocation was asked for.
func revoked(changed bool) func(manage.CertificateView) adminapi.RevokedCertificate {
	return func(c manage.CertificateView) adminapi.RevokedCertificate {
		return adminapi.RevokedCertificate{Certificate: certificate(c), Changed: changed}
	}
}

func happening(e manage.EventView) adminapi.Event {
	return adminapi.Event{
		ID: e.ID, At: adminapi.Date(e.At), Organisation: e.OrganisationName, Actor: e.Actor,
		Action: string(e.Action), Object: e.Object, Detail: e.Detail,
	}
}

func clock(c manage.ClockView) adminapi.Clock {
	return adminapi.Clock{Now: adminapi.Date(c.Now), Newest: adminapi.Date(c.Newest), Accepted: c.Accepted}
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

func pemOf(certificates [][]byte) string {
	var text bytes.Buffer
	for _, der := range certificates {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return text.String()
}
