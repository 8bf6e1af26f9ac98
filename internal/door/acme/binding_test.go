package acme_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// credential is an EAB key as a client gets it.
type credential struct {
	kid string
	key []byte
}

func (h *house) credential(t testing.TB, n manage.NewCredential) credential {
	t.Helper()
	view, key, err := h.manage.CreateCredential(t.Context(), "test", n)
	check(t, err)
	return credential{kid: view.ID, key: key}
}

// bound writes a newAccount request with a binding; change makes it dishonest.
func (c *client) bound(k credential, algorithm string, change func(*jws.SignOptions, *[]byte)) string {
	c.t.Helper()
	options := jws.SignOptions{KeyID: k.kid, URL: c.base + "new-account"}
	payload := []byte(jwkOf(c.t, c.key))
	if change != nil {
		change(&options, &payload)
	}
	binding, err := jws.SignMAC(k.key, algorithm, options, payload)
	check(c.t, err)
	return `{"externalAccountBinding":` + string(binding) + `}`
}

func TestBinding(t *testing.T) {
	h := newHouse(t, quick)
	h.connect(t, "bound", func(r *policy.Rules) { r.ExternalBinding = true })
	h.connect(t, "other", nil)
	k := h.credential(t, manage.NewCredential{Name: "k", Connector: "bound"})
	url := base + "/acme/bound/new-account"
	elsewhere := h.credential(t, manage.NewCredential{Name: "k", Connector: "other"})
	tests := []struct {
		name, kind string
		status     int
		payload    func(c *client) string
	}{
		{"EAB-01 none", "externalAccountRequired", 403, func(*client) string { return "{}" }},
		{"EAB-01 null", "externalAccountRequired", 403, func(*client) string { return `{"externalAccountBinding":null}` }},
		{"EAB-02 no JWS", "malformed", 400, func(*client) string { return `{"externalAccountBinding":{}}` }},
		{"EAB-02 an asymmetric algorithm", "badSignatureAlgorithm", 400, func(c *client) string {
			header := part{"alg": "ES256", "kid": k.kid, "url": url}
			return part{"externalAccountBinding": c.handmade(header.text(), string(jwkOf(t, c.key)))}.text()
		}},
		{"EAB-03 a nonce inside", "malformed", 400, func(c *client) string {
			return c.bound(k, "HS256", func(o *jws.SignOptions, _ *[]byte) { o.Nonce = h.nonces.Issue() })
		}},
		{"EAB-03 another url", "malformed", 400, func(c *client) string {
			return c.bound(k, "HS256", func(o *jws.SignOptions, _ *[]byte) { o.URL = at("new-account") })
		}},
		{"EAB-03 a jwk inside", "malformed", 400, func(c *client) string {
			return c.bound(k, "HS256", func(o *jws.SignOptions, _ *[]byte) { o.KeyID = "" })
		}},
		{"EAB-04 an unknown kid", "unauthorized", 403, func(c *client) string { return c.bound(credential{"unknown", k.key}, "HS256", nil) }},
		{"EAB-04 a wrong MAC", "unauthorized", 403, func(c *client) string { return c.bound(credential{k.kid, []byte("wrong")}, "HS256", nil) }},
		{"EAB-09 a credential of another connector", "unauthorized", 403, func(c *client) string { return c.bound(elsewhere, "HS256", nil) }},
		{"EAB-05 another key", "malformed", 400, func(c *client) string {
			return c.bound(k, "HS256", func(_ *jws.SignOptions, p *[]byte) { *p = jwkOf(t, newKey(t)) })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := h.client(t).of("bound")
			c.jwk(url, tt.payload(c)).refused(t, tt.status, tt.kind)
			c.jwk(url, `{"onlyReturnExisting":true}`).refused(t, http.StatusBadRequest, "accountDoesNotExist")
		})
	}
	t.Run("EAB-04 an unknown kid and a wrong MAC are answered alike", func(t *testing.T) {
		c := h.client(t).of("bound")
		unknown := c.jwk(url, c.bound(credential{"unknown", k.key}, "HS256", nil)).refused(t, http.StatusForbidden, "unauthorized")
		wrong := c.jwk(url, c.bound(credential{k.kid, []byte("wrong")}, "HS256", nil)).refused(t, http.StatusForbidden, "unauthorized")
		if diff := cmp.Diff(unknown, wrong); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBoundAccount(t *testing.T) {
	h := newHouse(t, quick)
	h.connect(t, "bound", func(r *policy.Rules) { r.ExternalBinding = true })
	k := h.credential(t, manage.NewCredential{Name: "k", Connector: "bound", Expires: h.Clock.Now().Add(time.Hour)})
	url := base + "/acme/bound/new-account"
	var c *client
	for _, algorithm := range jws.MACAlgorithms() {
		t.Run("EAB-02 EAB-06 "+algorithm, func(t *testing.T) {
			c = h.client(t).of("bound")
			payload := c.bound(k, algorithm, nil)
			a := c.jwk(url, payload).want(t, http.StatusCreated)
			c.kid = a.header.Get("Location")
			got := `{"externalAccountBinding":` + string(read[wire.Account](t, a).ExternalAccountBinding) + `}`
			if diff := cmp.Diff(payload, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(string(a.body), encode(k.key)) {
				t.Error("EAB-10: the reply holds the key")
			}
		})
	}
	t.Run("a bound account orders", func(t *testing.T) { c.order("a.example.com") })
	t.Run("EAB-08 a suspended credential stops its accounts", func(t *testing.T) {
		_, err := h.manage.SuspendCredential(t.Context(), "test", k.kid, nil)
		check(t, err)
		c.to("new-order", orderOf("a.example.com")).refused(t, http.StatusUnauthorized, "unauthorized")
		_, err = h.manage.ResumeCredential(t.Context(), "test", k.kid)
		check(t, err)
		c.order("a.example.com")
	})
	t.Run("EAB-08 so does an expired one, and it admits nobody", func(t *testing.T) {
		h.Clock.Advance(time.Hour)
		c.to("new-order", orderOf("a.example.com")).refused(t, http.StatusUnauthorized, "unauthorized")
		n := h.client(t).of("bound")
		n.jwk(url, n.bound(k, "HS256", nil)).refused(t, http.StatusForbidden, "unauthorized")
	})
}

// Proves INC-85.
func TestBindingLimitEAB07(t *testing.T) {
	h := newHouse(t, quick)
	k := h.credential(t, manage.NewCredential{Name: "k", MaxAccounts: 3})
	var created atomic.Int64
	var wait sync.WaitGroup
	for range 20 {
		c := h.client(t)
		payload := c.bound(k, "HS256", nil)
		wait.Go(func() {
			switch a := c.jwk(at("new-account"), payload); a.status {
			case http.StatusCreated:
				created.Add(1)
			case http.StatusForbidden:
			default:
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
	wait.Wait()
	if created.Load() != 3 {
		t.Errorf("EAB-07: %d accounts came in by a credential for 3", created.Load())
	}
}
