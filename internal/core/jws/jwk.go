package jws

import (
	"math/big"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/strictjson"
)

// wireJWK has the members of RFC 7518 section 6 and RFC 8037 section 2 that make a key.
// Others ("use", "alg", "kid", "x5c" ...) say nothing about the key itself and are ignored.
type wireJWK struct {
	Type     strictjson.Text  `json:"kty"`
	Curve    strictjson.Text  `json:"crv"`
	Modulus  strictjson.Bytes `json:"n"`
	Exponent strictjson.Bytes `json:"e"`
	X        strictjson.Bytes `json:"x"`
	Y        strictjson.Bytes `json:"y"`

	// Private members, read only so that they can be refused.
	D  jsontext.Value `json:"d"`
	P  jsontext.Value `json:"p"`
	Q  jsontext.Value `json:"q"`
	DP jsontext.Value `json:"dp"`
	DQ jsontext.Value `json:"dq"`
	QI jsontext.Value `json:"qi"`
}

// ParseKey reads a JSON Web Key (RFC 7517). What is not JSON, not base64url, or lacks a member is
// [fault.Malformed]; a key that is understood and not accepted is [fault.BadPublicKey] with the reason.
// Leading zero octets of RSA values are accepted and dropped (RFC 8555 section 8.1).
func ParseKey(jwk []byte) (Key, error) {
	if len(jwk) > MaxBody {
		return Key{}, fault.New(fault.Malformed, "The JWK is longer than %d octets.", MaxBody)
	}
	var wire wireJWK
	if err := strictjson.Decode(jwk, &wire); err != nil {
		return Key{}, within("JWK", err)
	}
	if wire.hasPrivate() {
		return Key{}, badKey("it was sent with its private part, so it is no secret any more; make a new key")
	}
	switch wire.Type.Value {
	case "RSA":
		return wire.rsaKey()
	case "EC":
		return wire.ecKey()
	case "OKP":
		return wire.okpKey()
	case "oct":
		return Key{}, badKey("it is a symmetric key; use RSA, P-256, P-384, P-521 or Ed25519")
	case "":
		return Key{}, missing("kty")
	default:
		return Key{}, badKey("its type is not supported; use RSA, P-256, P-384, P-521 or Ed25519")
	}
}

func (w *wireJWK) hasPrivate() bool {
	private := []jsontext.Value{w.D, w.P, w.Q, w.DP, w.DQ, w.QI}
	return slices.ContainsFunc(private, func(v jsontext.Value) bool { return v != nil })
}

func (w *wireJWK) rsaKey() (Key, error) {
	switch {
	case w.Modulus == nil:
		return Key{}, missing("n")
	case w.Exponent == nil:
		return Key{}, missing("e")
	}
	return newRSAKey(new(big.Int).SetBytes(w.Modulus), new(big.Int).SetBytes(w.Exponent))
}

func (w *wireJWK) ecKey() (Key, error) {
	switch {
	case !w.Curve.Present:
		return Key{}, missing("crv")
	case w.X == nil:
		return Key{}, missing("x")
	case w.Y == nil:
		return Key{}, missing("y")
	}
	ec, ok := schemeOfCurve(w.Curve.Value)
	if ok && (len(w.X) != ec.coordinate || len(w.Y) != ec.coordinate) {
		return Key{}, badKey("each coordinate on %s must have %d octets", w.Curve.Value, ec.coordinate)
	}
	return newECKey(w.Curve.Value, slices.Concat([]byte{4}, w.X, w.Y))
}

func (w *wireJWK) okpKey() (Key, error) {
	switch {
	case !w.Curve.Present:
		return Key{}, missing("crv")
	case w.X == nil:
		return Key{}, missing("x")
	case w.Curve.Value != "Ed25519":
		return Key{}, badKey("its curve is not supported; of the Edwards curves use Ed25519")
	}
	return newEd25519Key([]byte(w.X))
}

func missing(member string) error {
	return fault.New(fault.Malformed, "The JWK has no %q.", member)
}
