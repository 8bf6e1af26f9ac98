package ca

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// SignRoot makes the self-signed certificate of a key and returns its DER. It is linted before the key signs, and
// verified after; what lint refuses is Malformed. The request's PublicKey is that of the key.
func (e *Engine) SignRoot(_ context.Context, request pki.CARequest, key crypto.Signer) ([]byte, error) {
	request.PublicKey = key.Public()
	template, err := request.Root()
	if err != nil {
		return nil, err
	}
	certificate, err := rehearseCA(template, template, request.PublicKey, key)
	if err != nil {
		return nil, err
	}
	if err := e.judgeCA(certificate, lint.Root(certificate, request), request.Public); err != nil {
		return nil, err
	}
	return finish(certificate.RawTBSCertificate, nil, certificate.SignatureAlgorithm, key)
}

// SignIntermediate makes the certificate of a CA below an issuer, signed with key, the issuer's, and returns its DER.
// It is linted before the key signs, and verified after; what lint refuses is Malformed.
func (e *Engine) SignIntermediate(_ context.Context, request pki.CARequest, issuer pki.Issuer, key crypto.Signer) ([]byte, error) {
	parent, err := issuer.Parse()
	if err != nil {
		return nil, err
	}
	if _, err := checkPair(parent, key); err != nil {
		return nil, err
	}
	template, err := request.Intermediate()
	if err != nil {
		return nil, err
	}
	certificate, err := rehearseCA(template, parent, request.PublicKey, key)
	if err != nil {
		return nil, err
	}
	if err := e.judgeCA(certificate, lint.Intermediate(certificate, parent, request), request.Public); err != nil {
		return nil, err
	}
	return finish(certificate.RawTBSCertificate, parent, certificate.SignatureAlgorithm, key)
}

// rehearseCA builds a CA certificate under a throw-away key of the algorithm with which key signs.
func rehearseCA(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	algorithm, err := pki.SignatureAlgorithm(key.Public())
	if err != nil {
		return nil, err
	}
	test, err := throwAwayKey(algorithm)
	if err != nil {
		return nil, err
	}
	return rehearse(parent, test).build(template, public, algorithm)
}

// judgeCA adds the rules of others to what ours found, and refuses a CA certificate that breaks one.
func (e *Engine) judgeCA(certificate *x509.Certificate, ours []lint.Finding, public bool) error {
	broken, _ := lint.Split(append(ours, e.rules.Certificate(certificate, public)...))
	if len(broken) == 0 {
		return nil
	}
	return fault.Wrap(errors.New(lint.Join(broken)), fault.Malformed,
		"The CA certificate would break a rule (%s): %s.", broken[0].Rule, broken[0].Text)
}
