package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/everleaf-pki/everleaf/internal/config/spelling"
)

// helpWidth is how many columns the help takes.
const helpWidth = 100

// settingMark marks the flags of settings, which the help lists after those of the command itself.
const settingMark = "setting"

// newGroup returns a command that only holds others.
func newGroup(group cobra.Command, commands ...*cobra.Command) *cobra.Command {
	group.Args = cobra.ArbitraryArgs
	group.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 && args[0] == "help" { // "everleaf cert help revoke" is another word for "everleaf help cert revoke"
			args = args[1:]
		} else if len(args) > 0 {
			return noCommand(cmd, args[0])
		}
		return showHelp(cmd, args)
	}
	group.AddCommand(commands...)
	return &group
}

// showHelp shows the help of the command below cmd that the words name.
func showHelp(cmd *cobra.Command, words []string) error {
	for _, word := range words {
		i := slices.IndexFunc(cmd.Commands(), func(sub *cobra.Command) bool { return sub.Name() == word || sub.HasAlias(word) })
		if i < 0 {
			return noCommand(cmd, word)
		}
		cmd = cmd.Commands()[i]
	}
	return cmd.Help()
}

// noCommand says that there is none of this name, and what was meant.
func noCommand(parent *cobra.Command, word string) error {
	return fmt.Errorf("there is no command %q%s", parent.CommandPath()+" "+word, suggestCommand(parent, word))
}

func suggestCommand(parent *cobra.Command, word string) string {
	const most = 3
	word = strings.ToLower(word)
	names := []string{"help"}
	var below []string
	for _, sub := range parent.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		names = append(append(names, sub.Name()), sub.Aliases...)
		if i := slices.IndexFunc(sub.Commands(), func(c *cobra.Command) bool { return c.Name() == word }); i >= 0 {
			below = append(below, strconv.Quote(sub.Commands()[i].CommandPath()))
		}
	}
	near := spelling.Nearest(word, names)
	switch {
	case len(below) > 0 && len(below) <= most:
		return fmt.Sprintf("; did you mean %s?", strings.Join(below, " or "))
	case near != "":
		return fmt.Sprintf("; did you mean %s?", near)
	default:
		return fmt.Sprintf("; see \"%s --help\"", parent.CommandPath())
	}
}

// newHelp returns the command that shows the help of another.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Show what a command does and how it is written",
		Example: "  everleaf help cert revoke",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return showHelp(cmd.Root(), args) },
	}
}

// named wants one argument for each word that follows the name of the command in its Use.
func named(cmd *cobra.Command, args []string) error {
	wanted := strings.Fields(cmd.Use)[1:]
	switch {
	case len(args) < len(wanted):
		return fmt.Errorf("%s is missing; write \"%s %s\"", wanted[len(args)], cmd.CommandPath(), strings.Join(wanted, " "))
	case len(args) > len(wanted) && (args[len(wanted)] == "true" || args[len(wanted)] == "false"):
		return fmt.Errorf("%q is one argument too many; give it to its flag with \"=\", like --flag=%[1]s", args[len(wanted)])
	case len(args) > len(wanted):
		return fmt.Errorf("%q is one argument too many; see \"%s --help\"", args[len(wanted)], cmd.CommandPath())
	default:
		return nil
	}
}

// flagError says what is wrong with a flag, and what was meant.
func flagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok && e.GetSpecifiedShortnames() == "" {
		return fmt.Errorf("there is no flag --%s%s", e.GetSpecifiedName(), suggestFlag(cmd, e.GetSpecifiedName()))
	} else if ok {
		return fmt.Errorf("there is no flag -%s; see \"%s --help\"", e.GetSpecifiedShortnames(), cmd.CommandPath())
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("--%s needs a value", e.GetFlag().Name)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok && e.GetFlag().Value.Type() == "bool" {
		_, err := yesNo(e.GetValue())
		return fmt.Errorf("--%s: %w", e.GetFlag().Name, err)
	} else if ok {
		return fmt.Errorf("--%s: %w", e.GetFlag().Name, e.Unwrap())
	}
	return fmt.Errorf("%w; see \"%s --help\"", err, cmd.CommandPath())
}

func suggestFlag(cmd *cobra.Command, name string) string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := spelling.Nearest(name, names); near != "" {
		return fmt.Sprintf("; did you mean --%s?", near)
	}
	return fmt.Sprintf("; see \"%s --help\"", cmd.CommandPath())
}

// inOrder lets the help list flags in the order in which they were declared.
func inOrder(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false
	for _, sub := range cmd.Commands() {
		inOrder(sub)
	}
}

// help writes what a command does and how it is written.
func help(cmd *cobra.Command, _ []string) {
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage:\n  %s\n", text, usageLine(cmd))
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	helpCommands(&b, cmd)
	own, settings := splitFlags(cmd)
	helpFlags(&b, "Flags", own)
	helpFlags(&b, "Settings (file and environment have them too)", settings)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n\"%s COMMAND --help\" tells more about a command.\n", cmd.CommandPath())
	}
	_, _ = io.WriteString(cmd.OutOrStdout(), b.String())
}

func usageLine(cmd *cobra.Command) string {
	switch {
	case cmd.HasAvailableSubCommands():
		return cmd.CommandPath() + " COMMAND"
	case cmd.HasAvailableLocalFlags():
		return cmd.UseLine()
	default:
		return strings.TrimSuffix(cmd.UseLine(), " [flags]")
	}
}

// helpCommands lists the commands below, by group where there are groups.
func helpCommands(b *strings.Builder, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	for _, group := range append(cmd.Groups(), &cobra.Group{Title: "Commands:"}) {
		var lines strings.Builder
		for _, sub := range cmd.Commands() {
			if sub.GroupID == group.ID && sub.IsAvailableCommand() {
				fmt.Fprintf(&lines, "  %-*s  %s\n", cmd.NamePadding(), sub.Name(), sub.Short)
			}
		}
		if lines.Len() > 0 {
			fmt.Fprintf(b, "\n%s\n%s", group.Title, lines.String())
		}
	}
}

func splitFlags(cmd *cobra.Command) (own, settings *pflag.FlagSet) {
	own, settings = new(pflag.FlagSet), new(pflag.FlagSet)
	own.SortFlags, settings.SortFlags = false, false
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if _, marked := f.Annotations[settingMark]; marked {
			settings.AddFlag(f)
		} else {
			own.AddFlag(f)
		}
	})
	return own, settings
}

func helpFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(b, "\n%s:\n%s", title, flags.FlagUsagesWrapped(helpWidth))
	}
}
