package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan(c *command) *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write a manual page for each command into a folder",
		Example: "  everleaf man /usr/local/share/man/man1",
		Args:    named,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // manual pages are for everybody
				return fmt.Errorf("the folder of the manual pages cannot be made: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same version writes the same pages
			header := &doc.GenManHeader{Section: "1", Source: "everleaf " + version(), Manual: "Everleaf"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("the manual pages cannot be written: %w", err)
			}
			pages, err := filepath.Glob(filepath.Join(args[0], "everleaf*.1"))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.Err, "%d pages were written to %s.\n", len(pages), args[0])
			return err
		},
	}
}
