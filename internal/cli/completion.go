package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newCompletion(c *command) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print what lets a shell complete commands",
		Long: `Print the script that lets a shell complete the commands and flags of this program:
bash, zsh, fish or powershell.`,
		Example: "  everleaf completion bash > /etc/bash_completion.d/everleaf\n" +
			"  everleaf completion zsh > \"${fpath[1]}/_everleaf\"\n" +
			"  everleaf completion fish > ~/.config/fish/completions/everleaf.fish",
		Args:      named,
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(c.Out, true)
			case "zsh":
				return root.GenZshCompletion(c.Out)
			case "fish":
				return root.GenFishCompletion(c.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(c.Out)
			default:
				return fmt.Errorf("there is no completion for %q; choose one of %s", args[0], joined(shells))
			}
		},
	}
}
