package manage

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/id"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// CertificateStatus says what a certificate is worth at a time.
type CertificateStatus string

// The statuses. A certificate that was revoked stays so after its expiry.
const (
	CertificateValid   CertificateStatus = "valid"
	CertificateRevoked CertificateStatus = "revoked"
	CertificateExpired CertificateStatus = "expired"
)

// CertificateView is a certificate with its status at the time of the answer.
type CertificateView struct {
	pki.Certificate
	ConnectorName string // "" on what the installation issued to itself
	IssuerName    string
	Status        CertificateStatus
	ReplacedBy    string   // id of the certificate that took its place; "" without one, and in lists
	Chain         [][]byte // DER: those above it, from its issuer to the root
}

// CertificateFilter selects certificates; zero fields select everything.
type CertificateFilter struct {
	Name          string // exact name or address, or ".example.com" for every name below it
	Connector     string // name
	Account       string // id
	Credential    string // id: of the accounts that came in by it; one that was deleted has them still
	Order         string // id
	Profile       string // name
	Issuer        string // id, or name for all issuers that had it
	IssuedBefore  time.Time
	IssuedAfter   time.Time
	ExpiresBefore time.Time
	ExpiresAfter  time.Time
	Revoked       bool // only revoked ones
}

// Certificates returns a page of the certificates that a filter selects, newest first, and where the next page begins;
// "" after the last. Errors: NotFound for the connector or the issuer; Malformed for the page or a name that no certificate can have.
func (s *Service) Certificates(ctx context.Context, f CertificateFilter, p Page) ([]CertificateView, string, error) {
	filter, err := s.filter(ctx, f)
	if err != nil {
		return nil, "", err
	}
	found, next, err := turn(p, func(c pki.Certificate) string { return c.ID }, func(before string, limit int) ([]pki.Certificate, error) {
		filter.Before, filter.Limit = before, limit
		return s.store.FindCertificates(ctx, filter)
	})
	if err != nil {
		return nil, "", err
	}
	views, err := s.viewCertificates(ctx, found...)
	return views, next, err
}

// filter returns a filter as the store has it.
func (s *Service) filter(ctx context.Context, f CertificateFilter) (pki.Filter, error) {
	name, err := canonicalName(f.Name)
	if err != nil {
		return pki.Filter{}, err
	}
	connector, err := s.connectorID(ctx, f.Connector)
	if err != nil {
		return pki.Filter{}, err
	}
	issuers, err := s.issuerIDs(ctx, f.Issuer)
	return pki.Filter{
		Name: name, Connector: connector, Account: f.Account, Credential: f.Credential, Order: f.Order, Profile: f.Profile, Issuers: issuers,
		IssuedBefore: f.IssuedBefore, IssuedAfter: f.IssuedAfter,
		ExpiresBefore: f.ExpiresBefore, ExpiresAfter: f.ExpiresAfter, Revoked: f.Revoked,
	}, err
}

// canonicalName returns the spelling in which the store keeps a name.
func canonicalName(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	if reason := wrongPattern(name); reason != "" || name == "*" || strings.Contains(name, "/") {
		return "", fault.New(fault.Malformed, "%q selects no certificate: give a name, an address, or \".example.com\" for every name below it.", clip(name))
	}
	return strings.ToLower(name), nil
}

// viewCertificates adds names and status.
func (s *Service) viewCertificates(ctx context.Context, found ...pki.Certificate) ([]CertificateView, error) {
	connectors, err := s.connectorNames(ctx)
	if err != nil {
		return nil, err
	}
	issuers, err := s.store.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	now := s.now()
	views := make([]CertificateView, 0, len(found))
	for _, c := range found {
		issuer, _ := byID(issuers, c.Issuer)
		views = append(views, CertificateView{
			Certificate: c, ConnectorName: connectors[c.Connector], IssuerName: issuer.Name,
			Status: statusOf(c, now), Chain: chain(issuers, c.Issuer),
		})
	}
	return views, nil
}

