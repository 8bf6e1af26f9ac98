package ca

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// SignCRL signs a revocation list and returns its DER after it passed pki.CheckCRL. That its number increases is the
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
	der, err := x509.CreateRevocationList(rand.Reader, template, signer.certificate, signer.key)
	if err != nil {
		return nil, fmt.Errorf("sign revocation list: %w", err)
	}
	if err := pki.CheckCRL(der, signer.certificate, request); err != nil {
		return nil, fmt.Errorf("signed revocation list of issuer %s, shard %d: %w", request.Issuer.ID, request.Shard.Number, err)
	}
	return der, nil
}
