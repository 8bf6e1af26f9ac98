package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/everleaf-pki/everleaf/internal/core/pki"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Sizes of imported RSA moduli, in bits: below is weak, above costs more time than every signature is worth.
const (
	minRSA = 2048
	maxRSA = 4096
)

const issuersHave = "issuers have P-256, P-384 or RSA keys"

func generate(kind pki.KeyType) (crypto.Signer, error) {
	switch kind {
	case pki.ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case pki.ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case pki.RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case pki.RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case pki.RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	}
	return nil, fault.New(fault.Malformed, "%q is no kind of issuer key: use one of %s, %s, %s, %s, %s.",
		string(kind), pki.ECDSAP256, pki.ECDSAP384, pki.RSA2048, pki.RSA3072, pki.RSA4096)
}

// checkKind refuses keys that no issuer may have.
func checkKind(key crypto.Signer) error {
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P256() || key.Curve == elliptic.P384() {
			return nil
		}
		return fmt.Errorf("its curve is %s; %s", key.Params().Name, issuersHave)
	case *rsa.PrivateKey:
		bits := key.N.BitLen()
		if bits < minRSA || bits > maxRSA || bits%8 != 0 || len(key.Primes) != 2 {
			return fmt.Errorf("it is RSA of %d bits and %d primes; issuers have %d to %d bits, a multiple of 8, and two primes",
				bits, len(key.Primes), minRSA, maxRSA)
		}
		return nil
	}
	return errors.New("it is neither an ECDSA nor an RSA key; " + issuersHave)
}
