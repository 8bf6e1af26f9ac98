package acme_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	door "github.com/everleaf-pki/everleaf/internal/door/acme"
	"github.com/everleaf-pki/everleaf/internal/web"
)

func TestNew(t *testing.T) {
	for external, ok := range map[string]bool{
		"https://ca.example.com": true, "https://ca.example.com:8443": true, "https://ca.example.com/": true, "https://[2001:db8::1]": true,
		"http://ca.example.com": false, "https://ca.example.com/path": false, "https://ca.example.com?q": false, "ca.example.com": false,
		"https://user@ca.example.com": false, "https://": false, "https://ca.example.com#f": false,
	} {
		t.Run("T-09 external URL "+external, func(t *testing.T) {
			if _, err := door.New(nil, door.Options{ExternalURL: external}); (err == nil) != ok {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("neither an external URL nor own names", func(t *testing.T) {
		if _, err := door.New(nil, door.Options{}); err == nil {
			t.Error("no error")
		}
	})
}

// TestExternalURL reaches the door under an internal name, as a reverse proxy does.
func TestExternalURL(t *testing.T) {
	h := newHouse(t, quick)
	var err error
	h.door, err = door.New(h.service, door.Options{
		Web: web.Options{Log: slog.New(slog.DiscardHandler)}, Nonces: h.nonces, ExternalURL: "https://acme.example.com",
	})
	check(t, err)
	const outside, inside = "https://acme.example.com/acme/default/", "https://10.0.0.7:8443/acme/default/"
	d := read[wire.Directory](t, h.get(inside+"directory").want(t, http.StatusOK))
	if d.NewAccount != outside+"new-account" {
		t.Errorf("newAccount is %s", d.NewAccount)
	}
	c := h.client(t)
	through := func(path, kid, payload string) answer {
		return h.post(inside+path, c.sign(jws.SignOptions{KeyID: kid, URL: outside + path}, []byte(payload)))
	}
	a := through("new-account", "", "{}").want(t, http.StatusCreated)
	kid := a.header.Get("Location")
	if !strings.HasPrefix(kid, outside+"account/") || a.links("index")[0] != outside+"directory" {
		t.Errorf("header %v", a.header)
	}
	through("new-order", kid, orderOf("a.example.com")).want(t, http.StatusCreated)
	t.Run("the kid is the URL that is published elsewhere", func(t *testing.T) {
		account := kid[strings.LastIndex(kid, "/")+1:]
		for external, want := range map[string]string{"https://acme.example.com": kid, "https://acme.example.com/": kid, "": ""} {
			if got := door.AccountURL(external, policy.Connector{Name: "default"}, account); got != want {
				t.Errorf("with the external URL %q it is %q, not %q", external, got, want)
			}
		}
	})
	t.Run("J-14 the inside URL is not accepted in a signature", func(t *testing.T) {
		body := c.sign(jws.SignOptions{KeyID: kid, URL: inside + "new-order"}, []byte(orderOf("a.example.com")))
		h.post(inside+"new-order", body).refused(t, http.StatusForbidden, "unauthorized")
	})
}

// TestOverTheWire speaks to the door with net/http on both sides, in both versions.
func TestOverTheWire(t *testing.T) {
	h := newHouse(t, quick)
	log := slog.New(slog.DiscardHandler)
	for _, version := range []int{1, 2} {
		server := httptest.NewUnstartedServer(nil)
		server.Config = web.NewServer(h.door, web.DefaultLimits(), log)
		server.EnableHTTP2 = version == 2
		server.StartTLS()
		client := server.Client()
		transport := client.Transport.(*http.Transport)
		transport.TLSClientConfig = &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs, ServerName: "example.com"}
		send := func(method, path, payload string) (*http.Response, string) {
			t.Helper()
			c := h.client(t)
			r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/acme/default/"+path, nil)
			check(t, err)
			r.Host = "ca.test:8443"
			if method == http.MethodPost {
				body := c.sign(jws.SignOptions{URL: "https://ca.test:8443/acme/default/" + path}, []byte(payload))
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
				r.Header.Set("Content-Type", "application/jose+json")
			}
			response, err := client.Do(r)
			check(t, err)
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			check(t, err)
			if response.ProtoMajor != version {
				t.Errorf("spoke %s", response.Proto)
			}
			return response, string(text)
		}
		if r, text := send(http.MethodHead, "new-nonce", ""); r.StatusCode != http.StatusOK || text != "" || r.Header.Get("Replay-Nonce") == "" {
			t.Errorf("N-01: %d %v", r.StatusCode, r.Header)
		}
		if r, text := send(http.MethodGet, "new-nonce", ""); r.StatusCode != http.StatusNoContent || text != "" || r.Header.Get("Content-Length") != "" {
			t.Errorf("N-02: %d %v", r.StatusCode, r.Header)
		}
		if r, text := send(http.MethodPost, "new-account", "{}"); r.StatusCode != http.StatusCreated || !strings.HasPrefix(r.Header.Get("Location"), "https://ca.test:8443/acme/default/account/") {
			t.Errorf("A-01: %d %v %s", r.StatusCode, r.Header, text)
		}
		if r, _ := send(http.MethodPost, "new-account?a=b", "{}"); r.StatusCode != http.StatusCreated {
			t.Errorf("J-14: a query that is signed: %d", r.StatusCode)
		}
		server.Close()
	}
}

// broken is a service whose database is gone.
type broken struct{ door.Service }

func (broken) Connector(context.Context, policy.Kind, string) (policy.Connector, error) {
	return policy.Connector{}, errors.New("open /var/lib/everleaf: input/output error")
}

func TestServiceFailure(t *testing.T) {
	h := newHouse(t, quick)
	var log bytes.Buffer
	var err error
	h.door, err = door.New(broken{}, door.Options{
		Web: web.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, Nonces: h.nonces, OwnName: func(string) bool { return true },
	})
	check(t, err)
	a := h.get(at("directory"))
	a.refused(t, http.StatusInternalServerError, "serverInternal")
	if strings.Contains(string(a.body), "/var/lib") || !strings.Contains(log.String(), "/var/lib") || !strings.Contains(log.String(), a.header.Get("X-Request-Id")) {
		t.Errorf("E-05: %s\n%s", a.body, log.String())
	}
}
