package adminapi

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/strictjson"
)

// Encode writes a value of this package as JSON. A list without elements is [], never null; the members of a map are
// in the order of their names.
func Encode(v any) ([]byte, error) {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return text, nil
}

// Document writes a value that is an object as it leaves the program, as the answer to a request or the output of a
// command: its members behind schema_version.
func Document(v any) ([]byte, error) {
	text, err := Encode(v)
	if err != nil {
		return nil, err
	}
	return Encode(struct {
		SchemaVersion int            `json:"schema_version"`
		Members       jsontext.Value `json:",embed"`
	}{SchemaVersion, text})
}

// Decode reads what a client sent. Beyond the rules of strictjson it refuses unknown members, as fault.Malformed: a
// setting with a slip in its name must not be lost in silence.
func Decode(text []byte, v any) error {
	if err := strictjson.Decode(text, v); err != nil {
		return err
	}
	err := json.Unmarshal(text, v, json.RejectUnknownMembers(true))
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok && errors.Is(err, json.ErrUnknownName) {
		return fault.New(fault.Malformed, "JSON member %+.80q: there is none of this name here.", string(semantic.JSONPointer))
	}
	return err
}

// Apply puts what change names onto a declaration: [RulesChange] onto [policy.Rules], [SpecChange] onto [pki.Spec]. The
// members have the same names in both.
func Apply(change, declaration any) error {
	text, err := Encode(change)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, declaration, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("apply a change: %w", err)
	}
	return nil
}
