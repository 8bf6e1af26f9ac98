package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"slices"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Key is a public key that may sign requests, with what is derived from it once. It is immutable.
// The zero value is no key and verifies nothing.
type Key struct {
	public     crypto.PublicKey
	scheme     scheme
	jwk        string
	thumbprint string
}

// Public returns an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey, which must not be changed.
func (k Key) Public() crypto.PublicKey { return k.public }

// Algorithm returns the one JWS algorithm that the key is used with.
func (k Key) Algorithm() string { return k.scheme.algorithm }

// Thumbprint returns the SHA-256 thumbprint of RFC 7638 in base64url: the name of the key.
func (k Key) Thumbprint() string { return k.thumbprint }

// JWK returns the canonical JSON of the key: the input of the thumbprint, which ParseKey reads again.
func (k Key) JWK() []byte { return []byte(k.jwk) }

// Equal reports whether both are the same key.
func (k Key) Equal(other Key) bool { return k.jwk == other.jwk }

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.public == nil }

// KeyFromPublic returns the Key of a public key of the standard library, e.g. of a certificate's.
// Keys of other types and sizes are [fault.BadPublicKey].
func KeyFromPublic(public crypto.PublicKey) (Key, error) {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return newRSAKey(public.N, big.NewInt(int64(public.E)))
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			return Key{}, fault.Wrap(err, fault.BadPublicKey, "The elliptic curve key is not valid.")
		}
		return newECKey(public.Curve.Params().Name, point)
	case ed25519.PublicKey:
		return newEd25519Key(public)
	default:
		return Key{}, badKey("keys of this type are not supported; use RSA, P-256, P-384, P-521 or Ed25519")
	}
}

func newRSAKey(modulus, exponent *big.Int) (Key, error) {
	bits := modulus.BitLen()
	switch {
	case bits < MinRSABits || bits > MaxRSABits:
		return Key{}, badKey("its modulus has %d bits; use %d to %d", bits, MinRSABits, MaxRSABits)
	case bits%8 != 0:
		return Key{}, badKey("its modulus has %d bits, which is not a multiple of 8", bits)
	case modulus.Bit(0) == 0:
		return Key{}, badKey("its modulus is even")
	case exponent.Cmp(big.NewInt(3)) < 0 || exponent.Cmp(big.NewInt(maxRSAExponent)) > 0 || exponent.Bit(0) == 0:
		return Key{}, badKey("its exponent must be odd, at least 3 and at most %d", maxRSAExponent)
	}
	public := &rsa.PublicKey{N: new(big.Int).Set(modulus), E: int(exponent.Int64())}
	jwk := `{"e":"` + encode(exponent.Bytes()) + `","kty":"RSA","n":"` + encode(modulus.Bytes()) + `"}`
	return newKey(public, schemeRS256(), jwk), nil
}

// newECKey takes the point in uncompressed form (SEC 1 section 2.3.3).
func newECKey(curveName string, point []byte) (Key, error) {
	ec, ok := schemeOfCurve(curveName)
	if !ok {
		return Key{}, badKey("its curve is not supported; use P-256, P-384 or P-521")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(ec.curve, point)
	if err != nil {
		return Key{}, badKey("its point is not on the curve %s", curveName)
	}
	x, y := point[1:1+ec.coordinate], point[1+ec.coordinate:]
	jwk := `{"crv":"` + curveName + `","kty":"EC","x":"` + encode(x) + `","y":"` + encode(y) + `"}`
	return newKey(public, ec, jwk), nil
}

func newEd25519Key(public ed25519.PublicKey) (Key, error) {
	if len(public) != ed25519.PublicKeySize {
		return Key{}, badKey("an Ed25519 key must have %d octets", ed25519.PublicKeySize)
	}
	jwk := `{"crv":"Ed25519","kty":"OKP","x":"` + encode(public) + `"}`
	return newKey(slices.Clone(public), schemeEdDSA(), jwk), nil
}

func newKey(public crypto.PublicKey, how scheme, jwk string) Key {
	sum := sha256.Sum256([]byte(jwk))
	return Key{public: public, scheme: how, jwk: jwk, thumbprint: encode(sum[:])}
}

func badKey(why string, args ...any) error {
	return fault.New(fault.BadPublicKey, "The public key is refused: "+why+".", args...)
}

func encode(octets []byte) string { return base64.RawURLEncoding.EncodeToString(octets) }
