package jws

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxNonces is how many nonces of one body count. An honest one has one.
const maxNonces = 16

// byteOrderMark begins what some editors and libraries write as UTF-8. JSON has none (RFC 8259 section 8.1).
const byteOrderMark = "\ufeff"

// Nonces returns the nonces of a body that Parse refused, for "once a nonce value has appeared in an ACME request, the
// server MUST consider it invalid" (RFC 8555 section 6.5). It finds them also where a mistaken client puts them: in the
// protected headers of the flattened, general and compact form, in any spelling of base64, and in the body itself, as
// when a header is not encoded; at any depth, as often as they stand there, by names in any case. Nothing else in the
// body is believed.
//
// It reads as far as the text can be read as JSON: what stands behind the first error of syntax is lost. Of more than
// MaxBody octets it reads nothing, for a body that is refused for its length is not held. Of very many nonces it
// returns the first ones. The work is linear in the length of the body.
func Nonces(body []byte) []string {
	if len(body) > MaxBody {
		return nil
	}
	nonces := members(body, "nonce")
	for _, protected := range members(body, "protected") {
		nonces = append(nonces, members([]byte(protected), "nonce")...)
		nonces = append(nonces, members(decodeLoosely(protected), "nonce")...)
	}
	if compact, _, found := bytes.Cut(body, []byte(".")); found {
		nonces = append(nonces, members(decodeLoosely(string(compact)), "nonce")...)
	}
	return nonces[:min(len(nonces), maxNonces)]
}

// decodeLoosely decodes JSON from base64 as far as it can be read: of either alphabet, with or without padding, with
// anything else in between. What stands for 62 and 63 is dropped at the beginning, where no JSON has it: a "+" there
// was a space.
func decodeLoosely(text string) []byte {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r == '+':
			return '-'
		case r == '/':
			return '_'
		case r == '-', r == '_', '0' <= r && r <= '9', 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z':
			return r
		default:
			return -1
		}
	}, text)
	decoded, _ := base64.RawURLEncoding.DecodeString(strings.TrimLeft(kept, "-_"))
	return decoded
}

// members returns the strings that a JSON text has under a name, in any case, at any depth and as often as they stand
// there, as far as the text can be read.
func members(text []byte, name string) []string {
	var found []string
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	decoder := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			return found
		}
		if container, length := decoder.StackIndex(decoder.StackDepth()); container != '{' || length%2 == 0 || token.Kind() != '"' || !strings.EqualFold(token.String(), name) {
			continue // no name of a member, or another
		}
		if decoder.PeekKind() == '"' {
			value, err := decoder.ReadToken()
			if err != nil {
				return found
			}
			found = append(found, value.String())
		}
	}
}
