package jws

import (
	"crypto"
	"crypto/hmac"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// MACMessage is the inner JWS of an external account binding (RFC 8555 section 7.3.4), well-formed and not yet
// verified.
type MACMessage struct {
	Algorithm string
	KeyID     string // printable ASCII
	URL       string
	Payload   []byte // decoded; a JWK that must equal the key of the outer JWS

	signed []byte
	mac    []byte
}

// MACAlgorithms returns the algorithms of external account bindings.
func MACAlgorithms() []string { return []string{"HS256", "HS384", "HS512"} }

// ParseMAC reads an external account binding. A refusal is [fault.Malformed], or [fault.BadSignatureAlgorithm] for
// an algorithm that is no MAC.
func ParseMAC(body []byte) (*MACMessage, error) {
	opened, err := open(body)
	if err != nil {
		return nil, within("External account binding", err)
	}
	if err := checkBindingHeader(&opened.header); err != nil {
		return nil, within("External account binding", err)
	}
	return &MACMessage{
		Algorithm: opened.header.Algorithm.Value,
		KeyID:     opened.header.KeyID.Value,
		URL:       opened.header.URL.Value,
		Payload:   opened.payload,
		signed:    opened.signed(),
		mac:       opened.signature,
	}, nil
}

// VerifyMAC checks the MAC in constant time. A wrong one is [fault.Unauthorized].
// With an empty key it works as long and always refuses, so that an unknown key ID and a wrong MAC are answered alike.
func (m *MACMessage) VerifyMAC(key []byte) error {
	want := computeMAC(m.Algorithm, key, m.signed)
	if !hmac.Equal(want, m.mac) || len(key) == 0 {
		return fault.New(fault.Unauthorized,
			"The external account binding does not verify; check the key ID and the MAC key that the CA's operator gave you.")
	}
	return nil
}

func checkBindingHeader(header *wireHeader) error {
	if err := checkAlgorithm(header.Algorithm, MACAlgorithms()); err != nil {
		return err
	}
	switch {
	case header.Nonce.Present:
		return malformed(`it has a "nonce", which belongs into the outer JWS only`)
	case header.JWK != nil:
		return malformed(`it has a "jwk"; the key of the account belongs into the payload`)
	case strings.ContainsFunc(header.KeyID.Value, notPrintableASCII):
		return malformed(`its "kid" is not printable ASCII`)
	default:
		return checkLength("kid", header.KeyID.Value, MaxKeyID)
	}
}

func notPrintableASCII(r rune) bool { return r < ' ' || r > '~' }

// computeMAC takes one of MACAlgorithms.
func computeMAC(algorithm string, key, message []byte) []byte {
	mac := hmac.New(macHash(algorithm).New, key)
	mac.Write(message)
	return mac.Sum(nil)
}

func macHash(algorithm string) crypto.Hash {
	switch algorithm {
	case "HS512":
		return crypto.SHA512
	case "HS384":
		return crypto.SHA384
	default:
		return crypto.SHA256
	}
}
