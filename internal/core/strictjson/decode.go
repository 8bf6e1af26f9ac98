// Package strictjson reads JSON and base64url that a stranger sent.
//
// One meaning for every reader: duplicate names, invalid UTF-8, trailing data and case variants of names, which
// lenient parsers each resolve in their own way, are refused or (case variants) are unknown members, which are
// ignored. Depth and lengths are checked before anything is decoded. Every refusal is a [fault.Malformed] whose
// sentence says what stands where.
package strictjson

import (
	"github.com/go-json-experiment/json"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// Decode reads data, exactly one JSON object (RFC 8259), into the struct or map that v points to.
// Members that v does not name are ignored, unless they break the syntax or the limits.
// After an error the contents of v are undefined.
func Decode(data []byte, v any) error {
	if err := checkShape(data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return explain(err)
	}
	return nil
}

// checkShape enforces the limits in one pass, without judging the syntax: that is the decoder's part.
func checkShape(data []byte) error {
	if first := firstByte(data); first != '{' {
		return fault.New(fault.Malformed, "A JSON object is required; it begins with '{'.")
	}
	var (
		commas   [MaxDepth]int
		depth    int
		inString bool
	)
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString:
			if c == '\\' {
				i++
			}
			inString = c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			if depth == MaxDepth {
				return fault.New(fault.Malformed, "The JSON is nested deeper than %d levels.", MaxDepth)
			}
			commas[depth] = 0
			depth++
		case c == '}' || c == ']':
			depth = max(depth-1, 0)
		case c == ',' && depth > 0:
			commas[depth-1]++
			if commas[depth-1] == MaxElements {
				return fault.New(fault.Malformed, "The JSON has an object or array of more than %d members.", MaxElements)
			}
		}
	}
	return nil
}

// firstByte returns the first byte that is no JSON white space; zero when there is none.
func firstByte(data []byte) byte {
	for _, c := range data {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}
