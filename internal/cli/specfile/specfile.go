// Package specfile reads a profile from a file, in YAML or JSON, strictly: a name that a profile does not have is an error
// with its line and what was probably meant.
package specfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/config/spelling"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// MaxFile bounds a file, in octets.
const MaxFile = 1 << 20

// Read returns the whole profile that a text declares: what it leaves out is as in a new profile. The text is a profile,
// or what "everleaf profile show" prints, of which the member spec counts.
func Read(text []byte) (pki.Spec, error) {
	spec := pki.DefaultSpec("default")
	root, err := document(text)
	if err != nil {
		return spec, err
	}
	if shown := member(root, "spec"); shown != nil {
		root = shown
	}
	if err := checkNames(root, reflect.TypeFor[pki.Spec](), ""); err != nil {
		return spec, err
	}
	value, err := plain(root)
	if err != nil {
		return spec, err
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return spec, fmt.Errorf("read the profile: %w", err)
	}
	if err := adminapi.Decode(encoded, &spec); err != nil {
		if sentence := fault.Sentence(err); sentence != "" {
			return spec, errors.New(sentence)
		}
		return spec, err
	}
	return spec, nil
}

// Whole returns the change that makes every part of a profile that of spec.
func Whole(spec pki.Spec) adminapi.SpecChange {
	var change adminapi.SpecChange
	from, to := reflect.ValueOf(spec), reflect.ValueOf(&change).Elem()
	for field := range to.Type().Fields() {
		value := reflect.New(field.Type.Elem())
		value.Elem().Set(from.FieldByName(field.Name))
		to.FieldByName(field.Name).Set(value)
	}
	return change
}

// document returns the one mapping in a text.
func document(text []byte) (*yaml.Node, error) {
	if len(text) > MaxFile {
		return nil, fmt.Errorf("the file is longer than %d octets", MaxFile)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	if err := decoder.Decode(&first); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file holds more than one profile; put each into its own")
	}
	if len(first.Content) != 1 || first.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New(`the file holds no profile; write its parts as "name: value", as "everleaf profile show NAME -o yaml" prints them`)
	}
	return first.Content[0], nil
}

// member returns the mapping with a name in a mapping; nil when there is none.
func member(mapping *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name && mapping.Content[i+1].Kind == yaml.MappingNode {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// checkNames looks for names that the type does not have, and for names that stand twice.
func checkNames(node *yaml.Node, t reflect.Type, where string) error {
	switch {
	case node.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, child := range node.Content {
			if err := checkNames(child, t.Elem(), where); err != nil {
				return err
			}
		}
	case node.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		members := members(t)
		var seen []string
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			inner, found := members[key.Value]
			if !found {
				return fmt.Errorf("line %d: a profile has no %s%s%s", key.Line, where, key.Value, suggest(key.Value, members))
			}
			if slices.Contains(seen, key.Value) {
				return fmt.Errorf("line %d: %s%s stands there twice; remove one", key.Line, where, key.Value)
			}
			seen = append(seen, key.Value)
			if err := checkNames(node.Content[i+1], inner, where+key.Value+"."); err != nil {
				return err
			}
		}
	}
	return nil
}

func members(t reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		all[name] = field.Type
	}
	return all
}

func suggest(name string, members map[string]reflect.Type) string {
	var known []string
	for member := range members {
		known = append(known, member)
	}
	slices.Sort(known)
	written := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	if near := spelling.Nearest(written, known); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return "; there are: " + strings.Join(known, ", ")
}

// plain returns what a node holds as JSON has it. A date stays the text that was written.
func plain(node *yaml.Node) (any, error) {
	switch node.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			value, err := plain(node.Content[i+1])
			if err != nil {
				return nil, err
			}
			object[node.Content[i].Value] = value
		}
		return object, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, child := range node.Content {
			value, err := plain(child)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.ScalarNode:
		switch node.ShortTag() {
		case "!!null":
			return nil, fmt.Errorf("line %d: the value is missing; give one, or remove the line", node.Line)
		case "!!bool":
			return node.Value == "true" || node.Value == "True" || node.Value == "TRUE", nil
		default:
			return node.Value, nil
		}
	default:
		return nil, fmt.Errorf("line %d: write the value out, without anchors", node.Line)
	}
}
