package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/durable"
	"github.com/everleaf-pki/everleaf/internal/jobs"
)

// Info is what a person needs to use a server that has started.
type Info struct {
	Directory   string   // URL of the default connector's directory
	PublicURL   string   // base of CRLs and issuers
	Guessed     bool     // nobody gave it, and clients come from elsewhere
	Metrics     string   // URL; "" when off
	RootFile    string   // PEM of the roots
	Fingerprint string   // of the newest root, as pki.Fingerprint has it
	Fresh       bool     // this start made the CA
	Trial       bool     // loopback targets may be validated
	PlainKeys   []string // names of the keys that are not encrypted, which a thief of the disk could use
	HTTP01Port  uint16   // where http-01 validation looks
	Data        string
}

// Control is how a running server is told what to do.
type Control struct {
	Ready  func(Info)                                       // called once everything listens
	Reload func(context.Context) (adminapi.Reloaded, error) // reads the settings again, or says why the old ones stay
}

// server is a running installation.
type server struct {
	app         *App
	listeners   listeners
	certificate *serverCertificate
	health      *health
	jobs        *jobs.Runner
	http        []*http.Server
	serving     sync.WaitGroup // one for each listener
	failed      chan error
}

// Serve makes the CA at the first start and serves until ctx ends; then it drains: nothing new is accepted, open
// requests are answered, validations that run are left to the next start.
func (a *App) Serve(ctx context.Context, control Control) error {
	if showsNames(a.folder.path) {
		a.log.Warn("other users of this machine can see which files are in the data folder",
			slog.String("data", a.folder.path), slog.String("next", "chmod 700 "+a.folder.path))
	}
	l, err := listen(ctx, a.config)
	if err != nil {
		return err
	}
	s := &server{app: a, listeners: l, failed: make(chan error, 4)}
	if err := s.begin(ctx, control); err != nil {
		l.close()
		if ctx.Err() != nil {
			a.log.Info("the server was stopped before it was ready", slog.Any("cause", context.Cause(ctx)))
			return nil //nolint:nilerr // it was told to stop, and that made it fail
		}
		return err
	}
	info := s.info(ctx)
	a.log.Info("the server has started", slog.String("directory", info.Directory), slog.String("public_url", info.PublicURL), slog.String("data", info.Data))
	control.Ready(info)
	select {
	case <-ctx.Done():
		return s.drain(context.Cause(ctx), nil)
	case err := <-s.failed:
		return s.drain(err, err)
	}
}

// begin readies the installation and serves it.
func (s *server) begin(ctx context.Context, control Control) error {
	if err := s.app.bootstrap(ctx, s.listeners); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.start(control)
}

// prepare readies everything that must exist before the first request is answered.
func (s *server) prepare(ctx context.Context) error {
	a := s.app
	var err error
	if s.certificate, err = a.newServerCertificate(); err != nil {
		return err
	}
	if _, err := s.certificate.ensure(ctx); err != nil {
		if !s.certificate.serves() {
			return err
		}
		a.log.Error("the server's certificate is due and could not be renewed; a job goes on with it", slog.Any("error", err))
	}
	if err := a.takeUp(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, firstLists)
	defer cancel()
	if _, err := a.issue.PublishLists(limited); err != nil {
		a.log.Error("not every revocation list could be made; a job goes on with them", slog.Any("error", err))
	}
	if _, err := a.issue.RenewResponders(ctx); err != nil {
		a.log.Error("not every responder for the status of certificates is ready; a job goes on with them", slog.Any("error", err))
	}
	return a.writeRoots(ctx)
}

// start serves every listener and starts the jobs.
func (s *server) start(control Control) error {
	a := s.app
	s.health = &health{checks: a.checks(s.certificate), log: a.log}
	handler, err := s.acmeHandler()
	if err != nil {
		return err
	}
	s.jobs = jobs.Start(a.log, a.backgroundJobs(s.certificate)...)
	s.serve(tls.NewListener(s.capped(s.listeners.https), s.tlsConfig()), handler)
	s.serve(s.capped(s.listeners.public), s.publicHandler())
	s.serve(s.listeners.admin, a.adminHandler(care{app: a, health: s.health, reload: control.Reload}, s.listeners.httpsBase(a.config)), withoutWriteLimit, namingOperators)
	if s.listeners.metrics != nil {
		s.serve(s.listeners.metrics, s.metricsHandler())
	}
	return nil
}

func (s *server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: s.certificate.get,
	}
}

func (s *server) metricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.app.metrics.registry, promhttp.HandlerOpts{}))
	s.health.register(mux, true)
	return mux
}

// serve answers on a listener until it is closed; an unexpected end stops the whole server.
func (s *server) serve(l net.Listener, handler http.Handler, adapt ...func(*http.Server)) {
	h := s.newHTTPServer(handler)
	for _, change := range adapt {
		change(h)
	}
	s.http = append(s.http, h)
	s.serving.Go(func() {
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("the listener on %s ended: %w", l.Addr(), err)
		}
	})
}

// withoutWriteLimit lets the operator's door take its time: a check or a backup of a large store lasts minutes.
func withoutWriteLimit(h *http.Server) { h.WriteTimeout = 0 }

func (s *server) info(ctx context.Context) Info {
	a := s.app
	info := Info{
		Directory: s.listeners.httpsBase(a.config) + "/acme/default/directory",
		RootFile:  a.folder.roots(), Fresh: a.made, Trial: a.config.Trial(), PlainKeys: a.keys.Plain(), HTTP01Port: a.config.HTTP01Port, Data: a.folder.path,
	}
	info.PublicURL, info.Guessed = a.publicURL(), a.guessed
	if s.listeners.metrics != nil {
		info.Metrics = "http://" + s.listeners.metrics.Addr().String() + "/metrics"
	}
	if roots, err := a.issue.Roots(ctx); err == nil && len(roots) > 0 {
		info.Fingerprint = pki.Fingerprint(roots[0].Certificate)
	}
	return info
}

// writeRoots keeps the roots as a PEM file beside the database, for people and scripts. It writes only what changed.
func (a *App) writeRoots(ctx context.Context) error {
	roots, err := a.issue.Roots(ctx)
	if err != nil {
		return err
	}
	var chain [][]byte
	for _, r := range roots {
		chain = append(chain, r.Certificate)
	}
	text := encodeChain(chain)
	if old, err := os.ReadFile(a.folder.roots()); err == nil && string(old) == string(text) {
		return nil
	}
	return durable.WriteFile(a.folder.roots(), text, 0o644)
}
