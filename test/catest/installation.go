// Package catest opens installations for tests: the real store, keyring, CA and use cases, each in a folder of the test,
// under a clock that the test moves, with a validator that does what the test says.
package catest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca"
	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
)

// PublicURL is the base of the URLs that stand in certificates.
const PublicURL = "http://pki.test"

// Installation is an installation with a CA. Everything in it is closed at the end of the test.
type Installation struct {
	Folder    string
	Store     *sqlite.DB
	Keys      *keyring.Keyring
	Sealer    *keyring.Sealer
	CA        *ca.Engine
	Validator *Validator
	Elsewhere Elsewhere // validators on other machines
	Clock     *Clock
}

// Open returns an installation that is not set up, at a whole second of now.
func Open(t testing.TB, now time.Time) *Installation {
	t.Helper()
	i := &Installation{Folder: t.TempDir(), Validator: &Validator{}, Elsewhere: Elsewhere{}, Clock: &Clock{now: now.UTC().Truncate(time.Second)}}
	var err error
	if i.Keys, err = keyring.Open(filepath.Join(i.Folder, "keys"), keyring.Options{}); err != nil {
		t.Fatal(err)
	}
	if i.Sealer, err = i.Keys.Sealer(); err != nil {
		t.Fatal(err)
	}
	i.CA = ca.New(i.Keys)
	if i.Store, err = sqlite.Open(context.Background(), i.Database(), sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		i.lintAll(t)
		if err := i.Store.Close(); err != nil {
			t.Error(err)
		}
	})
	return i
}

// New returns an installation that is set up as at the first start.
func New(t testing.TB, now time.Time) *Installation {
	t.Helper()
	i := Open(t, now)
	if _, err := i.Manage(i.Store).Bootstrap(context.Background(), manage.Setup{PublicURL: PublicURL}); err != nil {
		t.Fatal(err)
	}
	return i
}

// Database returns the path of the store's file.
func (i *Installation) Database() string { return filepath.Join(i.Folder, "everleaf.db") }

// Manage returns the operator's use cases on a store: its own, or one around it.
func (i *Installation) Manage(store manage.Store) *manage.Service {
	return manage.New(manage.Engines{Store: store, Keys: i.Keys, Maker: i.CA, Sealer: i.Sealer, Validators: i.Elsewhere}, manage.Options{Now: i.Clock.Tick})
}

// Engines returns what the requesters' use cases work on, for tests that put something else in a place.
func (i *Installation) Engines() issue.Engines {
	return issue.Engines{Store: i.Store, Signer: i.CA, Validator: i.Validator, Secrets: i.Sealer, Log: slog.New(slog.DiscardHandler)}
}

// Options returns the settings of the requesters' use cases; wait is how long a reply waits for the outcome of a challenge.
func (i *Installation) Options(wait time.Duration) issue.Options {
	options := issue.DefaultOptions()
	options.Now, options.PublicURL, options.Wait = i.Clock.Now, func() string { return PublicURL }, wait
	return options
}

// Issue returns the requesters' use cases, which are closed before the store is.
func (i *Installation) Issue(t testing.TB, engines issue.Engines, options issue.Options) *issue.Service {
	service := issue.New(engines, options)
	t.Cleanup(service.Close)
	return service
}
