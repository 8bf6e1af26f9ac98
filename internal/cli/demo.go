package cli

import (
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/demo"
)

func newDemo(c *command) *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the life of a certificate on this machine, in seconds",
		Long: `Show the life of a certificate on this machine: a certificate authority and a
web site start, the site proves control of its name, gets a certificate that
lives for two minutes, serves it, and renews it after a third of that, early for
whoever watches, again and again.

It needs no root rights, installs nothing, listens on loopback only, and leaves
nothing behind.`,
		Args: named,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Whatever ends it, a closed terminal or a reader that has seen enough, it takes its folder away first.
			signal.Ignore(syscall.SIGPIPE)
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP)
			defer stop()
			return demo.Run(ctx, demo.Options{Out: c.Out, Once: once})
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after the first verified handshake")
	return cmd
}
