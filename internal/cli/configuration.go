package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/config"
)

func newConfig(c *command) *cobra.Command {
	return newGroup(cobra.Command{
		Use:   "config",
		Short: "Settings of the process: show and check",
		Long: `Settings are what a machine decides, such as ports and folders. What an operator
declares (issuers, profiles, connectors, credentials) is kept in the database.`,
	}, c.configShow(), c.configCheck())
}

// settingsList is the settings in force, as JSON.
type settingsList struct {
	File     string         `json:"file"` // that is read when it exists
	Settings []settingValue `json:"settings"`
}

// settingValue is one setting in force.
type settingValue struct {
	Name   string   `json:"name"`
	Values []string `json:"values"` // empty: not set
	Source string   `json:"source"` // a flag, a variable, FILE:LINE or default
	Live   bool     `json:"live"`   // a reload takes it over
}

func (c *command) configShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show every setting in force, and where it comes from",
		Long: `Show every setting in force, and where it comes from: a flag, the environment, the
file with its line, or the default. Give the flags that the server gets to see
what it would use.`,
	}
	addSettings(cmd.Flags())
	return c.reader(cmd, func(cmd *cobra.Command, _ []string) (result, error) {
		sources := c.sources(cmd)
		_, values, err := config.Resolve(sources)
		list := settingsList{File: sources.File}
		rows := render.Rows{Header: []string{"SETTING", "VALUE", "SOURCE", "AFTER A CHANGE"}}
		for _, v := range values {
			list.Settings = append(list.Settings, settingValue{v.Name, v.Values, v.Source, v.Live})
			rows.Add(v.Name, strings.Join(v.Values, ", "), v.Source, map[bool]string{true: "reload", false: "restart"}[v.Live])
		}
		return result{data: list, table: rows.Write}, err
	})
}

// verdict is what a check of the settings found, as JSON.
type verdict struct {
	File     string   `json:"file"`
	Problems []string `json:"problems"`
}

func (c *command) configCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the settings without using them",
		Long: `Check the settings of the file, the environment and the flags without using them.
All problems are told at once; the exit code is then 4.`,
		Example: "  everleaf config check --config /etc/everleaf/everleaf.yaml && systemctl restart everleaf",
	}
	addSettings(cmd.Flags())
	return c.finder(cmd, func(cmd *cobra.Command, _ []string) (result, bool, error) {
		sources := c.sources(cmd)
		_, err := config.Load(sources)
		found := verdict{File: sources.File}
		if err != nil {
			found.Problems = strings.Split(err.Error(), "\n")
		}
		return result{data: found, table: sentences(found.Problems), note: ifNone(found.Problems, "The settings are sound.")}, err != nil, nil
	})
}

// sentences writes one sentence a line.
func sentences(list []string) func(io.Writer) error {
	return func(w io.Writer) error {
		for _, one := range list {
			if _, err := fmt.Fprintln(w, render.Clean(one)); err != nil {
				return err
			}
		}
		return nil
	}
}

func ifNone(findings []string, note string) string {
	if len(findings) > 0 {
		return ""
	}
	return note
}
