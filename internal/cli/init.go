package cli

import (
	"crypto"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// initFlags are what a person decides about a new CA.
type initFlags struct {
	name       string
	keyType    string
	rootOut    string
	chainFile  string
	keyFile    string
	passphrase string // path of a file
}

func newInit(c *command) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the certificate authority without starting it",
		Long: `Make the certificate authority without starting it, with more say than the first
"everleaf serve" gives: keep the root's key off this machine, choose the type of
the keys, or bring an existing CA.

The public URL stands in the issuer's certificate for good. Without --public-url it
is where the server with these settings will listen, as with "everleaf serve".

With --root-out the root's key is written, encrypted if there is a passphrase,
to a file outside the data folder; take it away and keep it safe. The issuer's
key stays here.`,
		Example: `  everleaf init --root-out /media/usb/root.key --public-url http://pki.example.com
  everleaf init --import-chain ca.pem --import-key ca.key --public-url http://pki.example.com`,
		Args: named,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.init(cmd, f) },
	}
	addSettings(cmd.Flags(), "data", "passphrase-file", "listen", "external-url", "public-listen", "public-url")
	cmd.Flags().StringVar(&f.name, "name", "", "`name` that begins the names of the CA certificates (default Everleaf)")
	cmd.Flags().StringVar(&f.keyType, "key-type", string(pki.ECDSAP256), "`type` of the keys: "+joined(pki.IssuerKeyTypes()))
	cmd.Flags().StringVar(&f.rootOut, "root-out", "", "`file` that gets the root's key, which then never is in the data folder")
	cmd.Flags().StringVar(&f.chainFile, "import-chain", "", "PEM `file` of an existing CA: its certificate, then those above it")
	cmd.Flags().StringVar(&f.keyFile, "import-key", "", "PEM `file` of the private key of the existing CA")
	cmd.Flags().StringVar(&f.passphrase, "import-passphrase-file", "", "`file` with the passphrase of an encrypted --import-key")
	cmd.MarkFlagsRequiredTogether("import-chain", "import-key")
	cmd.MarkFlagsMutuallyExclusive("import-chain", "root-out")
	return cmd
}

func (c *command) init(cmd *cobra.Command, f initFlags) error {
	settings, err := c.loadSettings(cmd)
	if err != nil {
		return err
	}
	setup := manage.Setup{CAName: f.name}
	if setup.KeyType, err = oneOf(pki.IssuerKeyTypes()...)(f.keyType); err != nil {
		return fmt.Errorf("--key-type: %w", err)
	}
	if setup.Import, err = readImport(f); err != nil {
		return err
	}
	if err := checkInit(settings, f, setup); err != nil {
		return err
	}
	installation, err := app.Open(cmd.Context(), settings, slog.New(slog.DiscardHandler), c.env)
	if err != nil {
		return err
	}
	defer installation.Close() //nolint:errcheck // everything is durable by now
	if f.rootOut != "" {
		setup.RootKeyOut = func(key crypto.Signer, _ []byte) error { return installation.WriteKey(f.rootOut, key) }
	}
	result, err := installation.Bootstrap(cmd.Context(), setup)
	if err != nil {
		return err
	}
	if !result.Made && (f.rootOut != "" || f.chainFile != "") {
		return fmt.Errorf("%s has a certificate authority already, so nothing was imported and no key was moved; begin with an empty data folder", settings.Data)
	}
	if !result.Made {
		_, err = fmt.Fprintf(c.Err, "%s has a certificate authority already; nothing was changed.\n", settings.Data)
		return err
	}
	done := initDone{Result: result, flags: f, data: settings.Data, encrypted: installation.Encrypts()}
	if settings.PublicURL == "" && f.chainFile == "" {
		if done.guess, err = installation.Manage().PublicURL(cmd.Context()); err != nil {
			return err
		}
	}
	return c.tellInit(done)
}

// checkInit refuses what cannot be before anything is made.
func checkInit(settings config.Config, f initFlags, setup manage.Setup) error {
	if f.rootOut != "" {
		if err := app.CheckOutside(settings, f.rootOut); err != nil {
			return err
		}
	}
	return app.CheckSetup(settings, setup)
}

// initDone is what init did.
type initDone struct {
	manage.Result
	flags     initFlags
	data      string
	guess     string // the public URL that nobody gave; "" when one was given
	encrypted bool   // keys are
}

func (c *command) tellInit(d initDone) error {
	var talk strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&talk, format+"\n", args...) }
	say("A certificate authority was made in %s.", d.data)
	if d.guess != "" {
		say("Its certificates name %s for CRLs and issuers, since nobody gave another. If clients reach them elsewhere, begin again with an empty data folder and --public-url.", d.guess)
	}
	root := d.Root.Certificate
	if len(root) > 0 {
		say("The SHA-256 of its root is %s", pki.Fingerprint(root))
	}
	if d.flags.rootOut != "" {
		say("The root's key is in %s and nowhere else: take it off this machine and keep it safe.", d.flags.rootOut)
		if d.encrypted {
			say("It opens with the present passphrase, also when that of the data folder is changed: keep that safe too.")
		} else {
			say("It is not encrypted, since no passphrase was given: who has the file is the CA.")
		}
		say("The issuer here lasts until %s; bring the key for its successor: everleaf ca next %s --parent-key FILE", d.Issuer.NotAfter.Format(time.DateOnly), d.Issuer.Name)
	}
	if _, err := io.WriteString(c.Err, talk.String()); err != nil || len(root) == 0 {
		return err
	}
	return pem.Encode(c.Out, &pem.Block{Type: "CERTIFICATE", Bytes: root})
}

func readImport(f initFlags) (*manage.Import, error) {
	if f.chainFile == "" {
		return nil, nil
	}
	var chain, key, passphrase string
	if err := readFiles(fileFlag{f.chainFile, &chain}, fileFlag{f.keyFile, &key}, fileFlag{f.passphrase, &passphrase}); err != nil {
		return nil, err
	}
	return &manage.Import{Chain: []byte(chain), Key: []byte(key), Passphrase: []byte(strings.TrimRight(passphrase, "\r\n"))}, nil
}
