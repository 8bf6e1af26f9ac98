package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

const rfc7638Modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

// TestThumbprint has J-18 with the published vectors (STANDARDS section 11).
// Proves J-18, INC-102.
func TestThumbprint(t *testing.T) {
	const rsaThumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
	modulus := must(decodeB64(rfc7638Modulus))
	tests := []struct{ name, jwk, want string }{
		{"RFC 7638 section 3.1", `{"kty":"RSA","n":"` + rfc7638Modulus + `","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`, rsaThumbprint},
		{"leading zeros of RSA values are dropped", `{"n":"` + b64("\x00\x00"+string(modulus)) + `","e":"AAEAAQ","kty":"RSA"}`, rsaThumbprint},
		{"RFC 8037 appendix A.3", `{"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kty":"OKP","crv":"Ed25519"}`, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	}
	for _, tt := range tests {
		key, err := ParseKey([]byte(tt.jwk))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if key.Thumbprint() != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, key.Thumbprint(), tt.want)
		}
	}
}

func TestCanonicalJWK(t *testing.T) {
	for algorithm, want := range map[string]string{
		"RS256": `{"e":"AQAB","kty":"RSA","n":"`,
		"ES256": `{"crv":"P-256","kty":"EC","x":"`,
		"ES384": `{"crv":"P-384","kty":"EC","x":"`,
		"ES512": `{"crv":"P-521","kty":"EC","x":"`,
		"EdDSA": `{"crv":"Ed25519","kty":"OKP","x":"`,
	} {
		key := publicKey(algorithm)
		if !strings.HasPrefix(string(key.JWK()), want) {
			t.Errorf("%s: %s", algorithm, key.JWK())
		}
		back, err := ParseKey(key.JWK())
		if err != nil || !back.Equal(key) || back.Thumbprint() != key.Thumbprint() || !bytes.Equal(back.JWK(), key.JWK()) {
			t.Errorf("%s: read back as %s, %v", algorithm, back.JWK(), err)
		}
		if !back.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(signers()[algorithm].Public()) {
			t.Errorf("%s: another public key", algorithm)
		}
		if key.Algorithm() != algorithm || key.IsZero() || key.Equal(Key{}) {
			t.Errorf("%s: algorithm %q", algorithm, key.Algorithm())
		}
	}
}

// TestKeyIsImmutable: what a key was made from, and the JWK that it hands out, can change without changing it.
func TestKeyIsImmutable(t *testing.T) {
	rsaKey := *must(asType[*rsa.PublicKey](publicKey("RS256").Public()))
	rsaKey.N = new(big.Int).Set(rsaKey.N)
	edKey := bytes.Clone(must(asType[ed25519.PublicKey](publicKey("EdDSA").Public())))
	for algorithm, tt := range map[string]struct {
		public crypto.PublicKey
		change func()
	}{
		"RS256": {&rsaKey, func() { rsaKey.N.SetInt64(15); rsaKey.E = 3 }},
		"EdDSA": {ed25519.PublicKey(edKey), func() { clear(edKey) }},
	} {
		key, want := must(KeyFromPublic(tt.public)), publicKey(algorithm)
		tt.change()
		clear(key.JWK())
		if !key.Equal(want) || !must(KeyFromPublic(key.Public())).Equal(want) {
			t.Errorf("%s: the key became %s", algorithm, must(KeyFromPublic(key.Public())).JWK())
		}
	}
}

