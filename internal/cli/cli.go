// Package cli is the command line: it turns arguments into calls, and results into text. It decides nothing.
//
// The rules of its text. Data goes to stdout, talk to stderr. A message is one sentence that says what, why, and the next
// step; errors begin with "everleaf: " and are not repeated. Nothing is asked where there is no terminal.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
)

// Exit codes, the same for every command.
const (
	exitDone    = 0 // done, or nothing to do
	exitLocal   = 1 // usage, configuration, this machine
	exitRemote  = 2 // the other side refused or failed
	exitPartly  = 3 // some of several things failed
	exitFinding = 4 // a check found something
)

// Streams is where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// command is what every command stands on.
type command struct {
	Streams
	env func(string) string
}

// exit is an error that ends the process with a code of its own.
type exit struct {
	code int
	err  error // nil: everything was said
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// Run runs one command and returns its exit code. SIGINT and SIGTERM end it in order; a second one at once.
func Run(ctx context.Context, args []string, s Streams, env func(string) string) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := newRoot(&command{Streams: s, env: env})
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	err := root.ExecuteContext(ctx)
	if text := message(err); text != "" {
		_, _ = fmt.Fprintln(s.Err, "everleaf: "+text)
	}
	return exitCode(err)
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	if e, ok := errors.AsType[*exit](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[*adminapi.Error](err); ok {
		return exitRemote
	}
	return exitLocal
}

func newRoot(c *command) *cobra.Command {
	root := &cobra.Command{
		Use:   "everleaf",
		Short: "Automated certificate management, both ends, in one binary",
		Long: `Everleaf is an ACME certificate authority that any ACME client can use.

  everleaf demo     the life of a certificate on this machine, before your eyes
  everleaf serve    the certificate authority; no configuration needed

Settings come from flags, then the environment (EVERLEAF_*), then a file
(--config, or /etc/everleaf/everleaf.yaml), then defaults.

Exit codes: 0 done or nothing to do, 1 local error, 2 the other side refused
or failed, 3 partly done, 4 a check found something.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddGroup(
		&cobra.Group{ID: "run", Title: "Run:"},
		&cobra.Group{ID: "declare", Title: "Declare and look:"},
		&cobra.Group{ID: "care", Title: "Care for the installation:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, sub := range commands {
			sub.GroupID = group
			root.AddCommand(sub)
		}
	}
	add("run", newDemo(c), newServe(c), newInit(c))
	root.AddCommand(newVersion(c))
	return root
}
