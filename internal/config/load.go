package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Sources is where settings come from.
type Sources struct {
	Flags     map[string][]string // by name, those that were given
	Env       func(string) string
	Variables []string // names of the variables that Env knows; those that begin like ours must be ours
	File      string   // path; "" reads no file
	Asked     bool     // the file was named by a person and must exist
}

// Default is the Source of a value that nobody gave.
const Default = "default"

// Value is what a setting is set to, and by whom.
type Value struct {
	Setting
	Values []string // as written; empty: not set, and without a fixed default
	Source string   // "--listen", "EVERLEAF_LISTEN", "/etc/everleaf/everleaf.yaml:3" or Default

	inFile bool
}

// Load returns the settings. The error names every problem at once, each with its place and what to do.
func Load(s Sources) (Config, error) {
	c, _, err := Resolve(s)
	return c, err
}

// Resolve is Load that tells where the settings come from: one value for each, in the order of the table. The values
// are returned beside an error too.
func Resolve(s Sources) (Config, []Value, error) {
	file, err := readFile(s)
	problems := []error{err, checkVariables(s)}
	var c Config
	var values []Value
	for _, setting := range Settings() {
		v := resolve(setting, s, file)
		values = append(values, v)
		if len(v.Values) == 0 {
			continue
		}
		if err := setting.parse(&c, v.Values); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", v.place(), err))
		}
	}
	problems = append(problems, onePassphrase(s, values))
	if c.Data == "" {
		problems = append(problems, errors.New("no data folder is set and none can be derived; give --data"))
	}
	return c, values, errors.Join(problems...)
}

// place is where a person mends the value.
func (v Value) place() string {
	if v.inFile || v.Source == Default {
		return v.Source + ": " + v.Name
	}
	return v.Source
}

// resolve returns the value of a setting from the strongest source that has it.
func resolve(setting Setting, s Sources, file map[string]entry) Value {
	v := Value{Setting: setting, Source: Default}
	given, flagged := s.Flags[setting.Name]
	inEnv := s.Env(setting.Env())
	inFile, filed := file[setting.Name]
	switch {
	case flagged:
		v.Values, v.Source = given, "--"+setting.Name
	case inEnv != "" && setting.List:
		v.Values, v.Source = splitList(inEnv), setting.Env()
	case inEnv != "":
		v.Values, v.Source = []string{inEnv}, setting.Env()
	case filed:
		v.Values, v.Source, v.inFile = inFile.values, fmt.Sprintf("%s:%d", s.File, inFile.line), true
	case setting.Name == "data":
		v.Values = dataFolder(s.Env)
	case setting.Default != "":
		v.Values = []string{setting.Default}
	}
	return v
}

func splitList(text string) []string {
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
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
