package cli

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/config"
)

// configFlag names the configuration file.
const configFlag = "config"

// addSettings gives a command the flags of the settings; of those named, or of all without names.
func addSettings(flags *pflag.FlagSet, names ...string) {
	mark := func(name string) {
		flags.Lookup(name).Annotations = map[string][]string{settingMark: nil}
	}
	for _, s := range config.Settings() {
		if len(names) > 0 && !slices.Contains(names, s.Name) {
			continue
		}
		usage := s.Usage + " [" + s.Env() + "]"
		if s.Default != "" {
			usage += " (default " + s.Default + ")"
		}
		if s.List {
			flags.StringSlice(s.Name, nil, usage)
		} else {
			flags.String(s.Name, "", usage)
		}
		mark(s.Name)
	}
	flags.String(configFlag, "", "configuration `file` [EVERLEAF_CONFIG] (default: everleaf.yaml in /etc/everleaf or the XDG folder)")
	mark(configFlag)
}

// loadSettings reads the settings of a command from all sources.
func (c *command) loadSettings(cmd *cobra.Command) (config.Config, error) {
	return config.Load(c.sources(cmd))
}

// sources returns where the settings of a command come from.
func (c *command) sources(cmd *cobra.Command) config.Sources {
	given := make(map[string][]string)
	for _, s := range config.Settings() {
		f := cmd.Flags().Lookup(s.Name)
		switch {
		case f == nil || !f.Changed:
		case s.List:
			given[s.Name], _ = cmd.Flags().GetStringSlice(s.Name)
		default:
			given[s.Name] = []string{f.Value.String()}
		}
	}
	file, asked := c.configFile(cmd)
	return config.Sources{Flags: given, Env: c.env, Variables: c.names, File: file, Asked: asked}
}

// environment returns what looks a variable up, and the names of all variables. Of a name that is there twice the last
// value counts.
func environment(environ []string) (env func(string) string, names []string) {
	values := make(map[string]string, len(environ))
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok {
			values[name] = value
		}
	}
	return func(name string) string { return values[name] }, slices.Collect(maps.Keys(values))
}

// configFile returns the configuration file and whether a person named it.
func (c *command) configFile(cmd *cobra.Command) (path string, asked bool) {
	if path, _ = cmd.Flags().GetString(configFlag); path != "" {
		return path, true
	}
	if path = c.env("EVERLEAF_CONFIG"); path != "" {
		return path, true
	}
	if os.Geteuid() == 0 {
		return "/etc/everleaf/everleaf.yaml", false
	}
	folder := c.env("XDG_CONFIG_HOME")
	if folder == "" {
		folder = filepath.Join(c.env("HOME"), ".config")
	}
	return filepath.Join(folder, "everleaf", "everleaf.yaml"), false
}
