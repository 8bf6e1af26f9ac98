package jws

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxNonces is how many nonces of one body count. An honest one has one.
const maxNonces = 16

// Nonces returns the nonces that appear in the protected headers of a body, in whatever form and however broken the
// rest of it is, for "once a nonce value has appeared in an ACME request, the server MUST consider it invalid" (RFC
// 8555 section 6.5). It is for bodies that Parse refused: nothing else in them is believed. Of very many nonces it
// returns the first ones.
func Nonces(body []byte) []string {
	if len(body) > MaxBody {
		return nil
	}
	headers := members(body, "protected")
	if compact, _, found := strings.Cut(string(body), "."); found {
		headers = append(headers, compact)
	}
	var nonces []string
	for _, protected := range headers {
		header, _ := base64.RawURLEncoding.DecodeString(protected) // as far as it can be read
		nonces = append(nonces, members(header, "nonce")...)
	}
	return nonces[:min(len(nonces), maxNonces)]
}

// members returns the strings that a JSON text has under a name, at any depth and as often as they stand there, as far
// as the text can be read.
func members(text []byte, name string) []string {
	var found []string
	decoder := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			return found
		}
		if container, length := decoder.StackIndex(decoder.StackDepth()); container != '{' || length%2 == 0 || token.Kind() != '"' || token.String() != name {
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
