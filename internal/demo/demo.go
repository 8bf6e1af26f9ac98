// Package demo shows the life of a certificate on one machine: a CA, a site, a proof of control, an issuance, a
// verified handshake, and renewals before your eyes. It needs no root rights and leaves nothing behind.
package demo

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/probe"
)

// What the demonstration certifies. Names below localhost resolve to this machine (RFC 6761).
const (
	siteName    = "shop.localhost"
	profileName = "demo"
	lifetime    = 2 * time.Minute
	reuse       = time.Minute // too short to be of use for the next order: control is proven anew at each renewal
)

// errNoStart says that the CA stopped before it was ready.
var errNoStart = errors.New("the CA did not start")

// Options says how to run.
type Options struct {
	Out  io.Writer
	Once bool // end after the first handshake
}

// Run runs the demonstration until ctx ends or nobody reads it any more, or once.
func Run(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "everleaf-demo-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder that stays behind harms nobody
	s, err := newSite(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	show := newStage(o.Out, cancel)
	show.title("The life of a certificate, all on this machine. Nothing is installed; everything ends with this command.")

	installation, stopped, err := startCA(ctx, cancel, dir, s, show)
	if err != nil {
		return err
	}
	err = perform(ctx, o, installation, s, show)
	if ctx.Err() != nil {
		err = nil // whatever was under way was ended; if the CA failed, it says why
	}
	cancel()
	return errors.Join(err, <-stopped)
}

// startCA starts a CA whose validator looks at the site's port. The channel tells how it ended.
func startCA(ctx context.Context, cancel context.CancelFunc, dir string, s *site, show *stage) (app.Info, <-chan error, error) {
	c := config.Config{
		Data: filepath.Join(dir, "ca"), Listen: "127.0.0.1:0", MetricsListen: "off",
		HTTP01Port: portOf(s.plain), TLSALPN01Port: portOf(s.secure), MaxPerAddress: 64, Drain: time.Second,
	}
	env := func(string) string { return "" }
	ca, err := app.Open(ctx, c, slog.New(slog.DiscardHandler), env)
	if err != nil {
		return app.Info{}, nil, err
	}
	ready := make(chan app.Info, 1)
	stopped := make(chan error, 1)
	go func() {
		err := ca.Serve(ctx, env, app.Control{Ready: func(i app.Info) { ready <- i }})
		stopped <- errors.Join(err, ca.Close())
		cancel()
	}()
	select {
	case info := <-ready:
		if err := declare(ctx, ca); err != nil {
			return info, nil, err
		}
		show.step("a certificate authority starts: root, issuer, ACME directory %s", info.Directory)
		return info, stopped, nil
	case <-ctx.Done():
		return app.Info{}, nil, errors.Join(errNoStart, <-stopped)
	}
}

// declare gives the connector a profile whose certificates live for two minutes, and makes it prove control each time.
func declare(ctx context.Context, ca *app.App) error {
	_, err := ca.Manage().SaveProfile(ctx, manage.System, manage.Default, profileName, func(s *pki.Spec) error {
		*s = pki.DefaultSpec(manage.Default)
		s.Description, s.Lifetime, s.Backdate = "two minutes, to watch a renewal", span.Of(lifetime), 0
		return nil
	})
	if err != nil {
		return err
	}
	_, err = ca.Manage().SetRules(ctx, manage.System, manage.Default, func(r *policy.Rules) error {
		r.Profiles, r.ReuseLife = append(r.Profiles, profileName), span.Of(reuse)
		return nil
	})
	return err
}

// perform obtains, installs and verifies, and goes on renewing at two thirds of the life.
func perform(ctx context.Context, o Options, info app.Info, s *site, show *stage) error {
	roots, err := readRoots(info.RootFile)
	if err != nil {
		return err
	}
	show.step("a plain web site starts: http://%s", net.JoinHostPort(siteName, port(s.plain)))
	c, err := newClient(ctx, info.Directory, roots, s, siteName, profileName)
	if err != nil {
		return err
	}
	show.step("an ACME client makes an account with the CA")
	for round := 1; ; round++ {
		renewal, err := secure(ctx, c, roots, show)
		if err != nil {
			return err
		}
		if o.Once {
			show.title("Done: https://%s was served with a verified certificate.", net.JoinHostPort(siteName, port(s.secure)))
			return nil
		}
		if round == 1 {
			show.title("Look yourself while this runs:\n  curl --cacert %s https://%s\nCtrl-C ends it and removes everything.",
				info.RootFile, net.JoinHostPort(siteName, port(s.secure)))
		}
		if !show.countdown(ctx, renewal) {
			show.title("Ended.")
			return nil
		}
	}
}

// secure does one round and returns when the next is due.
func secure(ctx context.Context, c *client, roots *x509.CertPool, show *stage) (time.Time, error) {
	certificate, err := c.obtain(ctx, show.step)
	if err != nil {
		return time.Time{}, err
	}
	leaf := certificate.Leaf
	show.step("certificate %s for %s, valid %s", shortSerial(leaf), siteName, leaf.NotAfter.Add(time.Second).Sub(leaf.NotBefore))
	c.site.certificate.Store(certificate)
	show.step("the site takes it into service")
	served, err := probe.Handshake(ctx, c.site.secure.Addr().String(), siteName, roots)
	if err != nil {
		return time.Time{}, err
	}
	if served.Verification != nil {
		return time.Time{}, fmt.Errorf("the handshake shows a certificate that does not verify: %w", served.Verification)
	}
	if !served.Leaf.Equal(leaf) {
		return time.Time{}, errors.New("the handshake shows another certificate than the one installed")
	}
	show.step("a handshake shows exactly it: %s, name and chain verified up to the root", served.Version)
	return leaf.NotBefore.Add(lifetime / 3), nil // soon, for whoever watches
}

func readRoots(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return roots, nil
}

func port(l net.Listener) string { return strconv.Itoa(int(portOf(l))) }

func shortSerial(leaf *x509.Certificate) string {
	text := leaf.SerialNumber.Text(16)
	return text[:min(8, len(text))]
}