func statusOf(c pki.Certificate, now time.Time) CertificateStatus {
	switch {
	case !c.Revoked.IsZero():
		return CertificateRevoked
	case now.After(c.NotAfter):
		return CertificateExpired
	default:
		return CertificateValid
	}
}

// Certificate returns a certificate by its id, or by its serial number as people paste it. Errors: NotFound; Conflict
// when issuers used the same number; Malformed for what is neither.
func (s *Service) Certificate(ctx context.Context, ref string) (CertificateView, error) {
	c, err := s.certificate(ctx, ref)
	if err != nil {
		return CertificateView{}, err
	}
	views, err := s.viewCertificates(ctx, c)
	if err != nil {
		return CertificateView{}, err
	}
	views[0].ReplacedBy, err = s.replacedBy(ctx, c.ID)
	return views[0], err
}

func (s *Service) certificate(ctx context.Context, ref string) (pki.Certificate, error) {
	if id.Valid(ref) {
		c, err := s.store.Certificate(ctx, ref)
		if !fault.Is(err, fault.NotFound) {
			return c, err
		}
	}
	serial, err := pki.ParseSerial(ref)
	if err != nil && !id.Valid(ref) {
		return pki.Certificate{}, fault.Wrap(err, fault.Malformed, "%q is neither a serial number in hexadecimal nor the id of a certificate.", clip(ref))
	}
	if err != nil {
		return pki.Certificate{}, fault.New(fault.NotFound, "There is no certificate with the id %q.", ref)
	}
	c, err := s.store.CertificateBySerial(ctx, "", serial)
	switch fault.KindOf(err) {
	case fault.NotFound:
		err = fault.New(fault.NotFound, "There is no certificate with the serial number %s.", serial)
	case fault.Conflict:
		err = fault.New(fault.Conflict, "Several issuers used the serial number %s; give the id of the certificate.", serial)
	}
	return c, err
}

// RevokeCertificate revokes a certificate by its id or serial number and returns it as it is afterwards. The revocation
// list names it within seconds. With keyCompromise its key is blocked: it is never certified again, its other
// certificates are revoked within seconds, and a certificate that was revoked for another reason gets this one. Where
// nothing was to do, since it had been revoked before, changed is false, and date and reason are those of that time.
// Errors: those of Certificate; BadRevocationReason.
func (s *Service) RevokeCertificate(ctx context.Context, by Actor, ref, reason string) (view CertificateView, changed bool, err error) {
	why, err := parseReason(reason)
	if err != nil {
		return CertificateView{}, false, err
	}
	c, err := s.certificate(ctx, ref)
	if err != nil {
		return CertificateView{}, false, err
	}
	e, err := s.happening(by, event.CertificateRevoked, c.Organisation, c.ID, why.String())
	if err != nil {
		return CertificateView{}, false, err
	}
	_, err = s.store.Revoke(ctx, c.ID, s.now(), why, why == pki.KeyCompromise, e)
	changed = err == nil
	if err != nil && !fault.Is(err, fault.AlreadyRevoked) {
		return CertificateView{}, false, err
	}
	view, err = s.Certificate(ctx, c.ID)
	return view, changed, err
}

// parseReason reads a reason of RFC 5280 section 5.3.1 by its name, in any case, or by its code; "" is unspecified.
func parseReason(text string) (pki.Reason, error) {
	if text == "" {
		return pki.Unspecified, nil
	}
	const highest = 10
	for code := range highest + 1 {
		if strings.EqualFold(text, pki.Reason(code).String()) || text == strconv.Itoa(code) {
			return pki.ParseReason(code, false)
		}
	}
	return 0, fault.New(fault.BadRevocationReason, "%q is no reason: use unspecified (0), keyCompromise (1), "+
		"affiliationChanged (3), superseded (4), cessationOfOperation (5) or privilegeWithdrawn (9).", clip(text))
}
