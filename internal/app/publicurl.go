package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// derivedSetting remembers that the public URL followed from the listener, so that it follows again when that moves.
const derivedSetting = "public-url-derived"

// errNoPublicURL says that where the server will listen is known only when it does.
var errNoPublicURL = errors.New("the server will listen on any free port, so nothing can be said yet about the URL of its revocation lists; give it with --public-url")

// publicURL is the base of the URLs of issuers and revocation lists; "" before the set-up.
func (a *App) publicURL() string {
	if base := a.base.Load(); base != nil {
		return *base
	}
	return ""
}

// setUp makes the CA where there is none. A public URL that nobody gave is remembered as derived, before it stands in the
// first certificate.
func (a *App) setUp(ctx context.Context, setup manage.Setup, given bool) (manage.Result, error) {
	old, err := a.manage.PublicURL(ctx)
	if err != nil {
		return manage.Result{}, err
	}
	if old == "" && !given {
		if err := a.db.PutSetting(ctx, derivedSetting, "yes"); err != nil {
			return manage.Result{}, err
		}
	}
	return a.manage.Bootstrap(ctx, setup)
}

// keepPublicURL takes the wanted public URL over when it was given, or when the one in the database was derived too. What was
// once given stays until another is given. Certificates made before name the old URL as long as they live. It reports
// whether the URL in force was derived.
func (a *App) keepPublicURL(ctx context.Context, wanted string) (derived bool, err error) {
	old, err := a.manage.PublicURL(ctx)
	if err != nil {
		return false, err
	}
	kept, err := a.db.Setting(ctx, derivedSetting)
	if err != nil {
		return false, err
	}
	given := a.config.PublicURL != ""
	if !given && kept != "yes" {
		return false, nil
	}
	if old != wanted {
		a.log.Warn("new certificates name another public URL; the old one must stay reachable for those made before",
			slog.String("old", old), slog.String("new", wanted))
	}
	if err := a.manage.SetPublicURL(ctx, wanted); err != nil {
		return false, err
	}
	return !given, a.db.PutSetting(ctx, derivedSetting, map[bool]string{true: "no", false: "yes"}[given])
}

// located returns the setup with a public URL: its own, that of the settings, or else where their server will listen.
func located(c config.Config, setup manage.Setup) (manage.Setup, error) {
	if setup.PublicURL == "" {
		setup.PublicURL = c.PublicURL
	}
	if setup.PublicURL != "" {
		return setup, nil
	}
	base, err := presumedBase(c)
	setup.PublicURL = base
	return setup, err
}

// presumedBase returns the base URL of the plain HTTP listener that a server with these settings will have.
func presumedBase(c config.Config) (string, error) {
	_, text, _ := net.SplitHostPort(c.Listen)
	port, err := strconv.Atoi(text)
	if err != nil {
		return "", err
	}
	_, public, _ := net.SplitHostPort(publicListen(c, port))
	if public == "0" {
		return "", errNoPublicURL
	}
	return publicBase(c, port, public), nil
}

// publicBase returns the base URL of the plain HTTP listener, when the HTTPS listener has one port and it the other: on
// the host that clients use, or where it listens.
func publicBase(c config.Config, https int, port string) string {
	host := hostFor(publicListen(c, https))
	if external, err := url.Parse(c.ExternalURL); err == nil && external.Hostname() != "" {
		host = external.Hostname()
	}
	return (&url.URL{Scheme: "http", Host: strings.TrimSuffix(net.JoinHostPort(host, port), ":80")}).String()
}

// direct reports whether clients that use the external URL come to this machine's own listeners: its port is that of
// the HTTPS listener, and the plain HTTP listener is not on loopback. Otherwise something stands in between, and where it leads
// requests for revocation lists to is not known here.
func direct(c config.Config, l listeners) bool {
	external, err := url.Parse(c.ExternalURL)
	if err != nil {
		return false
	}
	port := external.Port()
	if port == "" {
		port = "443"
	}
	public := l.public.Addr().(*net.TCPAddr) //nolint:errcheck // a TCP listener has a TCP address
	return port == portOf(l.https) && !public.IP.IsLoopback()
}