// TestParseKeyRSA has the sizes and exponents of J-09.
func TestParseKeyRSA(t *testing.T) {
	tests := []struct {
		name     string
		bits     int
		clear0   bool
		exponent int64
		why      string // empty: accepted
	}{
		{"2048", 2048, false, 65537, ""},
		{"3072", 3072, false, 65537, ""},
		{"4096", 4096, false, 65537, ""},
		{"2056", 2056, false, 65537, ""},
		{"exponent 3", 2048, false, 3, ""},
		{"largest exponent", 2048, false, 1<<31 - 1, ""},
		{"1024", 1024, false, 65537, "modulus has 1024 bits; use 2048 to 4096"},
		{"2047", 2047, false, 65537, "modulus has 2047 bits; use 2048 to 4096"},
		{"2049", 2049, false, 65537, "not a multiple of 8"},
		{"2052", 2052, false, 65537, "not a multiple of 8"},
		{"4095", 4095, false, 65537, "not a multiple of 8"},
		{"4097", 4097, false, 65537, "modulus has 4097 bits; use 2048 to 4096"},
		{"16384", 16384, false, 65537, "modulus has 16384 bits"},
		{"even modulus", 2048, true, 65537, "modulus is even"},
		{"exponent 0", 2048, false, 0, "exponent must be odd"},
		{"exponent 1", 2048, false, 1, "exponent must be odd, at least 3"},
		{"exponent 65536", 2048, false, 65536, "exponent must be odd"},
		{"exponent 2^31+1", 2048, false, 1<<31 + 1, "at most 2147483647"},
		{"exponent 2^32+1", 2048, false, 1<<32 + 1, "at most 2147483647"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := new(big.Int).Lsh(big.NewInt(1), uint(tt.bits-1))
			if !tt.clear0 {
				n.SetBit(n, 0, 1)
			}
			e := big.NewInt(tt.exponent)
			_, err := ParseKey([]byte(`{"kty":"RSA","n":"` + b64(string(n.Bytes())) + `","e":"` + b64(string(e.Bytes())) + `"}`))
			_, errPublic := KeyFromPublic(&rsa.PublicKey{N: n, E: int(tt.exponent)})
			if tt.why == "" {
				if err != nil || errPublic != nil {
					t.Fatal(err, errPublic)
				}
				return
			}
			checkRefusal(t, err, fault.BadPublicKey, tt.why)
			checkRefusal(t, errPublic, fault.BadPublicKey, tt.why)
		})
	}
	huge := b64(strings.Repeat("\xff", 100))
	_, err := ParseKey([]byte(`{"kty":"RSA","n":"` + rfc7638Modulus + `","e":"` + huge + `"}`))
	checkRefusal(t, err, fault.BadPublicKey, "at most 2147483647")
}

