// Package app joins the engines with the use cases and the doors. It is the only place that knows them all: the
// commands, the demonstration and the end-to-end tests start the same App.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/everleaf-pki/everleaf/internal/ca"
	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/probe"
	"github.com/everleaf-pki/everleaf/internal/store"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/internal/va"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// The engines satisfy what the use cases ask of them.
var (
	_ store.Store     = (*sqlite.DB)(nil)
	_ issue.Store     = (*sqlite.DB)(nil)
	_ manage.Store    = (*sqlite.DB)(nil)
	_ issue.Signer    = (*ca.Engine)(nil)
	_ issue.Validator = (*va.Validator)(nil)
	_ issue.Secrets   = (*keyring.Sealer)(nil)
	_ manage.Sealer   = (*keyring.Sealer)(nil)

	_ va.Perspectives   = (*validators)(nil)
	_ manage.Validators = (*validators)(nil)
)

// App is an installation that this process has opened: its data folder, and everything that works on it.
type App struct {
	config    config.Config
	log       *slog.Logger
	folder    *folder
	keys      *keyring.Keyring
	db        *sqlite.DB
	engine    *ca.Engine
	prober    *probe.Prober
	issue     *issue.Service
	manage    *manage.Service
	metrics   *metrics
	limits    web.Limits             // of every connection
	base      atomic.Pointer[string] // the public URL
	made      bool                   // this start made the CA
	ending    *ending                // nil: no server has stopped
	guessed   bool                   // the public URL was derived, and clients perhaps cannot reach it
	encrypted bool                   // new keys are encrypted with a passphrase
}

// Open opens the installation in the data folder, which it makes when it does not exist. It refuses, saying why and
// what to do, a folder that another process holds, keys that others can read, keys without a database, and a database that
// knows issuers whose keys are missing.
func Open(ctx context.Context, c config.Config, log *slog.Logger, env func(string) string) (*App, error) {
	a := &App{config: c, log: log, metrics: newMetrics(), limits: web.DefaultLimits()}
	var passphrase []byte
	for _, step := range []func() error{
		func() (err error) { // first: a slip in the name of a file makes no folder
			passphrase, err = keyring.ReadPassphrase(c.Data, c.PassphraseFile, env)
			return err
		},
		a.openFolder,
		func() error { return a.openKeys(passphrase) },
		a.checkDatabase,
		func() error { return a.openStore(ctx) },
		func() error { return a.checkSealingKey(ctx) },
		a.build,
		func() error { return a.checkKeys(ctx) },
	} {
		if err := step(); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

func (a *App) openFolder() (err error) {
	a.folder, err = openFolder(a.config.Data)
	return err
}

func (a *App) openKeys(passphrase []byte) (err error) {
	a.encrypted = len(passphrase) > 0
	a.keys, err = keyring.Open(a.folder.keys(), keyring.Options{Passphrase: passphrase})
	return err
}

func (a *App) openStore(ctx context.Context) (err error) {
	a.db, err = sqlite.Open(ctx, a.folder.database(), sqlite.Options{Observe: a.metrics.commit})
	return refusedDatabase(a.folder.database(), err)
}

// checkDatabase refuses a folder whose keys are there and whose database is not: a new CA beside the keys of the old one
// would hide that everything is lost that the old one knew.
func (a *App) checkDatabase() error {
	if _, err := os.Stat(a.folder.database()); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	names, err := a.keys.Names()
	if err != nil || len(names) == 0 {
		return err
	}
	return fmt.Errorf("the data folder %s has keys and no database; put the database %s back, restore a backup into an empty folder, or give another folder with --data",
		a.folder.path, DatabaseFile)
}

// build joins the engines with the use cases.
func (a *App) build() error {
	sealer, err := a.keys.Sealer()
	if err != nil {
		return err
	}
	if a.prober, err = newProber(a.config); err != nil {
		return err
	}
	elsewhere := newValidators(a.keys, a.db)
	a.engine = ca.New(a.keys)
	options := issue.DefaultOptions()
	options.Trial, options.PublicURL, options.AccountURL = a.config.Trial(), a.publicURL, a.accountURL
	a.issue = issue.New(issue.Engines{
		Store: a.db, Signer: a.engine, Validator: va.New(a.prober, elsewhere, va.DefaultOptions()), Secrets: sealer, Log: a.log,
	}, options)
	a.metrics.registry.MustRegister(a.listEnd())
	a.manage = manage.New(manage.Engines{Store: a.db, Keys: a.keys, Maker: a.engine, Sealer: sealer, Validators: elsewhere}, manage.Options{AccountURL: a.accountURL})
	return nil
}

// checkSealingKey refuses a database with sealed secrets whose sealing key is missing: a new one could open none of them.
func (a *App) checkSealingKey(ctx context.Context) error {
	has, err := a.keys.HasSealingKey()
	if err != nil || has {
		return err
	}
	credentials, err := a.db.Credentials(ctx, "")
	if err != nil || len(credentials) == 0 {
		return err
	}
	return fmt.Errorf("the database holds %d sealed credentials and their sealing key is missing in %s; put it back from the backup",
		len(credentials), a.folder.keys())
}

// checkKeys refuses a database that knows issuers whose keys are missing: without them nothing can be issued or
// revoked, and making new ones would hide that the old ones are lost.
func (a *App) checkKeys(ctx context.Context) error {
	missing, err := a.manage.MissingKeys(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	return fmt.Errorf("the database knows issuers whose keys are missing in %s: %s; put the key files back from the backup",
		a.folder.keys(), describeIssuers(missing))
}

// Manage returns the operator's use cases.
func (a *App) Manage() *manage.Service { return a.manage }

// Close ends what works on the installation and gives the folder free. After a server it writes the last line of its log.
func (a *App) Close() error {
	err := a.release()
	a.tellEnd(err)
	return err
}

func (a *App) release() error {
	var problems []error
	if a.issue != nil {
		a.issue.Close()
	}
	if a.db != nil {
		problems = append(problems, a.db.Close())
	}
	if a.folder != nil {
		problems = append(problems, a.folder.close())
	}
	return errors.Join(problems...)
}
