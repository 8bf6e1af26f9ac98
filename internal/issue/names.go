package issue

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// judgeNames refuses names that the profile or the issuer of now could not certify, before anybody proves control of
// them. Lint looks again before the signature. Errors are RejectedIdentifier, with the reason for each name.
func (s *Service) judgeNames(ctx context.Context, p pki.Profile, ids []ident.Identifier, now time.Time) error {
	signers, err := s.signersNow(ctx, p, now)
	if err != nil {
		return err
	}
	var subs []fault.Sub
	for _, id := range ids {
		if reason := refuseName(p, signers, id); reason != "" {
			subs = append(subs, fault.Sub{Kind: fault.RejectedIdentifier, Identifier: id, Public: reason})
		}
	}
	return policy.Refusal(subs)
}

// signersNow returns the certificate that would sign now and those above it; nil when none can, which is for finalize to
// tell.
func (s *Service) signersNow(ctx context.Context, p pki.Profile, now time.Time) ([]*x509.Certificate, error) {
	issuer, err := s.issuer(ctx, p, now)
	if fault.Is(err, fault.Unavailable) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.upwards(ctx, issuer)
}

// upwards returns the certificates from an issuer up to its root, or to where the parent is not known.
func (s *Service) upwards(ctx context.Context, i pki.Issuer) ([]*x509.Certificate, error) {
	issuers, err := s.store.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	for range maxDepth {
		certificate, err := s.parsed.certificate(i)
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, certificate)
		above := slices.IndexFunc(issuers, func(o pki.Issuer) bool { return o.ID == i.Parent })
		if above < 0 {
			break
		}
		i = issuers[above]
	}
	return certificates, nil
}

// withinConstraints refuses names that the name constraints of a CA above the issuer exclude: lint looks at the issuer
// alone, and every client at all of them (RFC 5280 section 6.1.4).
func (s *Service) withinConstraints(ctx context.Context, i pki.Issuer, names []ident.Identifier) error {
	signers, err := s.upwards(ctx, i)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !permitted(signers, name) {
			return fault.New(fault.RejectedIdentifier, "The issuer %s is not permitted to certify %s, by the name constraints in its certificate or in one above it.", i.Name, name)
		}
	}
	return nil
}

func permitted(signers []*x509.Certificate, name ident.Identifier) bool {
	return !slices.ContainsFunc(signers, func(c *x509.Certificate) bool { return !pki.Permits(c, name) })
}

func refuseName(p pki.Profile, signers []*x509.Certificate, id ident.Identifier) string {
	allowed := len(p.Spec.Names) == 0 || slices.ContainsFunc(p.Spec.Names, func(rule string) bool { return policy.Pattern(rule, id) })
	reason := p.Spec.RefuseName(id)
	switch {
	case !allowed:
		return fmt.Sprintf("%s is not among the names that the profile %s may certify; ask for another profile.", id, p.Name)
	case reason != "":
		return fmt.Sprintf("%s %s, and the profile %s is for public certificates; ask for another profile.", id, reason, p.Name)
	case !permitted(signers, id):
		return fmt.Sprintf("The issuer of the profile %s is not permitted to certify %s, by the name constraints in its certificate or in one above it; ask for another profile.", p.Name, id)
	default:
		return ""
	}
}
