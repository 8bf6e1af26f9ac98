package app

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// Bootstrap sets an empty installation up; on one that is set up it changes nothing. See manage.Service.Bootstrap. Without a
// public URL it takes that of the settings, or else where their server will listen.
func (a *App) Bootstrap(ctx context.Context, setup manage.Setup) (manage.Result, error) {
	given := setup.PublicURL != "" || a.config.PublicURL != ""
	setup, err := located(a.config, setup)
	if err != nil {
		return manage.Result{}, err
	}
	return a.setUp(ctx, setup, given)
}

// WriteKey writes a private key to a new file outside the data folder, encrypted when there is a passphrase.
func (a *App) WriteKey(path string, key crypto.Signer) error { return a.keys.WriteOutside(path, key) }

// bootstrap readies the installation for the listeners: it makes the CA at the first start, and keeps the public URL
// true: the one that was given, or where the plain HTTP listener is.
func (a *App) bootstrap(ctx context.Context, l listeners) error {
	wanted := a.config.PublicURL
	if wanted == "" {
		wanted = l.publicBase(a.config)
	}
	result, err := a.setUp(ctx, manage.Setup{PublicURL: wanted}, a.config.PublicURL != "")
	if err != nil {
		return err
	}
	a.made = result.Made
	derived, err := a.keepPublicURL(ctx, wanted)
	if err != nil {
		return err
	}
	base, err := a.manage.PublicURL(ctx)
	a.base.Store(&base)
	if a.guessed = derived && a.config.ExternalURL != "" && !direct(a.config, l); a.guessed {
		a.log.Warn("no public URL is set; certificates name a guess for their revocation lists, which clients perhaps cannot reach",
			slog.String("guess", base), slog.String("next", "set public-url"))
	}
	return err
}

// certifyServer issues a certificate for the HTTPS listener.
func (a *App) certifyServer(ctx context.Context, names []ident.Identifier, key crypto.PublicKey) ([][]byte, error) {
	organisations, err := a.manage.Organisations(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range organisations {
		if o.Name == manage.Default {
			return a.issue.CertifyServer(ctx, o, manage.Default, names, key)
		}
	}
	return nil, fmt.Errorf("there is no organisation %q", manage.Default)
}

func describeIssuers(issuers []pki.Issuer) string {
	var names []string
	for _, i := range issuers {
		names = append(names, fmt.Sprintf("%s (key %q)", i.Name, i.Key))
	}
	return strings.Join(names, ", ")
}
