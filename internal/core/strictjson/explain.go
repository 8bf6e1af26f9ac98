package strictjson

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// explain turns an error of the decoder, which speaks of Go types, into a sentence for the sender.
func explain(err error) error {
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fault.Wrap(err, fault.Malformed, "%s", syntaxSentence(syntax))
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return fault.Wrap(err, fault.Malformed, "The JSON cannot be read.")
	}
	where := path(semantic.JSONPointer)
	if inner, ok := errors.AsType[*fault.Error](semantic.Err); ok {
		return fault.New(fault.Malformed, "JSON member %s: %s", where, inner.Public)
	}
	return fault.Wrap(err, fault.Malformed, "JSON member %s: %s is required.", where, required(semantic.GoType))
}

func syntaxSentence(err *jsontext.SyntacticError) string {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return fmt.Sprintf("JSON member %s: it is there twice.", path(err.JSONPointer))
	}
	return fmt.Sprintf("The JSON is not valid at byte %d: %v.", err.ByteOffset, err.Err)
}

// path quotes a JSON pointer (RFC 6901), which is text of the sender: bounded, and in printable ASCII.
func path(pointer jsontext.Pointer) string {
	return fmt.Sprintf("%+.*q", maxShownPath, pointer)
}

// required names, in words of JSON, what a Go type can hold.
func required(goType reflect.Type) string {
	if goType == nil {
		return "another value"
	}
	switch goType.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number in range"
	case reflect.Float32, reflect.Float64:
		return "a number in range"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "another value"
	}
}
