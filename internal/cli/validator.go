package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func newValidator(c *command) *cobra.Command {
	var trusted []pki.KeyHash
	cmd := &cobra.Command{
		Use:   "validator",
		Short: "Look at challenges for a CA that stands elsewhere",
		Long: `Look at challenges for a CA that stands elsewhere, so that a proof is seen from
several places, or in a segment that the CA cannot see. It decides nothing and keeps
nothing but its key, which the first start makes.

The CA prints the key that --trust wants with "everleaf perspective list"; this
command prints what "everleaf perspective add" wants.`,
		Example: "  everleaf validator --listen :8444 --trust 5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592",
		Args:    named,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.validator(cmd, trusted) },
	}
	addSettings(cmd.Flags(), "data", "listen", "dns-resolver", "dns-require-validation", "http01-port", "tlsalpn01-port", "passphrase-file", "log-level",
		"log-format", "max-connections-per-address", "drain")
	cmd.Flags().Func("trust", "`SHA-256` of the key of a CA that may ask; repeat it for several", func(text string) error {
		key, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
		if err != nil || len(key) != len(pki.KeyHash{}) {
			return fmt.Errorf("%q is not a key; \"everleaf perspective list\" on the CA prints its 64 hexadecimal digits", text)
		}
		trusted = append(trusted, pki.KeyHash(key))
		return nil
	})
	return cmd
}

func (c *command) validator(cmd *cobra.Command, trusted []pki.KeyHash) error {
	settings, err := config.Load(c.sources(cmd))
	if err != nil {
		return err
	}
	if len(trusted) == 0 {
		return errors.New("nobody may ask this validator; name the key of its CA with --trust, which \"everleaf perspective list\" prints there")
	}
	level := new(slog.LevelVar)
	level.Set(settings.LogLevel)
	log := newLogger(c.Err, settings.LogFormat, level)
	context.AfterFunc(cmd.Context(), func() { _, _ = daemon.SdNotify(false, daemon.SdNotifyStopping) })
	return app.RunValidator(cmd.Context(), settings, trusted, log, c.env, func(i app.ValidatorInfo) {
		_, _ = fmt.Fprintf(c.Err, "\nEverleaf looks at challenges for its CA. Make it known there:\n\n"+
			"  everleaf perspective add NAME --url %s \\\n    --key %s\n\n", i.URL, hex.EncodeToString(i.Key[:]))
		_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
	})
}
