package strictjson

import (
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Base64URL decodes RFC 4648 section 5 as RFC 8555 section 6.1 wants it: without padding. Each sequence of octets
// has exactly one accepted spelling, so that comparing spellings and comparing octets give the same answer.
func Base64URL(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") { // encoding/base64 skips them, even when strict
		return nil, errBase64URL("it has a line break")
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, errBase64URL(whyNotBase64URL(s))
	}
	return decoded, nil
}

func errBase64URL(why string) error {
	return fault.New(fault.Malformed, "This is not base64url as RFC 8555 section 6.1 defines it: %s.", why)
}

func whyNotBase64URL(s string) string {
	switch {
	case strings.HasSuffix(s, "="):
		return `it ends in "="; send it without padding`
	case strings.ContainsAny(s, "+/"):
		return `it has "+" or "/"; send "-" and "_" in their place`
	case strings.ContainsFunc(s, outsideAlphabet):
		return "it has a character outside A-Z, a-z, 0-9, - and _"
	case len(s)%4 == 1:
		return "it is cut short"
	default:
		return "its last character has unused bits that are not zero"
	}
}

func outsideAlphabet(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// Bytes are octets that JSON carries as a base64url string, read by the rules of [Base64URL]. null is refused.
type Bytes []byte

// UnmarshalJSONFrom reads one base64url string.
func (b *Bytes) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	text, err := readString(dec)
	if err != nil {
		return err
	}
	*b, err = Base64URL(text)
	return err
}

// MarshalJSONTo writes the base64url string that UnmarshalJSONFrom reads.
func (b Bytes) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteToken(jsontext.String(base64.RawURLEncoding.EncodeToString(b)))
}

// Text is a string member of which absence matters. null is refused: it is neither absent nor a string.
type Text struct {
	Present bool
	Value   string
}

// UnmarshalJSONFrom reads one string.
func (t *Text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	text, err := readString(dec)
	if err != nil {
		return err
	}
	*t = Text{Present: true, Value: text}
	return nil
}

func readString(dec *jsontext.Decoder) (string, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return "", err
	}
	if token.Kind() != jsontext.KindString {
		return "", fault.New(fault.Malformed, "A string is required.")
	}
	return token.String(), nil
}
