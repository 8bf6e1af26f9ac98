package cli

import (
	"crypto"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/cli/render"
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
	}
	cmd = c.reader(cmd, func(cmd *cobra.Command, _ []string) (result, error) { return c.init(cmd, f) }, render.PEM)
	addSettings(cmd.Flags(), "data", "passphrase-file", "listen", "external-url", "public-listen", "public-url")
	cmd.Flags().StringVar(&f.name, "name", "", "`name` that begins the names of the CA certificates (default Everleaf)")
	cmd.Flags().StringVar(&f.keyType, "key-type", string(pki.ECDSAP256), "`type` of the keys: "+joined(pki.IssuerKeyTypes()))
	cmd.Flags().StringVar(&f.rootOut, "root-out", "", "`file` that gets the root's key, which then never is in the data folder")
	cmd.Flags().StringVar(&f.chainFile, "import-chain", "", "PEM `file` of an existing CA: its certificate, then those above it")
	cmd.Flags().StringVar(&f.keyFile, "import-key", "", "PEM `file` of the private key of the existing CA")
	cmd.Flags().StringVar(&f.passphrase, "import-passphrase-file", "", "`file` with the passphrase of an encrypted --import-key")
	return cmd
}

func (c *command) init(cmd *cobra.Command, f initFlags) (result, error) {
	settings, err := c.loadSettings(cmd)
	if err != nil {
		return result{}, err
	}
	setup := manage.Setup{CAName: f.name}
	if setup.KeyType, err = oneOf(pki.IssuerKeyTypes()...)(f.keyType); err != nil {
		return result{}, fmt.Errorf("--key-type: %w", err)
	}
	if setup.Import, err = readImport(f); err != nil {
		return result{}, err
	}
	if err := checkInit(settings, f, setup); err != nil {
		return result{}, err
	}
	installation, err := app.Open(cmd.Context(), settings, slog.New(slog.DiscardHandler), c.env)
	if err != nil {
		return result{}, err
	}
	defer installation.Close() //nolint:errcheck // everything is durable by now
	if f.rootOut != "" {
		setup.RootKeyOut = func(key crypto.Signer, _ []byte) error { return installation.WriteKey(f.rootOut, key) }
	}
	made, err := installation.Bootstrap(cmd.Context(), setup)
	if err != nil {
		return result{}, err
	}
	if !made.Made && (f.rootOut != "" || f.chainFile != "") {
		return result{}, fmt.Errorf("%s has a certificate authority already, so nothing was imported and no key was moved; begin with an empty data folder", settings.Data)
	}
	done := initDone{Result: made, flags: f, data: settings.Data, encrypted: installation.Encrypts()}
	if done.publicURL, err = installation.Manage().PublicURL(cmd.Context()); err != nil {
		return result{}, err
	}
	done.guessed = settings.PublicURL == "" && f.chainFile == ""
	return done.result(), nil
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

// initialised is what init did, as JSON.
type initialised struct {
	Made        bool   `json:"made"` // false: there was a certificate authority already
	Data        string `json:"data"`
	PublicURL   string `json:"public_url"` // of CRLs and issuers, as new certificates name it
	Fingerprint string `json:"root_fingerprint,omitempty"`
	Root        string `json:"root_pem,omitempty"`
	RootKey     string `json:"root_key,omitempty"` // the file that has it, where that is outside the data folder
}

// initDone is what init did.
type initDone struct {
	manage.Result
	flags     initFlags
	data      string
	publicURL string
	guessed   bool // nobody gave the public URL
	encrypted bool // keys are
}

func (d initDone) result() result {
	data := initialised{Made: d.Made, Data: d.data, PublicURL: d.publicURL, RootKey: d.flags.rootOut}
	if root := d.Root.Certificate; len(root) > 0 {
		data.Fingerprint = pki.Fingerprint(root)
		data.Root = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}))
	}
	r := result{data: data, pem: data.Root, note: d.note(data.Fingerprint)}
	r.table = func(w io.Writer) error {
		if !d.Made {
			return nil
		}
		_, err := io.WriteString(w, data.Root)
		return err
	}
	return r
}

// note tells a person what was made; fingerprint is the root's.
func (d initDone) note(fingerprint string) string {
	if !d.Made {
		return d.data + " has a certificate authority already; nothing was changed."
	}
	lines := []string{"A certificate authority was made in " + d.data + "."}
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if d.guessed {
		say("Its certificates name %s for CRLs and issuers, since nobody gave another. If clients reach them elsewhere, begin again with an empty data folder and --public-url.", d.publicURL)
	}
	if fingerprint != "" {
		say("The SHA-256 of its root is %s", fingerprint)
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
	return strings.Join(lines, "\n")
}

// checkTogether refuses flags of an import that say nothing without each other, or against each other.
func (f initFlags) checkTogether() error {
	switch {
	case f.chainFile != "" && f.keyFile == "":
		return errors.New("--import-chain comes with the private key of its first certificate; name the file of that with --import-key")
	case f.chainFile == "" && f.keyFile != "":
		return errors.New("--import-key comes with the certificate of the key and those above it; name their file with --import-chain")
	case f.chainFile == "" && f.passphrase != "":
		return errors.New("--import-passphrase-file opens a key that is imported; name that with --import-chain and --import-key, or give the passphrase of new keys with --passphrase-file")
	case f.chainFile != "" && f.rootOut != "":
		return errors.New("--root-out takes the key of a new root away, and --import-chain brings a CA that exists; leave out one of them")
	}
	return nil
}

func readImport(f initFlags) (*manage.Import, error) {
	if err := f.checkTogether(); err != nil || f.chainFile == "" {
		return nil, err
	}
	var chain, key, passphrase string
	if err := readFiles(fileFlag{"import-chain", f.chainFile, &chain}, fileFlag{"import-key", f.keyFile, &key}, fileFlag{"import-passphrase-file", f.passphrase, &passphrase}); err != nil {
		return nil, err
	}
	return &manage.Import{Chain: []byte(chain), Key: []byte(key), Passphrase: []byte(strings.TrimRight(passphrase, "\r\n"))}, nil
}
