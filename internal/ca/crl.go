package ca

import (
	"context"
	"fmt"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// SignCRL makes a revocation list and returns its DER. It is linted under the throw-away key before the issuer's key
// signs the same bytes, and has to pass pki.CheckCRL after. That its number increases is the
// store's guard. Unavailable says that the issuer cannot sign (see CanSign).
func (e *Engine) SignCRL(ctx context.Context, request pki.CRLRequest) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	signer, err := e.issuer(request.Issuer)
	if err != nil {
		return nil, err
	}
	template, err := request.Template()
	if err != nil {
		return nil, err
	}
	template.SignatureAlgorithm = signer.algorithm
	rehearsed, tbs, err := signer.rehearsal.list(template)
	if err != nil {
		return nil, err
	}
	if broken, _ := lint.Split(e.rules.List(rehearsed)); len(broken) > 0 {
		return nil, fmt.Errorf("lint refuses the revocation list of issuer %s, shard %d: %s", request.Issuer.ID, request.Shard.Number, lint.Join(broken))
	}
	der, err := assemble(tbs, signer.algorithm, signer.key)
	if err != nil {
		return nil, fmt.Errorf("sign revocation list: %w", err)
	}
	if err := pki.CheckCRL(der, signer.certificate, request); err != nil {
		return nil, fmt.Errorf("signed revocation list of issuer %s, shard %d: %w", request.Issuer.ID, request.Shard.Number, err)
	}
	return der, nil
}
