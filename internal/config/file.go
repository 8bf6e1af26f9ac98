package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/everleaf-pki/everleaf/internal/config/spelling"
)

// maxFile bounds the configuration file, in octets.
const maxFile = 1 << 20

// entry is one key of the file.
type entry struct {
	values []string
	line   int
}

// readFile reads the file strictly: what it cannot use is an error with its line.
func readFile(s Sources) (map[string]entry, error) {
	if s.File == "" {
		return nil, nil
	}
	file, err := os.Open(s.File)
	if errors.Is(err, fs.ErrNotExist) && !s.Asked {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	return parseFile(s.File, data)
}

// parseFile returns the settings in the text of the file at path, those that can be used beside an error that names
// every other: unknown and repeated keys, keys without a value, and values that are no text.
func parseFile(path string, data []byte) (map[string]entry, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d octets", path, maxFile)
	}
	root, err := parseDocument(path, data)
	if root == nil || err != nil {
		return nil, err
	}
	entries := make(map[string]entry)
	var problems []error
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, node := root.Content[i], root.Content[i+1]
		e, err := readEntry(key, node)
		if first, repeated := entries[key.Value]; repeated && err == nil {
			err = fmt.Errorf("%s is set twice, first in line %d; remove one", key.Value, first.line)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", path, key.Line, err))
			continue
		}
		entries[key.Value] = e
	}
	return entries, errors.Join(problems...)
}

// parseDocument returns the mapping of the one document in data; nil when it is empty.
func parseDocument(path string, data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, fmt.Errorf("%s:%d: a second document begins here; put all settings into one", path, second.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		return nil, nil
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: write settings as \"name: value\"", path, root.Line)
	}
	return root, nil
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

func readEntry(key, node *yaml.Node) (entry, error) {
	settings := Settings()
	i := slices.IndexFunc(settings, func(s Setting) bool { return key.Kind == yaml.ScalarNode && s.Name == key.Value })
	if i < 0 {
		return entry{}, fmt.Errorf("there is no setting %q%s", key.Value, suggest(key.Value, settings))
	}
	e := entry{line: key.Line}
	nodes := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode && settings[i].List {
		nodes = node.Content
	}
	for _, n := range nodes {
		switch {
		case n.Kind != yaml.ScalarNode && settings[i].List:
			return entry{}, fmt.Errorf("%s takes a plain value or a list of them", key.Value)
		case n.Kind != yaml.ScalarNode:
			return entry{}, fmt.Errorf("%s takes a plain value", key.Value)
		case isNull(n):
			return entry{}, fmt.Errorf("%s has no value; give one, or remove the line", key.Value)
		}
		e.values = append(e.values, n.Value)
	}
	return e, nil
}

// suggest names the setting that the person probably meant.
func suggest(name string, settings []Setting) string {
	var names []string
	for _, s := range settings {
		names = append(names, s.Name)
	}
	plain := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if near := spelling.Nearest(plain, names); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return "; \"everleaf config show\" lists them all"
}
