package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// finish signs linted bytes and verifies the result under the issuer's certificate; nil means that it is its own issuer.
func finish(tbs []byte, issuer *x509.Certificate, algorithm x509.SignatureAlgorithm, key crypto.Signer) ([]byte, error) {
	der, err := assemble(tbs, algorithm, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse the signed certificate: %w", err)
	}
	if !bytes.Equal(certificate.RawTBSCertificate, tbs) {
		return nil, errors.New("the signed certificate has other bytes than the linted one")
	}
	if issuer == nil {
		issuer = certificate
	}
	if err := certificate.CheckSignatureFrom(issuer); err != nil {
		return nil, fmt.Errorf("verify the signed certificate: %w", err)
	}
	return der, nil
}

// assemble signs to-be-signed bytes: the outer algorithm identifier is the inner one, byte for byte (RFC 5280
// section 4.1.1.2).
func assemble(tbs []byte, algorithm x509.SignatureAlgorithm, key crypto.Signer) ([]byte, error) {
	identifier, err := innerAlgorithm(tbs)
	if err != nil {
		return nil, err
	}
	hash := hashOf(algorithm)
	digest := hash.New()
	digest.Write(tbs)
	signature, err := key.Sign(randomness(key), digest.Sum(nil), hash)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(identifier)
		b.AddASN1BitString(signature)
	})
	return b.Bytes()
}

// randomness returns what a key's signatures draw on. None for an ECDSA key in memory, which makes crypto/ecdsa sign
// by RFC 6979; RSA by PKCS#1 v1.5 uses none. Whatever else can sign gets randomness, which it may need.
func randomness(key crypto.Signer) io.Reader {
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		return nil
	}
	return rand.Reader
}

func innerAlgorithm(tbs []byte) ([]byte, error) {
	input := cryptobyte.String(tbs)
	var content, identifier cryptobyte.String
	if !input.ReadASN1(&content, tags.SEQUENCE) || !input.Empty() ||
		!content.SkipOptionalASN1(tags.Tag(0).ContextSpecific().Constructed()) || !content.SkipASN1(tags.INTEGER) ||
		!content.ReadASN1Element(&identifier, tags.SEQUENCE) {
		return nil, errors.New("the bytes are no TBSCertificate")
	}
	return identifier, nil
}

func hashOf(algorithm x509.SignatureAlgorithm) crypto.Hash {
	if algorithm == x509.ECDSAWithSHA384 {
		return crypto.SHA384
	}
	return crypto.SHA256
}
