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
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
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
	env      func(string) string
	names    []string // of the variables that env knows
	now      func() time.Time
	patience time.Duration // how long a folder that another process holds is waited for
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

// Run runs one command with an environment as os.Environ returns it, and returns its exit code. SIGINT and SIGTERM end it in order; a second one at once.
func Run(ctx context.Context, args []string, s Streams, environ []string) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	env, names := environment(environ)
	return run(ctx, &command{Streams: s, env: env, names: names, now: time.Now, patience: patience}, args)
}

func run(ctx context.Context, c *command, args []string) int {
	root := newRoot(c)
	root.SetArgs(args)
	root.SetIn(c.In)
	root.SetOut(c.Out)
	root.SetErr(c.Err)
	err := root.ExecuteContext(ctx)
	for _, line := range problems(err) {
		_, _ = fmt.Fprintln(c.Err, "everleaf: "+render.Clean(line))
	}
	return exitCode(err)
}

// problems returns a line for each thing that went wrong.
func problems(err error) []string {
	if err == nil || err.Error() == "" {
		return nil
	}
	text := err.Error()
	if f, ok := errors.AsType[*fault.Error](err); ok {
		text = strings.Replace(text, f.Error(), sentenceOf(f), 1)
	}
	return strings.Split(text, "\n")
}

// sentenceOf leaves out what is between programs: the kind, and the cause of a refusal, which its sentence tells. What
// cannot be used at the moment has its reason outside, so that is told.
func sentenceOf(f *fault.Error) string {
	if f.Kind != fault.Unavailable || f.Cause == nil {
		return f.Public
	}
	return f.Public + ": " + f.Cause.Error()
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
	root := newGroup(cobra.Command{
		Use:   "everleaf",
		Short: "Automated certificate management, both ends, in one binary",
		Long: `Everleaf is an ACME certificate authority that any ACME client can use.

  everleaf demo     the life of a certificate on this machine, before your eyes
  everleaf serve    the certificate authority; no configuration needed

Settings come from flags, then the environment (EVERLEAF_*), then a file
(--config, or everleaf.yaml in /etc/everleaf or the XDG folder), then defaults.
Commands that look or declare speak with the running server of the data folder;
without one they open the folder themselves.

Exit codes: 0 done or nothing to do, 1 local error, 2 the other side refused or
failed, 3 partly done, 4 a check found something.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	})
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(help)
	root.PersistentFlags().BoolP("help", "h", false, "show this text, or that of a command")
	root.SetHelpCommand(newHelp())
	root.SetHelpCommandGroupID("about")
	root.Version = version()
	root.SetVersionTemplate("everleaf {{.Version}}\n")
	root.Flags().Bool("version", false, "print the version")
	add := func(id, title string, commands ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: id, Title: title})
		for _, sub := range commands {
			sub.GroupID = id
			root.AddCommand(sub)
		}
	}
	add("run", "Run:", newDemo(c), newServe(c), newInit(c), newValidator(c))
	add("look", "Look:", newCert(c), newRenewal(c), newOrder(c), newAccount(c), newEvent(c), newWhy(c))
	add("declare", "Declare:", newConnector(c), newCredential(c), newProfile(c), newLimit(c), newIssuer(c), newOrg(c), newPerspective(c))
	add("care", "Care for the installation:",
		newStatus(c), newCheck(c), newBackup(c), newRestore(c), newKey(c), newClock(c), newReload(c), newConfig(c))
	add("about", "About this program:", newCompletion(c), newMan(c), newVersion(c))
	inOrder(root)
	return root
}
