package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // SHA-256 for RS256 and ES256
	_ "crypto/sha512" // SHA-384 and SHA-512 for ES384 and ES512
	"math/big"
)

// scheme binds a type of key to the one JWS algorithm that it may be used with (RFC 7518 section 3.1, RFC 8037).
type scheme struct {
	algorithm  string
	hash       crypto.Hash    // zero: the message itself is signed
	curve      elliptic.Curve // ECDSA only
	coordinate int            // ECDSA only: octets of a coordinate, and of each half of a signature
}

// Algorithms returns the supported signature algorithms, the preferred first. The caller may keep the slice.
func Algorithms() []string { return []string{"ES256", "ES384", "ES512", "RS256", "EdDSA"} }

func schemeRS256() scheme { return scheme{algorithm: "RS256", hash: crypto.SHA256} }

func schemeEdDSA() scheme { return scheme{algorithm: "EdDSA"} }

// schemeOfCurve knows the curves by their names in a JWK, which are also those of crypto/elliptic.
func schemeOfCurve(name string) (scheme, bool) {
	switch name {
	case "P-256":
		return scheme{"ES256", crypto.SHA256, elliptic.P256(), 32}, true
	case "P-384":
		return scheme{"ES384", crypto.SHA384, elliptic.P384(), 48}, true
	case "P-521":
		return scheme{"ES512", crypto.SHA512, elliptic.P521(), 66}, true
	default:
		return scheme{}, false
	}
}

// digest returns what is signed for the message.
func (s scheme) digest(message []byte) []byte {
	if s.hash == 0 {
		return message
	}
	hash := s.hash.New()
	hash.Write(message)
	return hash.Sum(nil)
}

// verifies reports whether key made the signature over message. The zero Key made none.
func (k Key) verifies(message, signature []byte) bool {
	digest := k.scheme.digest(message)
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, k.scheme.hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		half := k.scheme.coordinate
		if len(signature) != 2*half { // RFC 7518 section 3.4: r and s at full length, never DER
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
		return ecdsa.Verify(public, digest, r, s) // refuses r and s outside 1 to n-1
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, signature)
	default:
		return false
	}
}
