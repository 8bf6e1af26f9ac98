package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

const (
	testKeyID = "https://ca.example/acme/default/account/aaaaaaaaaaaaaa"
	testURL   = "https://ca.example/acme/default/new-order"
	testNonce = "bm9uY2U"
)

// signers holds one private key for each supported algorithm.
var signers = sync.OnceValue(func() map[string]crypto.Signer {
	ecKey := func(curve elliptic.Curve) crypto.Signer { return must(ecdsa.GenerateKey(curve, rand.Reader)) }
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	return map[string]crypto.Signer{
		"RS256": must(rsa.GenerateKey(rand.Reader, 2048)),
		"ES256": ecKey(elliptic.P256()),
		"ES384": ecKey(elliptic.P384()),
		"ES512": ecKey(elliptic.P521()),
		"EdDSA": must(edKey, err),
	}
})

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func publicKey(algorithm string) Key {
	return must(KeyFromPublic(signers()[algorithm].Public()))
}

// b64 encodes text that need not be correct.
func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// flattened builds a body from parts that are on the wire as given.
func flattened(protected, payload, signature string) string {
	return `{"protected":"` + protected + `","payload":"` + payload + `","signature":"` + signature + `"}`
}

// signed builds a body with any header and a right signature of the ES256 key.
func signed(header, payload string) string {
	input := b64(header) + "." + b64(payload)
	signature := must(publicKey("ES256").scheme.sign(signers()["ES256"], []byte(input)))
	return flattened(b64(header), b64(payload), string(must(base64.RawURLEncoding.AppendEncode(nil, signature), nil)))
}

// header is an acceptable protected header with one member replaced, or left out when value is empty.
func header(name, value string) string {
	members := []string{
		`"alg"`, `"ES256"`,
		`"nonce"`, `"` + testNonce + `"`,
		`"url"`, `"` + testURL + `"`,
		`"kid"`, `"` + testKeyID + `"`,
	}
	at := slices.Index(members, `"`+name+`"`)
	switch {
	case at >= 0 && value == "":
		members = slices.Delete(members, at, at+2)
	case at >= 0:
		members[at+1] = value
	case name != "":
		members = append(members, `"`+name+`"`, value)
	}
	var pairs []string
	for pair := range slices.Chunk(members, 2) {
		pairs = append(pairs, strings.Join(pair, ":"))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// checkRefusal demands a kind and a sentence that contains why, fit for a reply.
func checkRefusal(t *testing.T, err error, kind fault.Kind, why string) {
	t.Helper()
	refusal, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	if refusal.Kind != kind || !strings.Contains(refusal.Public, why) {
		t.Errorf("got %q %q\nwant %q ...%q", refusal.Kind, refusal.Public, kind, why)
	}
	if !utf8.ValidString(refusal.Public) || len(refusal.Public) > 1500 || !strings.HasSuffix(refusal.Public, ".") {
		t.Errorf("not a sentence for a reply: %q", refusal.Public)
	}
}

func asType[T any](value any) (T, error) {
	typed, ok := value.(T)
	if !ok {
		return typed, errors.New("another type")
	}
	return typed, nil
}

func decodeB64(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }

// ecKeyOf returns the private key with a small scalar.
func ecKeyOf(curve elliptic.Curve, scalar int64) (*ecdsa.PrivateKey, error) {
	size := (curve.Params().BitSize + 7) / 8
	return ecdsa.ParseRawPrivateKey(curve, big.NewInt(scalar).FillBytes(make([]byte, size)))
}
