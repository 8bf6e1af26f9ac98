// Package jws reads, verifies and writes the signed requests of ACME: the flattened JSON form of a JSON Web
// Signature (RFC 7515) in the narrow subset of RFC 8555 section 6.2, and the MAC form of section 7.3.4.
//
// It guarantees: one protected header, one signature, one spelling (see package strictjson); the algorithm is decided
// by the type of the key, never by the header alone; signatures are verified by the standard library. There is no
// encryption, no compression, no unsecured form, and no URL in a header is ever followed.
//
// What depends on more than the bytes is for the callers: freshness of the nonce, equality of the URL, the account
// behind a key ID, blocked keys.
package jws

import "github.com/everleaf-pki/everleaf/internal/core/fault"

// Header is the protected header of a request (RFC 8555 section 6.2). Exactly one of KeyID and Key is set.
type Header struct {
	Algorithm string
	Nonce     string // base64url; empty without HasNonce
	HasNonce  bool   // requests need a nonce; the inner JWS of a key change must not have one
	URL       string
	KeyID     string // the account's URL ("kid"), not yet compared with anything
	Key       *Key   // the key sent along ("jwk")
}

// Message is a JWS that is well-formed and not yet verified: nothing in it may be believed before Verify.
type Message struct {
	Header    Header
	Payload   []byte // decoded
	PostAsGet bool   // the payload is the empty string (RFC 8555 section 6.3)

	signed    []byte
	signature []byte
}

// Parse reads a request's body. A refusal is [fault.Malformed]; [fault.BadSignatureAlgorithm], which lists the
// supported ones, for another algorithm; or [fault.BadPublicKey] for a key sent along that [ParseKey] refuses or that
// is not for the algorithm.
func Parse(body []byte) (*Message, error) {
	opened, err := open(body)
	if err != nil {
		return nil, err
	}
	header, err := requestHeader(&opened.header)
	if err != nil {
		return nil, err
	}
	return &Message{
		Header:    header,
		Payload:   opened.payload,
		PostAsGet: len(opened.payload) == 0,
		signed:    opened.signed(),
		signature: opened.signature,
	}, nil
}

// Verify checks the signature with key, which must be the embedded one or that of the account in the key ID. Whatever
// is wrong, the refusal is the same [fault.Malformed]: a stranger who names an account learns nothing about its key.
func (m *Message) Verify(key Key) error {
	if m.Header.Algorithm != key.scheme.algorithm || !key.verifies(m.signed, m.signature) {
		return fault.New(fault.Malformed, "The JWS signature does not verify with its key; sign the request again, "+
			"with the algorithm of the key, and with r and s at full length where it is ECDSA (RFC 7518 section 3.4).")
	}
	return nil
}

func requestHeader(wire *wireHeader) (Header, error) {
	if err := checkAlgorithm(wire.Algorithm, Algorithms()); err != nil {
		return Header{}, err
	}
	if err := checkNonce(wire.Nonce); err != nil {
		return Header{}, err
	}
	key, err := requestKey(wire)
	if err != nil {
		return Header{}, err
	}
	return Header{
		Algorithm: wire.Algorithm.Value,
		Nonce:     wire.Nonce.Value,
		HasNonce:  wire.Nonce.Present,
		URL:       wire.URL.Value,
		KeyID:     wire.KeyID.Value,
		Key:       key,
	}, nil
}

// requestKey returns the embedded key; nil when the header has a usable key ID in its place.
func requestKey(wire *wireHeader) (*Key, error) {
	switch {
	case wire.KeyID.Present && wire.JWK != nil:
		return nil, malformed(`it has both "kid" and "jwk"; send exactly one of them`)
	case wire.KeyID.Present:
		return nil, checkLength("kid", wire.KeyID.Value, MaxURL)
	case wire.JWK == nil:
		return nil, malformed(`it has neither "kid" nor "jwk"; send exactly one of them`)
	}
	key, err := ParseKey(wire.JWK)
	if err != nil {
		return nil, err
	}
	if named := wire.Algorithm.Value; named != key.Algorithm() {
		return nil, badKey("the JWS names the algorithm %s, and its key is for %s", named, key.Algorithm())
	}
	return &key, nil
}
