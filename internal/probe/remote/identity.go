package remote

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// identityLife is how long a certificate says that it is valid. Nobody looks at it: what counts is the key.
const identityLife = 24 * time.Hour * 365 * 30

// errStranger says that the other end showed a key that is not trusted.
var errStranger = errors.New("the other end showed a key that is not trusted")

// Identity returns what one end shows the other: its key, in a certificate that only carries it. Both ends know each other
// by their keys alone, so that no certificate can expire in the middle of the validation of others.
func Identity(key crypto.Signer, now time.Time) (tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Everleaf validation"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(identityLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("carry the validation key: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// KeyOf returns the name of a key by which the other end knows it.
func KeyOf(key crypto.PublicKey) (pki.KeyHash, error) {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return pki.KeyHash{}, fmt.Errorf("name the validation key: %w", err)
	}
	return pki.HashKey(spki), nil
}

// ServerTLS returns the TLS of a validator: TLS 1.3, and nobody gets past the handshake without one of the trusted keys.
// No session is resumed, so that a key that is not trusted any more is refused from the next connection on.
func ServerTLS(identity tls.Certificate, trusted []pki.KeyHash) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{identity}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		ClientAuth: tls.RequireAnyClientCert, VerifyConnection: among(trusted),
	}
}

// clientTLS returns the TLS of the CA toward one validator.
func clientTLS(identity tls.Certificate, validator pki.KeyHash) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{identity}, MinVersion: tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // the key is verified instead of names and dates
		VerifyConnection:   among([]pki.KeyHash{validator}),
	}
}

// among accepts whoever has one of the keys; that the other end holds the key was shown by the handshake.
func among(trusted []pki.KeyHash) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 || !slices.Contains(trusted, pki.HashKey(state.PeerCertificates[0].RawSubjectPublicKeyInfo)) {
			return errStranger
		}
		return nil
	}
}
