// Package perspective is what a CA and its validators on other machines say to each other: a look, or a question about CAA
// records, and the evidence of one attempt.
package perspective

import (
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/strictjson"
)

// The resources of a validator, below its URL.
const (
	LookPath  = "/v1/look"  // POST: a policy.Look as JSON; the answer is an acme.Attempt
	CAAPath   = "/v1/caa"   // POST: a caa.Question; the answer likewise
	AlivePath = "/v1/alive" // GET: 204
)

// How much either end reads, in octets. A look carries the rules of its connector, an attempt what hostile hosts made of it.
const (
	MaxLook    = 256 << 10
	MaxAttempt = 256 << 10
)

// ParseLook reads what a CA asks of a validator. Error: Malformed.
func ParseLook(text []byte) (policy.Look, error) {
	var look policy.Look
	if err := strictjson.Decode(text, &look); err != nil {
		return policy.Look{}, err
	}
	if !isWhole(look.Identifier) || look.Method == "" {
		return policy.Look{}, fault.New(fault.Malformed, "The look names no method, or nothing that can be looked at.")
	}
	return look, nil
}

// ParseQuestion reads what a CA asks of a validator about CAA records. Error: Malformed.
func ParseQuestion(text []byte) (caa.Question, error) {
	var q caa.Question
	if err := strictjson.Decode(text, &q); err != nil {
		return caa.Question{}, err
	}
	if !isWhole(q.Name) {
		return caa.Question{}, fault.New(fault.Malformed, "The question is about nothing that can be certified.")
	}
	return q, nil
}

// isWhole reports whether an identifier is one that can be parsed: what came over the wire may be anything.
func isWhole(id ident.Identifier) bool {
	parsed, err := ident.Parse(string(id.Type()), id.Value())
	return err == nil && parsed == id
}

// ParseAttempt reads what a validator saw. Error: Malformed.
func ParseAttempt(text []byte) (acme.Attempt, error) {
	var attempt acme.Attempt
	if err := strictjson.Decode(text, &attempt); err != nil {
		return acme.Attempt{}, err
	}
	if attempt.Seen == "" {
		return acme.Attempt{}, fault.New(fault.Malformed, "The answer does not say what was seen.")
	}
	return attempt, nil
}
