package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func TestAnotherPublicURLOpensAnotherShard(t *testing.T) {
	dir := t.TempDir()
	start(t, settings(t, dir)).stop()
	c := settings(t, dir)
	c.PublicURL = "http://pki.example.com"
	r := start(t, c)
	if r.info.PublicURL != "http://pki.example.com" {
		t.Error(r.info.PublicURL)
	}
	issuer, err := adminapi.NewClient(adminapi.OverSocket(SocketPath(dir))).Issuer(t.Context(), "default")
	if err != nil || !strings.HasPrefix(issuer.CRL, "http://pki.example.com/crl/") || !strings.HasSuffix(issuer.CRL, "/2.crl") {
		t.Errorf("%+v %v", issuer, err)
	}
}

func TestADerivedPublicURLFollowsTheListener(t *testing.T) {
	dir := t.TempDir()
	first := start(t, settings(t, dir))
	first.stop()
	second := start(t, settings(t, dir)) // other free ports
	response, _ := second.get(t, second.info.PublicURL+"/roots.pem")
	if response.StatusCode != http.StatusOK {
		t.Errorf("nothing is served at the public URL %s", second.info.PublicURL)
	}
	second.stop()
	c := settings(t, dir)
	c.PublicURL = "http://pki.example.com"
	start(t, c).stop()
	if again := start(t, settings(t, dir)); again.info.PublicURL != "http://pki.example.com" {
		t.Errorf("a given public URL was lost for %s", again.info.PublicURL)
	}
}

// made sets a new data folder up as "everleaf init" does, and returns the URL of the lists of its issuer.
func made(t *testing.T, c config.Config, setup manage.Setup) (crl string, err error) {
	t.Helper()
	a, err := Open(t.Context(), c, slog.New(slog.DiscardHandler), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	result, err := a.Bootstrap(t.Context(), setup)
	return result.Issuer.Shard.URL, errors.Join(err, a.Close())
}

func TestASetUpWithoutAPublicURLDerivesItAsTheServerDoes(t *testing.T) {
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		setup  manage.Setup
		want   string // "": refused
	}{
		{"the defaults", func(*config.Config) {}, manage.Setup{}, "http://localhost:8444/"},
		{"everywhere on the standard ports", func(c *config.Config) { c.Listen = ":443" }, manage.Setup{}, "http://" + hostname + "/"},
		{"another listener for everybody", func(c *config.Config) { c.PublicListen = ":8080" }, manage.Setup{}, "http://" + hostname + ":8080/"},
		{"behind a proxy", func(c *config.Config) { c.ExternalURL = "https://ca.example.com" }, manage.Setup{}, "http://ca.example.com:8444/"},
		{"an address", func(c *config.Config) { c.Listen = "[2001:db8::1]:443" }, manage.Setup{}, "http://[2001:db8::1]/"},
		{"given by the settings", func(c *config.Config) { c.PublicURL = "http://pki.example.com" }, manage.Setup{}, "http://pki.example.com/"},
		{"given", func(*config.Config) {}, manage.Setup{PublicURL: "http://pki.example.com"}, "http://pki.example.com/"},
		{"any free port", func(c *config.Config) { c.Listen = "127.0.0.1:0" }, manage.Setup{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := settings(t, t.TempDir())
			c.Listen = "127.0.0.1:8443"
			tt.change(&c)
			crl, err := made(t, c, tt.setup)
			if tt.want == "" {
				if !errors.Is(err, errNoPublicURL) {
					t.Errorf("%q %v", crl, err)
				}
				return
			}
			if err != nil || !strings.HasPrefix(crl, tt.want+"crl/") {
				t.Errorf("got %q and %v, want it below %s", crl, err, tt.want)
			}
		})
	}
}

func TestAServerFollowsWhatTheSetUpDerivedAndKeepsWhatItWasGiven(t *testing.T) {
	for name, tt := range map[string]struct {
		setup manage.Setup
		kept  bool
	}{
		"derived": {manage.Setup{}, false},
		"given":   {manage.Setup{PublicURL: "http://pki.example.com"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := settings(t, dir)
			c.Listen = "127.0.0.1:8443"
			if _, err := made(t, c, tt.setup); err != nil {
				t.Fatal(err)
			}
			r := start(t, settings(t, dir))
			if kept := r.info.PublicURL == tt.setup.PublicURL; kept != tt.kept {
				t.Errorf("the server says %s", r.info.PublicURL)
			}
			if !tt.kept {
				if response, _ := r.get(t, r.info.PublicURL+"/roots.pem"); response.StatusCode != http.StatusOK {
					t.Errorf("nothing is served at %s", r.info.PublicURL)
				}
			}
		})
	}
}

func TestAGuessedPublicURLIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*config.Config)
		want   bool
	}{
		"all on this machine": {func(*config.Config) {}, false},
		"behind a proxy":      {func(c *config.Config) { c.ExternalURL = "https://ca.example.com" }, true},
		"both are given": {func(c *config.Config) {
			c.ExternalURL, c.PublicURL = "https://ca.example.com", "http://pki.example.com"
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := settings(t, t.TempDir())
			tt.change(&c)
			var log bytes.Buffer
			a, err := Open(t.Context(), c, slog.New(slog.NewTextHandler(&log, nil)), noEnv)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var info Info
			err = errors.Join(a.Serve(ctx, Control{Ready: func(i Info) { info = i; cancel() }}), a.Close())
			if err != nil || info.Guessed != tt.want || strings.Contains(log.String(), "no public URL is set") != tt.want {
				t.Errorf("told: %t, error %v, log:\n%s", info.Guessed, err, log.String())
			}
		})
	}
}

func TestWhoComesDirectly(t *testing.T) {
	at := func(address string) net.Listener {
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	https, loopback := at("127.0.0.1:0"), at("127.0.0.1:0")
	open := fixed{loopback, &net.TCPAddr{IP: net.IPv4zero, Port: 80}}
	standard := fixed{loopback, &net.TCPAddr{IP: net.IPv4zero, Port: 443}}
	for _, tt := range []struct {
		external      string
		https, public net.Listener
		want          bool
	}{
		{"https://ca.example.com:" + portOf(https), https, open, true},
		{"https://ca.example.com", standard, open, true},
		{"https://ca.example.com:444", standard, open, false},
		{"https://ca.example.com", https, open, false},
		{"https://ca.example.com", standard, loopback, false},
	} {
		if got := direct(config.Config{ExternalURL: tt.external}, listeners{https: tt.https, public: tt.public}); got != tt.want {
			t.Errorf("%s at %s and %s: %t", tt.external, tt.https.Addr(), tt.public.Addr(), got)
		}
	}
}

// fixed is a listener that says another address.
type fixed struct {
	net.Listener
	address net.Addr
}

func (f fixed) Addr() net.Addr { return f.address }
