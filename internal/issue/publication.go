package issue

import (
	"context"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// RevocationList returns the newest list of a shard. Error: NotFound, also while none was made.
func (s *Service) RevocationList(ctx context.Context, issuer string, shard int) (pki.CRL, error) {
	crl, err := s.store.CRL(ctx, issuer, shard)
	if err == nil && crl.DER == nil {
		err = fault.New(fault.NotFound, "The revocation list is not made yet; try again in a moment.")
	}
	return crl, err
}

// RevocationLists returns the newest list of every shard, without its bytes: what a server must know to tell whether
// those that it holds are still the newest.
func (s *Service) RevocationLists(ctx context.Context) ([]pki.CRL, error) {
	return s.store.CRLsDue(ctx, endOfTime())
}

// endOfTime is after every NextUpdate (RFC 5280 section 4.1.2.5).
func endOfTime() time.Time { return time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC) }

// Issuer returns an issuer by its id. Error: NotFound.
func (s *Service) Issuer(ctx context.Context, id string) (pki.Issuer, error) {
	return s.issuerByID(ctx, id)
}

// Roots returns the roots of the installation, newest first.
func (s *Service) Roots(ctx context.Context) ([]pki.Issuer, error) {
	issuers, err := s.store.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	var roots []pki.Issuer
	for _, i := range issuers {
		if i.IsRoot() {
			roots = append(roots, i)
		}
	}
	return roots, nil
}
