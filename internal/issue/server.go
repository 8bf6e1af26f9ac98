package issue

import (
	"context"
	"crypto"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// CertifyServer issues a certificate for the installation's own HTTPS listener, by the same pipeline as every other
// one. It needs no proof of control: the names are those under which the operator runs the server. It returns the
// chain, leaf first. Error: InvalidProfile when the organisation has no profile of that name.
func (s *Service) CertifyServer(ctx context.Context, o policy.Organisation, profile string, names []ident.Identifier, key crypto.PublicKey) ([][]byte, error) {
	profiles, err := s.store.Profiles(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	for _, p := range profiles {
		if p.Name != profile {
			continue
		}
		c, err := s.certify(ctx, plan{organisation: o.ID, profile: p, names: ident.Set(names), key: key, actor: "system"})
		if err != nil {
			return nil, err
		}
		issuers, err := s.store.Issuers(ctx)
		if err != nil {
			return nil, err
		}
		chains, err := Chains(c, issuers)
		if err != nil {
			return nil, err
		}
		return chains[0], nil
	}
	return nil, fault.New(fault.InvalidProfile, "There is no profile %q for the server's own certificate.", profile)
}
