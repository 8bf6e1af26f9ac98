package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// rehearsal stands in for an issuer: the same certificate with a throw-away key of the same algorithm.
type rehearsal struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// rehearse copies a CA certificate and gives the copy another key. Name and key identifier stay, so what is built under
// the copy differs from what the CA signs in the signature only.
func rehearse(certificate *x509.Certificate, key crypto.Signer) rehearsal {
	double := *certificate
	double.PublicKey = key.Public()
	return rehearsal{&double, key}
}

func throwAwayKey(algorithm x509.SignatureAlgorithm) (crypto.Signer, error) {
	var key crypto.Signer
	var err error
	switch algorithm {
	case x509.ECDSAWithSHA256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case x509.ECDSAWithSHA384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, pki.MinRSABits)
	}
	if err != nil {
		return nil, fmt.Errorf("make a throw-away key: %w", err)
	}
	return key, nil
}

// build makes a certificate under the throw-away key.
func (r rehearsal) build(template *x509.Certificate, public crypto.PublicKey, algorithm x509.SignatureAlgorithm) (*x509.Certificate, error) {
	template.SignatureAlgorithm = algorithm
	der, err := x509.CreateCertificate(rand.Reader, template, r.certificate, public, r.key)
	if err != nil {
		return nil, fmt.Errorf("build certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse the built certificate: %w", err)
	}
	return certificate, nil
}

// list makes a revocation list under the throw-away key, and returns it with its to-be-signed bytes. It is not parsed
// here, since a list of a megabyte takes long.
func (r rehearsal) list(template *x509.RevocationList) (der, tbs []byte, err error) {
	der, err = x509.CreateRevocationList(rand.Reader, template, r.certificate, r.key)
	if err != nil {
		return nil, nil, fmt.Errorf("build revocation list: %w", err)
	}
	input := cryptobyte.String(der)
	var content, signed cryptobyte.String
	if !input.ReadASN1(&content, tags.SEQUENCE) || !content.ReadASN1Element(&signed, tags.SEQUENCE) {
		return nil, nil, errors.New("the built revocation list is no SEQUENCE")
	}
	return der, signed, nil
}

// wrap makes a certificate of recorded bytes with a throw-away signature, so that they can be parsed.
func (r rehearsal) wrap(tbs []byte, algorithm x509.SignatureAlgorithm) (*x509.Certificate, error) {
	der, err := assemble(tbs, algorithm, r.key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	return certificate, nil
}
