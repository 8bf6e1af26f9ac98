package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// KeyType is the kind of an issuer's key.
type KeyType string

// The kinds that Generate makes.
const (
	P256    KeyType = "ecdsa-p256"
	P384    KeyType = "ecdsa-p384"
	RSA2048 KeyType = "rsa-2048"
	RSA3072 KeyType = "rsa-3072"
	RSA4096 KeyType = "rsa-4096"
)

// Sizes of imported RSA moduli, in bits: below is weak, above costs more time than every signature is worth.
const (
	minRSA = 2048
	maxRSA = 4096
)

func generate(kind KeyType) (crypto.Signer, error) {
	switch kind {
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	}
	return nil, fault.New(fault.Malformed, "%q is no kind of issuer key: use one of %s, %s, %s, %s, %s.",
		string(kind), P256, P384, RSA2048, RSA3072, RSA4096)
}

// checkKind refuses keys that no issuer may have.
func checkKind(key crypto.Signer) error {
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P256() || key.Curve == elliptic.P384() {
			return nil
		}
		return fmt.Errorf("its curve is %s; issuers have P-256, P-384 or RSA keys", key.Params().Name)
	case *rsa.PrivateKey:
		bits := key.N.BitLen()
		if bits < minRSA || bits > maxRSA || bits%8 != 0 || len(key.Primes) != 2 {
			return fmt.Errorf("it is RSA of %d bits and %d primes; issuers have %d to %d bits, a multiple of 8, and two primes",
				bits, len(key.Primes), minRSA, maxRSA)
		}
		return nil
	}
	return fmt.Errorf("it is a %T; issuers have P-256, P-384 or RSA keys", key)
}
