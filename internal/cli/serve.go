package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/config"
)

func newServe(c *command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the certificate authority",
		Long: `Run the certificate authority.

The first start makes a root, an issuer, profiles, an ACME connector and a
certificate for the server itself; a later start changes nothing. SIGTERM
answers what is open and ends; SIGHUP, or "everleaf reload", reads the settings
again.`,
		Example: `  everleaf serve
  everleaf serve --data /srv/everleaf --listen :443 --external-url https://ca.example.com`,
		Args: named,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.serve(cmd) },
	}
	addSettings(cmd.Flags())
	return cmd
}

func (c *command) serve(cmd *cobra.Command) error {
	settings, values, err := config.Resolve(c.sources(cmd))
	if err != nil {
		return err
	}
	level := new(slog.LevelVar)
	level.Set(settings.LogLevel)
	log := newLogger(c.Err, settings.LogFormat, level)
	installation, err := app.Open(cmd.Context(), settings, log, c.env)
	switch {
	case err != nil && cmd.Context().Err() != nil: // it was told to stop
		return nil
	case err != nil:
		return err
	}
	again := &reloader{sources: c.sources(cmd), level: level, log: log, values: values}
	stop := onHangup(cmd.Context(), again)
	defer stop()
	context.AfterFunc(cmd.Context(), func() { _, _ = daemon.SdNotify(false, daemon.SdNotifyStopping) })
	err = installation.Serve(cmd.Context(), app.Control{
		Ready: func(i app.Info) {
			banner(c.Err, i)
			_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
		},
		Reload: again.reload,
	})
	return errors.Join(err, installation.Close())
}

// onHangup reloads at each SIGHUP until stop is called.
func onHangup(ctx context.Context, again *reloader) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-hangups:
				_, _ = again.reload(ctx) // it logs
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(done)
	}
}

// newLogger logs as text to a terminal and as JSON elsewhere, unless the settings say which.
func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: withUnits}
	if format == "json" || format == "auto" && !isTerminal(w) {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// withUnits writes durations with their unit in every form of the log; JSON would have a bare number of nanoseconds.
func withUnits(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().Round(time.Microsecond).String())
	}
	return a
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// banner tells a person how to use the server that has started.
func banner(w io.Writer, i app.Info) {
	var out strings.Builder
	root := shellPath(i.RootFile)
	say := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	say("")
	if i.Fresh {
		say("Everleaf made a new certificate authority in %s.", i.Data)
	} else {
		say("Everleaf serves the certificate authority in %s.", i.Data)
	}
	say("")
	say("  ACME directory    %s", i.Directory)
	say("  Root certificate  %s", i.RootFile)
	say("  its SHA-256       %s", i.Fingerprint)
	say("  CRLs and issuers  %s", i.PublicURL)
	if i.Metrics != "" {
		say("  Metrics           %s", i.Metrics)
	}
	say("")
	say("A certificate with certbot, on the host that has the name:")
	say("")
	say("  REQUESTS_CA_BUNDLE=%s certbot certonly --standalone%s \\", root, certbotPort(i.HTTP01Port))
	say("    --server %s --register-unsafely-without-email --agree-tos -d NAME", i.Directory)
	say("")
	say("Trust the root on a Debian machine:")
	say("")
	say("  cp %s /usr/local/share/ca-certificates/everleaf.crt && update-ca-certificates", root)
	for _, note := range notes(i) {
		say("")
		say("Note: %s", note)
	}
	_, _ = io.WriteString(w, out.String()+"\n")
}

// shellPath writes the path of a file so that a shell takes it as it is, from any folder.
func shellPath(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// certbotPort lets certbot listen where the server looks.
func certbotPort(port uint16) string {
	if port == 80 {
		return ""
	}
	return fmt.Sprintf(" --http-01-port %d", port)
}

// notes are what a person should know about the way the server was set up.
func notes(i app.Info) []string {
	var out []string
	if i.Trial {
		out = append(out, "this is a trial set-up: the server listens on loopback only, so names may be proven on loopback addresses as well.")
	}
	if i.Guessed {
		out = append(out, fmt.Sprintf("nobody said where clients reach CRLs and issuers, and certificates name %s for them, which is a guess from --external-url. Give --public-url when they come in elsewhere.", i.PublicURL))
	}
	if len(i.PlainKeys) > 0 {
		out = append(out, fmt.Sprintf("these keys are not encrypted: %s. \"everleaf key passphrase\" encrypts them while the server does not run.", strings.Join(i.PlainKeys, ", ")))
	}
	return out
}
