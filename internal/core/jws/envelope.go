package jws

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/strictjson"
)

// envelope is what requests and external account bindings have in common: three parts and a header in JSON.
type envelope struct {
	header    wireHeader
	protected []byte
	payload   []byte
	signature []byte
}

// wireFlattened is RFC 7515 section 7.2.2, with the members of other forms so that they can be refused.
type wireFlattened struct {
	Protected  strictjson.Bytes `json:"protected"`
	Payload    strictjson.Bytes `json:"payload"`
	Signature  strictjson.Bytes `json:"signature"`
	Header     jsontext.Value   `json:"header"`
	Signatures jsontext.Value   `json:"signatures"`
}

// wireHeader has the parameters that count. Others, "jku", "x5u" and "x5c" among them, are ignored.
type wireHeader struct {
	Algorithm strictjson.Text `json:"alg"`
	Nonce     strictjson.Text `json:"nonce"`
	URL       strictjson.Text `json:"url"`
	KeyID     strictjson.Text `json:"kid"`
	JWK       jsontext.Value  `json:"jwk"`
	Critical  jsontext.Value  `json:"crit"`
	Unencoded jsontext.Value  `json:"b64"`
}

// open takes body apart and applies the rules that hold for every JWS here.
func open(body []byte) (envelope, error) {
	if len(body) > MaxBody {
		return envelope{}, fault.New(fault.Malformed, "The JWS is longer than %d octets.", MaxBody)
	}
	var wire wireFlattened
	if err := strictjson.Decode(body, &wire); err != nil {
		return envelope{}, within("The body must be a JWS in flattened JSON form", err)
	}
	if err := checkForm(&wire); err != nil {
		return envelope{}, err
	}
	opened := envelope{protected: wire.Protected, payload: wire.Payload, signature: wire.Signature}
	if err := strictjson.Decode(wire.Protected, &opened.header); err != nil {
		return envelope{}, within("JWS protected header", err)
	}
	return opened, checkHeader(&opened.header)
}

// signed returns the signing input of RFC 7515 section 5.1. Each octet sequence has only one accepted spelling in
// base64url, so encoding again gives exactly the text that was sent.
func (e envelope) signed() []byte {
	base64url := base64.RawURLEncoding
	input := make([]byte, 0, base64url.EncodedLen(len(e.protected))+1+base64url.EncodedLen(len(e.payload)))
	input = base64url.AppendEncode(input, e.protected)
	input = append(input, '.')
	return base64url.AppendEncode(input, e.payload)
}

func checkForm(wire *wireFlattened) error {
	switch {
	case wire.Signatures != nil:
		return fault.New(fault.Malformed, `The JWS has "signatures"; send the flattened form with one "signature".`)
	case wire.Header != nil:
		return fault.New(fault.Malformed, `The JWS has an unprotected "header"; put everything into "protected".`)
	case wire.Protected == nil:
		return fault.New(fault.Malformed, `The JWS has no "protected" header.`)
	case wire.Payload == nil:
		return fault.New(fault.Malformed, `The JWS has no "payload"; a POST-as-GET request sends the empty string.`)
	case len(wire.Signature) == 0:
		return fault.New(fault.Malformed, `The JWS has no "signature".`)
	default:
		return nil
	}
}

func checkHeader(header *wireHeader) error {
	switch {
	case header.Critical != nil: // RFC 7515 section 4.1.11: no extension is understood here
		return malformed(`it has "crit", and no extension is supported`)
	case header.Unencoded != nil: // RFC 7797; RFC 8555 section 6.2 forbids it
		return malformed(`it has "b64"; the payload must be encoded`)
	default:
		return checkLength("url", header.URL.Value, MaxURL)
	}
}

func checkAlgorithm(algorithm strictjson.Text, supported []string) error {
	switch {
	case !algorithm.Present:
		return malformed(`it has no "alg"`)
	case !slices.Contains(supported, algorithm.Value):
		refusal := fault.New(fault.BadSignatureAlgorithm,
			"The JWS algorithm is not supported; use one of %s.", strings.Join(supported, ", "))
		refusal.Algorithms = supported
		return refusal
	default:
		return nil
	}
}

// checkNonce refuses what is not base64url, as RFC 8555 section 6.5.2 demands before any other check of a nonce.
func checkNonce(nonce strictjson.Text) error {
	if len(nonce.Value) > MaxNonce {
		return malformed(`its "nonce" is too long`)
	}
	if _, err := strictjson.Base64URL(nonce.Value); err != nil {
		return within(`JWS protected header, "nonce"`, err)
	}
	return nil
}

// checkLength refuses a parameter that is absent, empty or too long.
func checkLength(name, value string, most int) error {
	switch {
	case value == "":
		return malformed(`it has no "` + name + `"`)
	case len(value) > most:
		return malformed(`its "` + name + `" is too long`)
	default:
		return nil
	}
}

func malformed(why string) error {
	return fault.New(fault.Malformed, "The JWS protected header is refused: %s.", why)
}

// within puts the place before the sentence of a refusal.
func within(place string, err error) error {
	refusal, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	placed := *refusal
	placed.Public = place + ": " + refusal.Public
	return &placed
}
