// Package render turns what a command found into text: tables for people, JSON and YAML for programs, PEM for
// certificates. Text that came from outside never reaches a terminal raw.
package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"go.yaml.in/yaml/v4"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
)

// Format is a form of output.
type Format string

// The formats.
const (
	Table Format = "table"
	JSON  Format = "json"
	YAML  Format = "yaml"
	PEM   Format = "pem"
)

// ParseFormat reads the name of one of the offered formats.
func ParseFormat(text string, offered []Format) (Format, error) {
	if f := Format(strings.ToLower(text)); slices.Contains(offered, f) {
		return f, nil
	}
	return "", fmt.Errorf("%q is none of %s", text, List(offered))
}

// List joins the names of formats for a sentence.
func List(formats []Format) string {
	var names []string
	for _, f := range formats {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// Tree writes v, which is an object, as JSON or YAML with the version of the schema: the same tree in both, members in the
// order of the type, indented by two blanks.
func Tree(w io.Writer, f Format, v any) error {
	text, err := adminapi.Document(v)
	if err != nil {
		return err
	}
	switch f {
	case JSON:
		var indented bytes.Buffer
		if err := json.Indent(&indented, text, "", "  "); err != nil {
			return fmt.Errorf("indent JSON: %w", err)
		}
		text = append(escape(indented.String(), jsonEscape), '\n')
	case YAML:
		if text, err = toYAML(text); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%q is no form for a tree", f)
	}
	_, err = w.Write(text)
	return err
}

// toYAML writes JSON as YAML. JSON is read as YAML, so that members keep their order and numbers their digits.
func toYAML(text []byte) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read JSON as YAML: %w", err)
	}
	plain(&document)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return escape(out.String(), yamlEscape), nil
}

// escape writes the characters that a terminal would obey or hide as escapes. They stand in quotes only.
func escape(text string, as func(rune) string) []byte {
	var out bytes.Buffer
	for _, r := range text {
		if isHidden(r) {
			out.WriteString(as(r))
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

// jsonEscape writes r as RFC 8259 section 7 does: in UTF-16.
func jsonEscape(r rune) string {
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// yamlEscape writes r as YAML 1.2 section 5.7 does.
func yamlEscape(r rune) string { return fmt.Sprintf(`\U%08X`, r) }

// plain takes the spelling of JSON away: the encoder quotes only what would be read as something else than text.
func plain(node *yaml.Node) {
	switch {
	case node.Kind == yaml.ScalarNode && strings.ContainsFunc(node.Value, isHidden):
		node.Style = yaml.DoubleQuotedStyle
	case node.Kind == yaml.ScalarNode && strings.Contains(node.Value, "\n"):
		node.Style = yaml.LiteralStyle
	case (node.Kind == yaml.SequenceNode || node.Kind == yaml.MappingNode) && len(node.Content) == 0:
		return // [] and {} stay as they are
	default:
		node.Style = 0
	}
	for _, child := range node.Content {
		plain(child)
	}
}

func isHidden(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
