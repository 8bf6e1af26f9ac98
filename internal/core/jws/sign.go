package jws

import (
	"crypto"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/everleaf-pki/everleaf/internal/core/strictjson"
)

// SignOptions are the parameters of the protected header beside the algorithm.
type SignOptions struct {
	KeyID string // account URL, or key ID of an external account binding; empty: the public key is embedded
	Nonce string // empty: none, as in the inner JWS of a key change
	URL   string
}

// Sign returns payload as a signed request; nil or empty makes a POST-as-GET.
// It reads no randomness: keys of the standard library then sign deterministically (RFC 6979).
func Sign(key crypto.Signer, opts SignOptions, payload []byte) ([]byte, error) {
	public, err := KeyFromPublic(key.Public())
	if err != nil {
		return nil, err
	}
	header := signHeader{Algorithm: public.Algorithm(), KeyID: opts.KeyID, Nonce: opts.Nonce, URL: opts.URL}
	if opts.KeyID == "" {
		header.JWK = public.JWK()
	}
	return seal(header, payload, func(signed []byte) ([]byte, error) {
		return public.scheme.sign(key, signed)
	})
}

// SignMAC returns payload, the JWK of an account key, as an external account binding with one of [MACAlgorithms].
func SignMAC(key []byte, algorithm string, opts SignOptions, payload []byte) ([]byte, error) {
	if !slices.Contains(MACAlgorithms(), algorithm) {
		return nil, fmt.Errorf("jws: %q is no MAC algorithm", algorithm)
	}
	header := signHeader{Algorithm: algorithm, KeyID: opts.KeyID, Nonce: opts.Nonce, URL: opts.URL}
	return seal(header, payload, func(signed []byte) ([]byte, error) {
		return computeMAC(algorithm, key, signed), nil
	})
}

type signHeader struct {
	Algorithm string         `json:"alg"`
	KeyID     string         `json:"kid,omitzero"`
	JWK       jsontext.Value `json:"jwk,omitzero"`
	Nonce     string         `json:"nonce,omitzero"`
	URL       string         `json:"url"`
}

type signFlattened struct {
	Protected strictjson.Bytes `json:"protected"`
	Payload   strictjson.Bytes `json:"payload"`
	Signature strictjson.Bytes `json:"signature"`
}

func seal(header signHeader, payload []byte, sign func([]byte) ([]byte, error)) ([]byte, error) {
	protected, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("jws: encode the protected header: %w", err)
	}
	signature, err := sign(envelope{protected: protected, payload: payload}.signed())
	if err != nil {
		return nil, fmt.Errorf("jws: sign: %w", err)
	}
	return json.Marshal(signFlattened{protected, payload, signature})
}

// sign gives an ECDSA signature the form of RFC 7518 section 3.4; others have it already.
func (s scheme) sign(key crypto.Signer, message []byte) ([]byte, error) {
	signature, err := key.Sign(nil, s.digest(message), s.hash)
	if err != nil || s.curve == nil {
		return signature, err
	}
	var halves struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &halves); err != nil {
		return nil, err
	}
	raw := make([]byte, 2*s.coordinate)
	halves.R.FillBytes(raw[:s.coordinate])
	halves.S.FillBytes(raw[s.coordinate:])
	return raw, nil
}
