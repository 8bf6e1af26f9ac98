package acme_test

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/door/acme/nonce"
)

func TestNewNonce(t *testing.T) {
	h := newHouse(t, quick)
	for method, want := range map[string]struct {
		name   string
		status int
	}{
		http.MethodHead: {"N-01 HEAD", http.StatusOK},
		http.MethodGet:  {"N-02 GET", http.StatusNoContent},
	} {
		t.Run(want.name, func(t *testing.T) {
			a := h.send(method, at("new-nonce"), nil, nil).want(t, want.status)
			a.carriesNonce(t)
			if len(a.body) != 0 || !cmp.Equal(a.links("index"), []string{at("directory")}) {
				t.Errorf("header %v, body %q", a.header, a.body)
			}
			if n := a.header.Get("Replay-Nonce"); !regexp.MustCompile(`^[A-Za-z0-9_-]{22,}$`).MatchString(n) {
				t.Errorf("N-07: nonce %q", n)
			}
		})
	}
}

// Proves INC-64.
func TestNonces(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	wish := []byte(orderOf("a.example.com"))
	try := func(n string) answer {
		return h.post(at("new-order"), c.sign(jws.SignOptions{KeyID: c.kid, Nonce: n, URL: at("new-order")}, wish))
	}
	t.Run("N-03 a reply carries the next one", func(t *testing.T) {
		a := try(h.nonces.Issue()).want(t, http.StatusCreated)
		a.carriesNonce(t)
		try(a.header.Get("Replay-Nonce")).want(t, http.StatusCreated)
	})
	t.Run("N-03 so does the directory", func(t *testing.T) {
		try(h.get(at("directory")).header.Get("Replay-Nonce")).want(t, http.StatusCreated)
	})
	t.Run("N-04 a used one is refused, with a fresh one", func(t *testing.T) {
		n := h.nonces.Issue()
		try(n).want(t, http.StatusCreated)
		a := try(n)
		a.refused(t, http.StatusBadRequest, "badNonce")
		try(a.header.Get("Replay-Nonce")).want(t, http.StatusCreated)
	})
	t.Run("N-04 a missing one is told", func(t *testing.T) {
		header := c.header()
		delete(header, "nonce")
		d := h.post(at("new-order"), []byte(c.handmade(header.text(), string(wish)).text())).refused(t, http.StatusBadRequest, "badNonce")
		if !strings.Contains(d.Detail, "has no nonce") {
			t.Errorf("detail %q", d.Detail)
		}
	})
	t.Run("N-06 padded", func(t *testing.T) { try(h.nonces.Issue()+"=").refused(t, http.StatusBadRequest, "malformed") })
	t.Run("N-06 not base64url", func(t *testing.T) { try("!").refused(t, http.StatusBadRequest, "malformed") })
	t.Run("invented", func(t *testing.T) { try(strings.Repeat("A", 40)).refused(t, http.StatusBadRequest, "badNonce") })
	t.Run("N-09 of the time before a restart", func(t *testing.T) {
		try(nonce.New(nonce.NewIdentity(0)).Issue()).refused(t, http.StatusBadRequest, "badNonce")
	})
	t.Run("N-11 one in a request header is ignored", func(t *testing.T) {
		header := http.Header{"Content-Type": {"application/jose+json"}, "Replay-Nonce": {"!"}}
		body := c.sign(jws.SignOptions{KeyID: c.kid, URL: at("new-order")}, wish)
		h.send(http.MethodPost, at("new-order"), header, body).want(t, http.StatusCreated)
	})
}

