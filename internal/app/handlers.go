package app

import (
	"net"
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/door/acme"
	"github.com/everleaf-pki/everleaf/internal/door/acme/nonce"
	"github.com/everleaf-pki/everleaf/internal/door/admin"
	"github.com/everleaf-pki/everleaf/internal/door/public"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// acmeHandler is what the HTTPS listener answers.
func (s *server) acmeHandler() (http.Handler, error) {
	door, err := acme.New(s.app.issue, acme.Options{
		Web: s.app.webOptions(), Nonces: nonce.New(nonce.NewIdentity(0)), ExternalURL: s.app.config.ExternalURL, OwnName: s.certificate.covers,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	public.RegisterRoots(mux, s.app.issue, s.app.log)
	s.health.register(mux, false)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if acme.Below(r) {
			door.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}), nil
}

// accountURL returns the URL of an account as the ACME door publishes it; "" without an external URL.
func (a *App) accountURL(c policy.Connector, account string) string {
	return acme.AccountURL(a.config.ExternalURL, c, account)
}

// publicHandler is what the plain HTTP listener answers.
func (s *server) publicHandler() http.Handler {
	return public.Handler(s.app.issue, s.app.log)
}

// AdminHandler is the operator's door, for commands that opened the installation themselves.
func (a *App) AdminHandler() http.Handler {
	return asThisUser(a.adminHandler(care{app: a}, a.config.ExternalURL))
}

func (a *App) adminHandler(c care, base string) http.Handler {
	return admin.New(a.manage, admin.Options{Actor: operator, Care: c, Explain: a.issue, Base: base, HTTP01Port: a.config.HTTP01Port, Web: a.webOptions()})
}

func (a *App) webOptions() web.Options {
	return web.Options{Log: a.log, Observe: a.metrics.request, TrustedProxies: a.config.TrustedProxies}
}

// capped bounds how many connections one address may hold.
func (s *server) capped(l net.Listener) net.Listener {
	return web.LimitConnections(l, s.app.config.MaxPerAddress, s.app.config.TrustedProxies)
}

func (s *server) newHTTPServer(h http.Handler) *http.Server {
	return web.NewServer(h, s.app.limits, s.app.log)
}
