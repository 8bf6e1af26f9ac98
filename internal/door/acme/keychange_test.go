package acme_test

import (
	"crypto"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

// change writes the inner JWS of an honest key change.
func (c *client) change(to crypto.Signer) string {
	c.t.Helper()
	payload := part{"account": c.kid, "oldKey": jwkOf(c.t, c.key)}
	inner, err := jws.Sign(to, jws.SignOptions{URL: c.base + "key-change"}, []byte(payload.text()))
	check(c.t, err)
	return string(inner)
}

func TestKeyChangeChecks(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	other := h.account(t)
	fresh := &client{t: t, h: h, key: newKey(t), base: c.base}
	header := part{"alg": "ES256", "jwk": jwkOf(t, fresh.key), "url": at("key-change")}
	change := part{"account": c.kid, "oldKey": jwkOf(t, c.key)}
	inner := func(header, payload part) string { return fresh.handmade(header.text(), payload.text()).text() }
	tests := []struct {
		name, payload, kind string
		status              int
	}{
		{"K-02 no JWS", "{}", "malformed", 400},
		{"K-02 the bare change", change.text(), "malformed", 400},
		{"K-03 no jwk", inner(header.with("jwk", nil), change), "malformed", 400},
		{"K-03 K-10 kid in place of jwk", inner(header.with("jwk", nil).with("kid", c.kid), change), "malformed", 400},
		{"K-10 kid beside jwk", inner(header.with("kid", c.kid), change), "malformed", 400},
		{"K-10 a nonce", inner(header.with("nonce", h.nonces.Issue()), change), "malformed", 400},
		{"K-04 signed by another key", inner(header.with("jwk", jwkOf(t, other.key)), change), "malformed", 400},
		{"K-05 no account", inner(header, change.with("account", nil)), "malformed", 400},
		{"K-05 no oldKey", inner(header, change.with("oldKey", nil)), "malformed", 400},
		{"K-05 an oldKey that is none", inner(header, change.with("oldKey", part{"kty": "EC"})), "malformed", 400},
		{"K-06 another url", inner(header.with("url", at("new-order")), change), "malformed", 400},
		{"K-06 no url", inner(header.with("url", nil), change), "malformed", 400},
		{"K-07 another account", inner(header, change.with("account", other.kid)), "malformed", 400},
		{"K-08 another oldKey", inner(header, change.with("oldKey", jwkOf(t, other.key))), "malformed", 400},
		{"K-13 a weak key", inner(header.with("alg", "RS256").with("jwk", part{"kty": "RSA", "n": "_w", "e": "AQAB"}), change), "badPublicKey", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.to("key-change", tt.payload).refused(t, tt.status, tt.kind)
			c.post(c.kid, "").want(t, http.StatusOK)
		})
	}
	t.Run("K-01 the account has ended", func(t *testing.T) {
		ended := h.account(t)
		payload := ended.change(newKey(t))
		ended.post(ended.kid, `{"status":"deactivated"}`).want(t, http.StatusOK)
		ended.to("key-change", payload).refused(t, http.StatusUnauthorized, "unauthorized")
	})
	t.Run("K-09 K-12 the key has an account", func(t *testing.T) {
		a := c.to("key-change", c.change(other.key))
		a.refused(t, http.StatusConflict, "malformed")
		if got := a.header.Get("Location"); got != other.kid {
			t.Errorf("Location %s, want %s", got, other.kid)
		}
	})
	t.Run("K-09 the key is the account's own", func(t *testing.T) {
		if a := c.to("key-change", c.change(c.key)); a.status != http.StatusConflict || a.header.Get("Location") != c.kid {
			t.Errorf("%d at %s", a.status, a.header.Get("Location"))
		}
	})
	t.Run("K-12 the key has an account that ended", func(t *testing.T) {
		other.post(other.kid, `{"status":"deactivated"}`).want(t, http.StatusOK)
		if a := c.to("key-change", c.change(other.key)); a.status != http.StatusConflict || a.header.Get("Location") != other.kid {
			t.Errorf("%d at %s", a.status, a.header.Get("Location"))
		}
	})
	t.Run("K-13 the key of a certificate", func(t *testing.T) {
		c.to("key-change", c.change(c.issue("a.example.com").key)).refused(t, http.StatusBadRequest, "badPublicKey")
	})
}

func TestKeyChange(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	order, o := c.order("a.example.com")
	old := *c
	next := newKey(t)
	t.Run("K-11 the new key works, the old one does not", func(t *testing.T) {
		a := c.to("key-change", c.change(next)).want(t, http.StatusOK)
		if got := read[wire.Account](t, a); got.Status != "valid" || got.Orders != c.kid+"/orders" {
			t.Errorf("%s", a.body)
		}
		c.key = next
		old.post(c.kid, "").refused(t, http.StatusBadRequest, "malformed")
		c.post(c.kid, "").want(t, http.StatusOK)
		if a := c.jwk(at("new-account"), "{}").want(t, http.StatusOK); a.header.Get("Location") != c.kid {
			t.Errorf("the new key belongs to %s", a.header.Get("Location"))
		}
	})
	t.Run("K-11 C-05 open orders survive, and are proven with the new key", func(t *testing.T) {
		c.prove(o)
		if got := read[wire.Order](t, c.post(order, "").want(t, http.StatusOK)); got.Status != "ready" {
			t.Errorf("the order is %s", got.Status)
		}
		public, err := jws.KeyFromPublic(next.Public())
		check(t, err)
		look := h.Validator.Looks()[0]
		if diff := cmp.Diff(acme.KeyAuthorization(look.Token, public), look.KeyAuthorization); diff != "" {
			t.Error(diff)
		}
	})
}

func TestParallelKeyChangeK14(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	keys := make([]crypto.Signer, 8)
	var won atomic.Int64
	var winner atomic.Pointer[crypto.Signer]
	var wait sync.WaitGroup
	for i := range keys {
		keys[i] = newKey(t)
		payload := c.change(keys[i])
		body := c.sign(jws.SignOptions{KeyID: c.kid, URL: at("key-change")}, []byte(payload))
		wait.Go(func() {
			switch a := h.post(at("key-change"), body); {
			case a.status == http.StatusOK:
				won.Add(1)
				winner.Store(&keys[i])
			case a.status == http.StatusConflict && a.header.Get("Location") == "":
			case a.status == http.StatusBadRequest && strings.Contains(string(a.body), errorTypes+"malformed"): // signed by the old key, which another change replaced
			default:
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d changes won", won.Load())
	}
	c.key = *winner.Load()
	c.post(c.kid, "").want(t, http.StatusOK)
}