// TestSpentN05 sends requests that are refused for another reason and then uses their nonces.
func TestSpentN05(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	wish := orderOf("a.example.com")
	tests := []struct {
		name string
		send func(n string) answer
	}{
		{"a wrong signature", func(n string) answer {
			return h.post(at("new-order"), []byte(c.handmade(c.header().with("nonce", n).text(), wish).with("signature", "AAAA").text()))
		}},
		{"a wrong url", func(n string) answer {
			return h.post(at("new-order"), []byte(c.handmade(c.header().with("nonce", n).with("url", "https://a").text(), wish).text()))
		}},
		{"an unknown algorithm", func(n string) answer {
			return h.post(at("new-order"), []byte(c.handmade(c.header().with("nonce", n).with("alg", "ES256K").text(), wish).text()))
		}},
		{"a bad key", func(n string) answer {
			return h.post(at("new-account"), []byte(c.handmade(part{"alg": "ES256", "nonce": n, "url": at("new-account"), "jwk": part{"kty": "oct"}}.text(), wish).text()))
		}},
		{"kid and jwk", func(n string) answer {
			return h.post(at("new-order"), []byte(c.handmade(c.header().with("nonce", n).with("jwk", part{}).text(), wish).text()))
		}},
		{"an unknown account", func(n string) answer {
			return h.post(at("new-order"), []byte(c.handmade(c.header().with("nonce", n).with("kid", "x").text(), wish).text()))
		}},
		{"a refused payload", func(n string) answer {
			return h.post(at("new-order"), []byte(c.handmade(c.header().with("nonce", n).text(), "{}").text()))
		}},
		{"a duplicate member", func(n string) answer {
			body := c.handmade(c.header().with("nonce", n).text(), wish).text()
			return h.post(at("new-order"), []byte(strings.Replace(body, "{", `{"payload":"e30",`, 1)))
		}},
		{"a duplicate header parameter", func(n string) answer {
			return h.post(at("new-order"), []byte(c.handmade(strings.Replace(c.header().with("nonce", n).text(), "{", `{"alg":"ES256",`, 1), wish).text()))
		}},
		{"trailing data", func(n string) answer {
			return h.post(at("new-order"), []byte(c.handmade(c.header().with("nonce", n).text(), wish).text()+"{"))
		}},
		{"the general form", func(n string) answer {
			p := c.handmade(c.header().with("nonce", n).text(), wish)
			one := part{"protected": p["protected"], "signature": p["signature"]}
			return h.post(at("new-order"), []byte(part{"payload": p["payload"], "signatures": []part{one}}.text()))
		}},
		{"a header in plain JSON", func(n string) answer {
			return h.post(at("new-order"), []byte(part{"protected": c.header().with("nonce", n), "payload": "", "signature": "AA"}.text()))
		}},
		{"a byte order mark", func(n string) answer {
			return h.post(at("new-order"), []byte("\ufeff"+c.handmade(c.header().with("nonce", n).text(), wish).text()))
		}},
		{"a wrong media type", func(n string) answer {
			body := c.handmade(c.header().with("nonce", n).text(), wish).text()
			return h.send(http.MethodPost, at("new-order"), http.Header{"Content-Type": {"application/json"}}, []byte(body))
		}},
		{"a path without resource", func(n string) answer {
			return h.post(at("nothing"), []byte(c.handmade(c.header().with("nonce", n).text(), wish).text()))
		}},
		{"a read", func(n string) answer {
			return h.post(c.kid, []byte(c.handmade(c.header().with("nonce", n).with("url", c.kid).text(), "").text()))
		}},
	}
	for _, tt := range tests {
		t.Run("N-05 "+tt.name, func(t *testing.T) {
			n := h.nonces.Issue()
			if a := tt.send(n); strings.Contains(string(a.body), "badNonce") {
				t.Fatalf("the nonce was refused at once: %s", a.body)
			}
			body := c.handmade(c.header().with("nonce", n).text(), wish).text()
			h.post(at("new-order"), []byte(body)).refused(t, http.StatusBadRequest, "badNonce")
		})
	}
}

func TestParallelNonceN08(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	body := c.sign(jws.SignOptions{KeyID: c.kid, URL: at("new-order")}, []byte(orderOf("a.example.com")))
	var created, refused atomic.Int64
	var wait sync.WaitGroup
	for range 64 {
		wait.Go(func() {
			switch a := h.post(at("new-order"), body); a.status {
			case http.StatusCreated:
				created.Add(1)
			case http.StatusBadRequest:
				refused.Add(1)
			default:
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
	wait.Wait()
	list := read[wire.Orders](t, c.post(c.kid+"/orders", ""))
	if created.Load() != 1 || refused.Load() != 63 || len(list.Orders) != 1 {
		t.Errorf("%d accepted, %d refused, %d orders", created.Load(), refused.Load(), len(list.Orders))
	}
}