// TestParseKeyRefuses has the points, lengths, types and spellings: J-05, J-09, B-01 to B-06, INCIDENTS 88.
func TestParseKeyRefuses(t *testing.T) {
	key := must(ecKeyOf(elliptic.P256(), 1))
	point := must(key.PublicKey.Bytes())
	x, y := b64(string(point[1:33])), b64(string(point[33:]))
	ec := func(curve, x, y string) string {
		return `{"kty":"EC","crv":"` + curve + `","x":"` + x + `","y":"` + y + `"}`
	}
	zero, prime := b64(strings.Repeat("\x00", 32)), b64(string(elliptic.P256().Params().P.Bytes()))
	ed := `{"kty":"OKP","crv":"Ed25519","x":"` + x + `"}`
	tests := []struct {
		name, jwk string
		kind      fault.Kind
		why       string
	}{
		{"CVE-2016-9121 off the curve", ec("P-256", x, x), fault.BadPublicKey, "not on the curve P-256"},
		{"swapped coordinates", ec("P-256", y, x), fault.BadPublicKey, "not on the curve"},
		{"origin", ec("P-256", zero, zero), fault.BadPublicKey, "not on the curve"},
		{"x is the prime", ec("P-256", prime, y), fault.BadPublicKey, "not on the curve"},
		{"curve of another length", ec("P-384", x, y), fault.BadPublicKey, "each coordinate on P-384 must have 48 octets"},
		{"x short", ec("P-256", b64(string(point[2:33])), y), fault.BadPublicKey, "must have 32 octets"},
		{"x long", ec("P-256", b64("\x00"+string(point[1:33])), y), fault.BadPublicKey, "must have 32 octets"},
		{"lengths that add up", ec("P-256", b64(string(point[1:32])), b64(string(point[32:]))), fault.BadPublicKey, "must have 32 octets"},
		{"empty coordinates", ec("P-256", "", ""), fault.BadPublicKey, "must have 32 octets"},
		{"P-224", ec("P-224", x, y), fault.BadPublicKey, "curve is not supported"},
		{"secp256k1", ec("secp256k1", x, y), fault.BadPublicKey, "curve is not supported"},
		{"curve in lower case", ec("p-256", x, y), fault.BadPublicKey, "curve is not supported"},
		{"curve of another type", ec("Ed25519", x, y), fault.BadPublicKey, "curve is not supported"},
		{"no curve", `{"kty":"EC","x":"` + x + `","y":"` + y + `"}`, fault.Malformed, `has no "crv"`},
		{"no x", `{"kty":"EC","crv":"P-256","y":"` + y + `"}`, fault.Malformed, `has no "x"`},
		{"no y", `{"kty":"EC","crv":"P-256","x":"` + x + `"}`, fault.Malformed, `has no "y"`},
		{"Ed448", `{"kty":"OKP","crv":"Ed448","x":"` + b64(strings.Repeat("x", 57)) + `"}`, fault.BadPublicKey, "use Ed25519"},
		{"X25519", strings.Replace(ed, "Ed25519", "X25519", 1), fault.BadPublicKey, "use Ed25519"},
		{"Ed25519 short", `{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`, fault.BadPublicKey, "must have 32 octets"},
		{"Ed25519 empty", `{"kty":"OKP","crv":"Ed25519","x":""}`, fault.BadPublicKey, "must have 32 octets"},
		{"Ed25519 without curve", `{"kty":"OKP","x":"` + x + `"}`, fault.Malformed, `has no "crv"`},
		{"Ed25519 without x", `{"kty":"OKP","crv":"Ed25519"}`, fault.Malformed, `has no "x"`},
		{"RSA without n", `{"kty":"RSA","e":"AQAB"}`, fault.Malformed, `has no "n"`},
		{"RSA without e", `{"kty":"RSA","n":"` + rfc7638Modulus + `"}`, fault.Malformed, `has no "e"`},
		{"RSA empty", `{"kty":"RSA","n":"","e":""}`, fault.BadPublicKey, "modulus has 0 bits"},
		{"J-05 oct", `{"kty":"oct","k":"c2VjcmV0"}`, fault.BadPublicKey, "symmetric"},
		{"AKP", `{"kty":"AKP","pub":"AA"}`, fault.BadPublicKey, "type is not supported"},
		{"type in lower case", `{"kty":"rsa"}`, fault.BadPublicKey, "type is not supported"},
		{"no type", `{}`, fault.Malformed, `has no "kty"`},
		{"type a number", `{"kty":1}`, fault.Malformed, `JWK: JSON member "/kty": A string`},
		{"no object", `"RSA"`, fault.Malformed, "JWK: A JSON object is required"},
		{"B-01 padding", ec("P-256", x+"=", y), fault.Malformed, `JSON member "/x": This is not base64url`},
		{"B-02 alphabet", ec("P-256", x, "+/"+y[2:]), fault.Malformed, `JSON member "/y": This is not base64url`},
		{"B-03 trailing bits", `{"kty":"RSA","n":"AB","e":"AQAB"}`, fault.Malformed, `JSON member "/n": This is not base64url`},
		{"B-04 line break", `{"kty":"RSA","n":"AQAB","e":"AQ\nAB"}`, fault.Malformed, `JSON member "/e": This is not base64url`},
		{"B-05 twice", `{"kty":"RSA",` + ec("P-256", x, y)[1:], fault.Malformed, `"/kty": it is there twice`},
		{"B-05 case variant", strings.Replace(ec("P-256", x, y), `"x"`, `"X"`, 1), fault.Malformed, `has no "x"`},
		{"B-06 trailing", ec("P-256", x, y) + "x", fault.Malformed, "JWK: The JSON is not valid"},
		{"too long", `{"x":"` + strings.Repeat("A", MaxBody) + `"}`, fault.Malformed, "longer than 65536 octets"},
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi"} {
		tests = append(tests, struct {
			name, jwk string
			kind      fault.Kind
			why       string
		}{"private " + private, `{"` + private + `":"AQ",` + ec("P-256", x, y)[1:], fault.BadPublicKey, "private part"})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseKey([]byte(tt.jwk))
			checkRefusal(t, err, tt.kind, tt.why)
		})
	}
	if _, err := ParseKey([]byte(ec("P-256", x, y))); err != nil {
		t.Errorf("the key that the others are made from: %v", err)
	}
}

func TestKeyFromPublicRefuses(t *testing.T) {
	offCurve := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)} //nolint:staticcheck // made wrong on purpose
	for name, public := range map[string]crypto.PublicKey{
		"off the curve": offCurve,
		"P-224":         must(ecKeyOf(elliptic.P224(), 1)).Public(),
		"X25519":        must(ecdh.X25519().NewPublicKey(make([]byte, 32))),
		"short Ed25519": ed25519.PublicKey{1, 2, 3},
		"nothing":       nil,
		"private":       signers()["ES256"],
	} {
		if _, err := KeyFromPublic(public); !fault.Is(err, fault.BadPublicKey) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
