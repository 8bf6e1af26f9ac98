package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newTestRoot() *cobra.Command {
	return newRoot(&command{
		Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard},
		env:     func(string) string { return "" }, now: func() time.Time { return noon },
	})
}

// visit calls f for every command that the help shows.
func visit(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			visit(sub, f)
		}
	}
}

// TestCommandsStay keeps the names that people type: commands and flags.
func TestCommandsStay(t *testing.T) {
	var all strings.Builder
	visit(newTestRoot(), func(cmd *cobra.Command) {
		fmt.Fprintln(&all, strings.TrimSuffix(cmd.UseLine(), " [flags]"))
		if len(cmd.Aliases) > 0 {
			fmt.Fprintf(&all, "    or %s\n", strings.Join(cmd.Aliases, ", "))
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			kind, _ := pflag.UnquoteUsage(f)
			fmt.Fprintln(&all, strings.TrimRight("    --"+f.Name+" "+kind, " "))
		})
	})
	golden(t, "commands.golden", all.String())
}

// TestHelpSpeaksWithOneVoice looks at what every command says about itself.
func TestHelpSpeaksWithOneVoice(t *testing.T) {
	visit(newTestRoot(), func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		switch {
		case cmd.Short == "" || len(cmd.Short) > 70:
			t.Errorf("%s: the short text has %d octets", path, len(cmd.Short))
		case !unicode.IsUpper(rune(cmd.Short[0])) || strings.HasSuffix(cmd.Short, "."):
			t.Errorf("%s: %q begins with a capital and ends without a full stop", path, cmd.Short)
		}
		if cmd.Long != "" && !strings.HasSuffix(cmd.Long, ".") {
			t.Errorf("%s: the long text ends with %q", path, cmd.Long[len(cmd.Long)-10:])
		}
		for line := range strings.SplitSeq(cmd.Long, "\n") {
			if len(line) > 85 {
				t.Errorf("%s: a line is too long for a terminal: %q", path, line)
			}
		}
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			if !cmd.HasParent() || line == "" {
				continue
			}
			if !strings.HasPrefix(line, "  everleaf ") {
				t.Errorf("%s: the example %q is no command", path, line)
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if _, usage := pflag.UnquoteUsage(f); usage == "" || strings.HasSuffix(usage, ".") || f.Value.Type() == "string" && !strings.Contains(f.Usage, "`") {
				t.Errorf("%s --%s: %q names its value in backquotes and ends without a full stop", path, f.Name, f.Usage)
			}
		})
	})
}

// The examples of the help are commands that exist, with flags that exist.
func TestExamplesAreCommands(t *testing.T) {
	root := newTestRoot()
	visit(root, func(cmd *cobra.Command) {
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			for _, part := range strings.Split(line, "&&") {
				words := strings.Fields(part)
				if len(words) == 0 || words[0] != "everleaf" {
					continue
				}
				found, rest, err := newTestRoot().Find(words[1:])
				if err != nil || found.HasAvailableSubCommands() {
					t.Errorf("%s: the example %q is no command: %v", cmd.CommandPath(), line, err)
					continue
				}
				for i, word := range rest {
					if word == ">" || word == "|" {
						rest = rest[:i]
						break
					}
				}
				if err := found.ParseFlags(rest); err != nil {
					t.Errorf("%s: the example %q: %v", cmd.CommandPath(), line, err)
				}
			}
		}
	})
}
