package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/cli/render"
)

// outputFlag chooses the format of the output.
const outputFlag = "output"

// result is what a command has to say.
type result struct {
	data  any                   // what JSON and YAML show
	table func(io.Writer) error // what a person reads
	pem   string                // with the format pem
	note  string                // for stderr, beside a table only; "" says nothing
}

// operation completes a command of the administration: it asks the installation and shows what came back.
func (c *command) operation(cmd *cobra.Command, run func(ctx context.Context, cl *client, args []string) (result, error), more ...render.Format) *cobra.Command {
	cmd = c.reader(cmd, func(cmd *cobra.Command, args []string) (r result, err error) {
		err = c.withClient(cmd, func(ctx context.Context, cl *client) error {
			r, err = run(ctx, cl, args)
			return err
		})
		return r, err
	}, more...)
	addSettings(cmd.Flags(), "data", "passphrase-file")
	return cmd
}

// reader completes a command that shows something, in the format that is asked for.
func (c *command) reader(cmd *cobra.Command, run func(*cobra.Command, []string) (result, error), more ...render.Format) *cobra.Command {
	offered := append([]render.Format{render.Table, render.JSON, render.YAML}, more...)
	cmd.Args = named
	cmd.Flags().StringP(outputFlag, "o", "", "`format`: "+render.List(offered)+" (default table, or EVERLEAF_OUTPUT)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		format, err := c.format(cmd, offered)
		if err != nil {
			return err
		}
		r, err := run(cmd, args)
		if err != nil {
			return err
		}
		return c.show(format, r)
	}
	return cmd
}

// format reads the format from the flag or the environment.
func (c *command) format(cmd *cobra.Command, offered []render.Format) (render.Format, error) {
	if text := cmd.Flags().Lookup(outputFlag).Value.String(); text != "" {
		format, err := render.ParseFormat(text, offered)
		if err != nil {
			err = fmt.Errorf("--%s: %w", outputFlag, err)
		}
		return format, err
	}
	text := c.env("EVERLEAF_OUTPUT")
	if text == "" {
		return render.Table, nil
	}
	format, err := render.ParseFormat(text, offered)
	if err != nil {
		err = fmt.Errorf("EVERLEAF_OUTPUT: %w; choose another with -o", err)
	}
	return format, err
}

func (c *command) show(format render.Format, r result) error {
	switch format {
	case render.Table:
		if err := r.table(c.Out); err != nil || r.note == "" {
			return err
		}
		_, err := fmt.Fprintln(c.Err, r.note)
		return err
	case render.PEM:
		_, err := io.WriteString(c.Out, r.pem)
		return err
	default:
		return render.Tree(c.Out, format, r.data)
	}
}

// errorLog is for an installation that a command opens for itself: only what nobody answers is told.
func (c *command) errorLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(c.Err, &slog.HandlerOptions{Level: slog.LevelError}))
}

// finder completes a command that checks something: it shows what it found, and ends with exitFinding when that is bad.
func (c *command) finder(cmd *cobra.Command, look func(*cobra.Command, []string) (r result, bad bool, err error)) *cobra.Command {
	found := false
	cmd = c.reader(cmd, func(cmd *cobra.Command, args []string) (r result, err error) {
		r, found, err = look(cmd, args)
		return r, err
	})
	show := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := show(cmd, args)
		if err == nil && found {
			return &exit{code: exitFinding}
		}
		return err
	}
	return cmd
}
