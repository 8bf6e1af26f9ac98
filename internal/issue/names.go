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
	issuer, err := s.issuerNow(ctx, p, now)
	if err != nil {
		return err
	}
	var subs []fault.Sub
	for _, id := range ids {
		if reason := refuseName(p, issuer, id); reason != "" {
			subs = append(subs, fault.Sub{Kind: fault.RejectedIdentifier, Identifier: id, Public: reason})
		}
	}
	return policy.Refusal(subs)
}

// issuerNow returns the certificate that would sign now; nil when none can, which is for finalize to tell.
func (s *Service) issuerNow(ctx context.Context, p pki.Profile, now time.Time) (*x509.Certificate, error) {
	issuer, err := s.issuer(ctx, p, now)
	if fault.Is(err, fault.Unavailable) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return issuer.Parse()
}

func refuseName(p pki.Profile, issuer *x509.Certificate, id ident.Identifier) string {
	allowed := len(p.Spec.Names) == 0 || slices.ContainsFunc(p.Spec.Names, func(rule string) bool { return policy.Pattern(rule, id) })
	reason := p.Spec.RefuseName(id)
	switch {
	case !allowed:
		return fmt.Sprintf("%s is not among the names that the profile %s may certify; ask for another profile.", id, p.Name)
	case reason != "":
		return fmt.Sprintf("%s %s, and the profile %s is for public certificates; ask for another profile.", id, reason, p.Name)
	case issuer != nil && !pki.Permits(issuer, id):
		return fmt.Sprintf("The issuer of the profile %s is not permitted to certify %s, by the name constraints in its certificate; ask for another profile.", p.Name, id)
	default:
		return ""
	}
}
