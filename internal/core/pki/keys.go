package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// KeyType is a class of keys, as settings and commands spell it.
type KeyType string

// The classes. RSA stands for every size that a requester may bring; the sizes are for keys that are made here.
const (
	ECDSAP256 KeyType = "ecdsa-p256"
	ECDSAP384 KeyType = "ecdsa-p384"
	Ed25519   KeyType = "ed25519"
	RSA       KeyType = "rsa"
	RSA2048   KeyType = "rsa-2048"
	RSA3072   KeyType = "rsa-3072"
	RSA4096   KeyType = "rsa-4096"
)

// Bounds of RSA keys.
const (
	MinRSABits     = 2048
	MaxRSABits     = 4096
	minRSAExponent = 1<<16 + 1
	maxRSAExponent = 1<<31 - 1 // the most that crypto/rsa verifies with
)

// SubjectKeyTypes returns the classes that a profile may accept for subjects.
func SubjectKeyTypes() []KeyType { return []KeyType{ECDSAP256, ECDSAP384, RSA, Ed25519} }

// IssuerKeyTypes returns the classes that an issuer's key may be of.
func IssuerKeyTypes() []KeyType { return []KeyType{ECDSAP256, ECDSAP384, RSA2048, RSA3072, RSA4096} }

// KeyTypeOf returns the class of a public key, RSA for every size; "" when no class fits.
func KeyTypeOf(public crypto.PublicKey) KeyType {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return ECDSAP256
		case elliptic.P384():
			return ECDSAP384
		}
	case *rsa.PublicKey:
		return RSA
	case ed25519.PublicKey:
		return Ed25519
	}
	return ""
}

// CheckKey decides whether a subject's public key may be certified: its class is one of allowed, its size and form
// are sound, and it shows none of the known defects of generators (BR section 6.1.1.3). Errors are BadPublicKey.
func CheckKey(public crypto.PublicKey, allowed []KeyType) error {
	if err := checkKeyType(public, allowed); err != nil {
		return err
	}
	return checkKeyStrength(public)
}

func checkKeyType(public crypto.PublicKey, allowed []KeyType) error {
	found := KeyTypeOf(public)
	switch {
	case found == "":
		return badKey("The type of the key is not supported; use one of: %s.", joinTypes(allowed))
	case !slices.Contains(allowed, found):
		return badKey("Keys of type %s are not accepted here; use one of: %s.", found, joinTypes(allowed))
	default:
		return nil
	}
}

func checkKeyStrength(public crypto.PublicKey) error {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return checkRSA(key)
	case *ecdsa.PublicKey:
		if _, err := key.ECDH(); err != nil {
			return badKey("The point of the ECDSA key does not lie on its curve.")
		}
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return badKey("The Ed25519 key does not have %d octets.", ed25519.PublicKeySize)
		}
	}
	return nil
}

func checkRSA(key *rsa.PublicKey) error {
	switch bits := key.N.BitLen(); {
	case bits < MinRSABits:
		return badKey("The RSA key has %d bits; at least %d are needed.", bits, MinRSABits)
	case bits > MaxRSABits:
		return badKey("The RSA key has %d bits; at most %d are accepted.", bits, MaxRSABits)
	case bits%8 != 0:
		return badKey("The RSA key has %d bits; the number must be a multiple of 8.", bits)
	case key.E < minRSAExponent || key.E > maxRSAExponent || key.E%2 == 0:
		return badKey("The RSA exponent must be odd and from %d to %d; use 65537.", minRSAExponent, maxRSAExponent)
	}
	if weakness := rsaWeakness(key.N); weakness != "" {
		return badKey("The RSA key is weak: %s; make a new key with sound software.", weakness)
	}
	return nil
}

func badKey(format string, args ...any) error { return fault.New(fault.BadPublicKey, format, args...) }

func joinTypes(types []KeyType) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(types), " ", ", "), "[]")
}
