package issue

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Renewal returns when a certificate of a connector should be renewed (RFC 9773 section 4.2). It reads a few rows and
// writes nothing, so that strangers may ask. Errors: Malformed for what names no certificate, NotFound for one of another
// connector or of nobody; RateLimited when the address from asks too often.
func (s *Service) Renewal(ctx context.Context, c policy.Connector, from netip.Addr, id string) (ari.Advice, error) {
	if err := s.renewals.take(c, from, s.now()); err != nil {
		return ari.Advice{}, err
	}
	certificate, err := s.named(ctx, c, id)
	if err != nil {
		return ari.Advice{}, err
	}
	return s.advise(ctx, certificate, s.now())
}

func (s *Service) advise(ctx context.Context, c pki.Certificate, now time.Time) (ari.Advice, error) {
	var standing ari.Standing
	var err error
	if standing.Compromised, err = s.store.KeyBlocked(ctx, c.KeyHash); err != nil {
		return ari.Advice{}, err
	}
	if standing.Overrides, err = s.store.Overrides(ctx, false); err != nil {
		return ari.Advice{}, err
	}
	return ari.Advise(c, standing, now), nil
}

// renews reports whether an order does nothing but renew what it replaces, and in its time: it names nothing besides, and
// was placed when the certificate was to be renewed. Who replaces again and again, or adds names, renews nothing, and would
// otherwise be counted by no limit on names for ever.
func (s *Service) renews(ctx context.Context, o acme.Order) (bool, error) {
	if o.Replaces == "" {
		return false, nil
	}
	c, err := s.store.Certificate(ctx, o.Replaces)
	if err != nil {
		return false, err
	}
	advice, err := s.advise(ctx, c, o.Created)
	if err != nil {
		return false, err
	}
	more := slices.ContainsFunc(o.Identifiers, func(id ident.Identifier) bool { return !slices.Contains(c.Names, id) })
	return !more && !o.Created.Before(advice.Start), nil
}

// named returns the certificate of a connector that RFC 9773 names so.
func (s *Service) named(ctx context.Context, c policy.Connector, id string) (pki.Certificate, error) {
	parsed, err := ari.ParseID(id)
	if err != nil {
		return pki.Certificate{}, err
	}
	unknown := fault.New(fault.NotFound, "This connector did not issue the certificate that is named here.")
	found, err := s.store.CertificateBySerial(ctx, "", parsed.Serial)
	switch {
	case fault.Is(err, fault.NotFound):
		return pki.Certificate{}, unknown
	case err != nil:
		return pki.Certificate{}, err
	case found.Connector != c.ID:
		return pki.Certificate{}, unknown
	}
	leaf, err := x509.ParseCertificate(found.DER)
	if err != nil {
		return pki.Certificate{}, fmt.Errorf("certificate %s: %w", found.ID, err)
	}
	if !bytes.Equal(leaf.AuthorityKeyId, parsed.Authority) {
		return pki.Certificate{}, unknown
	}
	return found, nil
}

// succeed notes in an order which certificate it replaces, if the client named one.
func (s *Service) succeed(ctx context.Context, r Requester, replaces string, o *acme.Order) error {
	if replaces == "" {
		return nil
	}
	c, err := s.predecessor(ctx, r, replaces, o)
	if err == nil {
		o.Replaces, o.ReplacesAs = c.ID, replaces
	}
	return err
}

// predecessor returns the certificate that an order may replace (RFC 9773 section 5): the very one that is named, of the
// same account, with a name in common. Errors: Malformed, NotFound, Unauthorized.
func (s *Service) predecessor(ctx context.Context, r Requester, id string, o *acme.Order) (pki.Certificate, error) {
	c, err := s.named(ctx, r.Connector, id)
	switch {
	case err != nil:
		return c, err
	case c.Account != r.Account.ID:
		return c, fault.New(fault.Unauthorized,
			`The certificate that "replaces" names was ordered by another account; order without "replaces", or with that account.`)
	case !slices.ContainsFunc(c.Names, func(name ident.Identifier) bool { return slices.Contains(o.Identifiers, name) }):
		return c, fault.New(fault.Malformed,
			`The certificate that "replaces" names has no identifier in common with this order; order without "replaces".`)
	default:
		return c, nil
	}
}
