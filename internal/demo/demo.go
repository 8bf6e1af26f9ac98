// Package demo shows the life of a certificate on one machine: a CA, a site, a proof of control, an issuance, a
// verified handshake, and renewals before your eyes. It needs no root rights and leaves nothing behind.
package demo

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
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
	room        = 8 << 20     // octets on disk
	reuse       = time.Minute // too short to be of use for the next order: control is proven anew at each renewal
)

// errNoStart says that the CA stopped before it was ready.
var errNoStart = errors.New("the CA did not start")

// Options says how to run.
type Options struct {
	Out  io.Writer
	Once bool // end after the first handshake
}

// Run runs the demonstration until ctx ends or nobody reads it any more, or once. To be told to end is no error, whatever
// was under way; that Out takes no more is one, unless its reader went away.
func Run(ctx context.Context, o Options) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	show := newStage(o.Out, cancel)
	err := play(inner, cancel, o, show)
	switch {
	case ctx.Err() != nil:
		show.title("Ended.")
		return nil
	case errors.Is(show.failure, syscall.EPIPE):
		return nil
	case show.failure != nil:
		return fmt.Errorf("the demonstration cannot be shown: %w; let it write elsewhere", reason(show.failure))
	}
	return err
}

// reason returns what the system said, without the name of the call and the file.
func reason(err error) error {
	if named, ok := errors.AsType[*fs.PathError](err); ok {
		return named.Err
	}
	return err
}

// play sets up a folder, a site and a CA, performs with them, and takes them away again.
func play(ctx context.Context, cancel context.CancelFunc, o Options, show *stage) error {
	show.title("The life of a certificate, all on this machine. Nothing is installed; everything ends with this command.")
	dir, err := os.MkdirTemp("", "everleaf-demo-")
	if err != nil {
		return noFolder(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder that stays behind harms nobody
	if err := requireRoom(dir); err != nil {
		return noFolder(err)
	}
	s, err := newSite(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	ca, err := openCA(ctx, dir, s)
	if err != nil {
		return err
	}
	ready, stopped := serve(ctx, cancel, ca)
	err = perform(ctx, o, ca, ready, s, show)
	ended := ctx.Err() != nil
	cancel()
	failed := <-stopped
	if ended && failed != nil {
		return failed // it says why whatever was under way was ended
	}
	return errors.Join(err, failed)
}

func noFolder(err error) error {
	return fmt.Errorf("a folder for the demonstration cannot be made in %s: %w; name another place with TMPDIR", os.TempDir(), reason(err))
}

// requireRoom writes as much as the CA and its database may need and takes it away again, so that a full disk is noticed
// before anything is made.
func requireRoom(dir string) error {
	file := filepath.Join(dir, "room")
	if err := os.WriteFile(file, make([]byte, room), 0o600); err != nil {
		return err
	}
	return os.Remove(file)
}

// openCA makes a CA in the folder whose validator looks at the site's ports.
func openCA(ctx context.Context, dir string, s *site) (*app.App, error) {
	c := config.Config{
		Data: filepath.Join(dir, "ca"), Listen: "127.0.0.1:0", MetricsListen: "off",
		HTTP01Port: portOf(s.plain), TLSALPN01Port: portOf(s.secure), MaxPerAddress: 64, Drain: time.Second,
	}
	return app.Open(ctx, c, slog.New(slog.DiscardHandler), noVariables)
}

func noVariables(string) string { return "" }

// serve runs the CA until ctx ends, and calls cancel when it has ended. The channels tell that it is ready, and how it
// ended, when nothing uses its folder any more.
func serve(ctx context.Context, cancel context.CancelFunc, ca *app.App) (<-chan app.Info, <-chan error) {
	ready := make(chan app.Info, 1)
	stopped := make(chan error, 1)
	go func() {
		err := ca.Serve(ctx, app.Control{Ready: func(i app.Info) { ready <- i }})
		stopped <- errors.Join(err, ca.Close())
		cancel()
	}()
	return ready, stopped
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

// perform waits for the CA, obtains, installs and verifies, and goes on renewing after a third of the life.
func perform(ctx context.Context, o Options, ca *app.App, ready <-chan app.Info, s *site, show *stage) error {
	var info app.Info
	select {
	case info = <-ready:
	case <-ctx.Done():
		return errNoStart
	}
	if err := declare(ctx, ca); err != nil {
		return err
	}
	show.step("a certificate authority starts: root, issuer, ACME directory %s", info.Directory)
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
	return leaf.NotBefore.Add(lifetime / 3), nil // early, for whoever watches
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
