package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFile bounds the configuration file, in octets.
const maxFile = 1 << 20

// Sources is where settings come from.
type Sources struct {
	Flags map[string][]string // by name, those that were given
	Env   func(string) string
	File  string // path; "" reads no file
	Asked bool   // the file was named by a person and must exist
}

// Load returns the settings. The error names every problem at once, each with its place and what to do.
func Load(s Sources) (Config, error) {
	file, err := readFile(s)
	if err != nil {
		return Config{}, err
	}
	var c Config
	var problems []error
	for _, setting := range Settings() {
		values, place := value(setting, s, file)
		if len(values) == 0 {
			continue
		}
		if err := setting.parse(&c, values); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", place, err))
		}
	}
	if c.Data == "" {
		problems = append(problems, errors.New("no data folder is set and none can be derived; give --data"))
	}
	return c, errors.Join(problems...)
}

// value returns the values of a setting from the strongest source that has it, and the name of that place.
func value(setting Setting, s Sources, file map[string]entry) (values []string, place string) {
	if v, ok := s.Flags[setting.Name]; ok {
		return v, "--" + setting.Name
	}
	if v := s.Env(setting.Env()); v != "" {
		if setting.List {
			return strings.Split(v, ","), setting.Env()
		}
		return []string{v}, setting.Env()
	}
	if e, ok := file[setting.Name]; ok {
		return e.values, fmt.Sprintf("%s:%d: %s", s.File, e.line, setting.Name)
	}
	if setting.Name == "data" {
		return dataFolder(s.Env), "default"
	}
	if setting.Default == "" {
		return nil, ""
	}
	return []string{setting.Default}, "default of " + setting.Name
}

// dataFolder returns the default data folder: the system's for root, the XDG data folder for others.
func dataFolder(env func(string) string) []string {
	switch {
	case os.Geteuid() == 0:
		return []string{"/var/lib/everleaf"}
	case env("XDG_DATA_HOME") != "":
		return []string{env("XDG_DATA_HOME") + "/everleaf"}
	case env("HOME") != "":
		return []string{env("HOME") + "/.local/share/everleaf"}
	default:
		return nil
	}
}

// entry is one key of the file.
type entry struct {
	values []string
	line   int
}

// readFile reads the file strictly: unknown and repeated keys are errors.
func readFile(s Sources) (map[string]entry, error) {
	if s.File == "" {
		return nil, nil
	}
	data, err := os.ReadFile(s.File)
	if errors.Is(err, fs.ErrNotExist) && !s.Asked {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	return parseFile(s.File, data)
}

func parseFile(path string, data []byte) (map[string]entry, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d octets", path, maxFile)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: write settings as \"name: value\"", path, root.Line)
	}
	entries := make(map[string]entry)
	var problems []error
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, node := root.Content[i], root.Content[i+1]
		e, err := readEntry(key.Value, node)
		if _, repeated := entries[key.Value]; repeated && err == nil {
			err = fmt.Errorf("%s is set twice", key.Value)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", path, key.Line, err))
			continue
		}
		entries[key.Value] = e
	}
	return entries, errors.Join(problems...)
}

func readEntry(name string, node *yaml.Node) (entry, error) {
	settings := Settings()
	i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return entry{}, fmt.Errorf("there is no setting %q%s", name, suggest(name, settings))
	}
	e := entry{line: node.Line}
	nodes := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode && settings[i].List {
		nodes = node.Content
	}
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode {
			return entry{}, fmt.Errorf("%s takes a plain value%s", name, map[bool]string{true: " or a list of them"}[settings[i].List])
		}
		e.values = append(e.values, n.Value)
	}
	return e, nil
}

// suggest names the setting that the person probably meant.
func suggest(name string, settings []Setting) string {
	best, distance := "", 4
	for _, s := range settings {
		if d := editDistance(strings.ReplaceAll(strings.ToLower(name), "_", "-"), s.Name); d < distance {
			best, distance = s.Name, d
		}
	}
	if best == "" {
		return "; `everleaf config show` lists them all"
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// editDistance counts the insertions, deletions and replacements that turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost++
			}
			previous = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
