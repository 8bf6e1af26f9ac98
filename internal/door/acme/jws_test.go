package acme_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

// part is a JSON object under construction.
type part map[string]any

func (p part) text() string {
	text, _ := json.Marshal(p)
	return string(text)
}

// with returns a copy with one member changed; a nil value removes it.
func (p part) with(name string, value any) part {
	out := part{}
	for k, v := range p {
		out[k] = v
	}
	if out[name] = value; value == nil {
		delete(out, name)
	}
	return out
}

// handmade signs whatever header and payload are given, with ES256.
func (c *client) handmade(header, payload string) part {
	c.t.Helper()
	protected, body := encode([]byte(header)), encode([]byte(payload))
	digest := sha256.Sum256([]byte(protected + "." + body))
	r, s, err := ecdsa.Sign(rand.Reader, c.key.(*ecdsa.PrivateKey), digest[:])
	check(c.t, err)
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return part{"protected": protected, "payload": body, "signature": encode(signature)}
}

// header is the protected header of an honest newOrder request of the account.
func (c *client) header() part {
	return part{"alg": "ES256", "kid": c.kid, "nonce": c.h.nonces.Issue(), "url": c.base + "new-order"}
}

func jwkOf(t testing.TB, key crypto.Signer) json.RawMessage {
	t.Helper()
	public, err := jws.KeyFromPublic(key.Public())
	check(t, err)
	return public.JWK()
}

// TestForms sends newOrder requests that are honest but for one thing.
func TestForms(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	wish := orderOf("a.example.com")
	other := h.account(t)
	tests := []struct {
		name string
		body func() string
		kind string // "" is accepted
	}{
		{"an honest request", func() string { return c.handmade(c.header().text(), wish).text() }, ""},
		{"J-01 compact form", func() string {
			p := c.handmade(c.header().text(), wish)
			return p["protected"].(string) + "." + p["payload"].(string) + "." + p["signature"].(string)
		}, "malformed"},
		{"J-01 general form", func() string {
			p := c.handmade(c.header().text(), wish)
			one := part{"protected": p["protected"], "signature": p["signature"]}
			return part{"payload": p["payload"], "signatures": []part{one}}.text()
		}, "malformed"},
		{"J-01 both forms", func() string { return c.handmade(c.header().text(), wish).with("signatures", []part{}).text() }, "malformed"},
		{"J-02 unprotected header", func() string { return c.handmade(c.header().text(), wish).with("header", part{}).text() }, "malformed"},
		{"J-03 b64", func() string { return c.handmade(c.header().with("b64", false).text(), wish).text() }, "malformed"},
		{"J-03 detached payload", func() string { return c.handmade(c.header().text(), wish).with("payload", nil).text() }, "malformed"},
		{"J-04 no alg", func() string { return c.handmade(c.header().with("alg", nil).text(), wish).text() }, "malformed"},
		{"J-04 no url", func() string { return c.handmade(c.header().with("url", nil).text(), wish).text() }, "malformed"},
		{"J-04 N-04 no nonce", func() string { return c.handmade(c.header().with("nonce", nil).text(), wish).text() }, "badNonce"},
		{"J-04 J-10 neither kid nor jwk", func() string { return c.handmade(c.header().with("kid", nil).text(), wish).text() }, "malformed"},
		{"J-05 alg none", func() string { return c.handmade(c.header().with("alg", "none").text(), wish).text() }, "badSignatureAlgorithm"},
		{"J-05 alg HS256", func() string { return c.handmade(c.header().with("alg", "HS256").text(), wish).text() }, "badSignatureAlgorithm"},
		{"J-05 alg HS512 with a symmetric key", func() string {
			return c.handmade(c.header().with("alg", "HS512").with("kid", nil).with("jwk", part{"kty": "oct", "k": "AAAA"}).text(), wish).text()
		}, "badSignatureAlgorithm"},
		{"J-08 alg RS512", func() string { return c.handmade(c.header().with("alg", "RS512").text(), wish).text() }, "badSignatureAlgorithm"},
		{"J-10 both kid and jwk", func() string { return c.handmade(c.header().with("jwk", jwkOf(t, c.key)).text(), wish).text() }, "malformed"},
		{"J-11 jwk where an account must sign", func() string {
			return c.handmade(c.header().with("kid", nil).with("jwk", jwkOf(t, c.key)).text(), wish).text()
		}, "malformed"},
		{"J-13 wrong signature", func() string {
			return c.handmade(c.header().text(), wish).with("signature", encode(make([]byte, 64))).text()
		}, "malformed"},
		{"J-13 payload changed", func() string {
			return c.handmade(c.header().text(), wish).with("payload", encode([]byte(orderOf("b.example.com")))).text()
		}, "malformed"},
		{"J-13 the signature of another account", func() string { return other.handmade(c.header().text(), wish).text() }, "malformed"},
		{"J-15 crit", func() string { return c.handmade(c.header().with("crit", []string{"exp"}).text(), wish).text() }, "malformed"},
		{"J-15 jku is ignored", func() string { return c.handmade(c.header().with("jku", "https://127.0.0.1/keys").text(), wish).text() }, ""},
		{"J-16 the algorithm of another key", func() string { return c.handmade(c.header().with("alg", "RS256").text(), wish).text() }, "malformed"},
		{"J-17 signature in DER", func() string {
			return c.handmade(c.header().text(), wish).with("signature", encode([]byte{0x30, 6, 2, 1, 1, 2, 1, 1})).text()
		}, "malformed"},
		{"B-01 padded protected", func() string {
			p := c.handmade(c.header().text(), wish)
			return p.with("protected", p["protected"].(string)+"=").text()
		}, "malformed"},
		{"B-02 payload in the standard alphabet", func() string { return c.handmade(c.header().text(), wish).with("payload", "+/+/").text() }, "malformed"},
		{"B-04 line break in the payload", func() string {
			p := c.handmade(c.header().text(), wish)
			return p.with("payload", p["payload"].(string)[:4]+"\n"+p["payload"].(string)[4:]).text()
		}, "malformed"},
		{"B-05 the same member twice", func() string {
			return strings.Replace(c.handmade(c.header().text(), wish).text(), `{`, `{"payload":"e30",`, 1)
		}, "malformed"},
		{"B-05 the same header parameter twice", func() string {
			return c.handmade(strings.Replace(c.header().text(), `{`, `{"alg":"none",`, 1), wish).text()
		}, "malformed"},
		{"B-05 a case variant is another member", func() string {
			return c.handmade(c.header().with("kid", nil).with("KID", c.kid).text(), wish).text()
		}, "malformed"},
		{"B-06 trailing data", func() string { return c.handmade(c.header().text(), wish).text() + "{}" }, "malformed"},
		{"B-06 a payload nested too deep", func() string {
			return c.handmade(c.header().text(), `{"identifiers":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+"}").text()
		}, "malformed"},
		{"B-06 a body nested too deep", func() string { return strings.Repeat(`{"a":`, 10_000) }, "malformed"},
		{"B-06 many members", func() string {
			return c.handmade(c.header().text(), `{"a":[`+strings.Repeat("1,", 5000)+"1]}").text()
		}, "malformed"},
		{"a payload that is no UTF-8", func() string { return c.handmade(c.header().text(), "{\"profile\":\"\xff\"}").text() }, "malformed"},
		{"B-07 unknown members are ignored", func() string {
			return c.handmade(c.header().text(), strings.Replace(wish, "{", `{"expires":"x","authorizations":null,"finalize":"","status":"valid",`, 1)).text()
		}, ""},
		{"nothing", func() string { return "" }, "malformed"},
		{"a megabyte of dots", func() string { return strings.Repeat(".", 60_000) }, "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := h.post(at("new-order"), []byte(tt.body()))
			if tt.kind == "" {
				a.want(t, http.StatusCreated)
				return
			}
			d := a.refused(t, http.StatusBadRequest, tt.kind)
			if want := []string{"ES256", "ES384", "ES512", "RS256", "EdDSA"}; tt.kind == "badSignatureAlgorithm" && !cmp.Equal(want, d.Algorithms) {
				t.Errorf("J-08: algorithms %v", d.Algorithms)
			}
		})
	}
	t.Run("nothing was left behind", func(t *testing.T) {
		if list := read[wire.Orders](t, c.post(c.kid+"/orders", "")); len(list.Orders) != 3 {
			t.Errorf("%d orders, want the 3 of the accepted requests", len(list.Orders))
		}
	})
}

// TestSignaturesTellNothingOfTheKey: who cannot sign for an account learns nothing about its key (J-13, J-16).
func TestSignaturesTellNothingOfTheKey(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	details := map[string]bool{}
	for _, algorithm := range jws.Algorithms() {
		for _, size := range []int{8, 64, 96, 132, 256} {
			body := c.handmade(c.header().with("alg", algorithm).text(), orderOf("a.example.com")).with("signature", encode(make([]byte, size)))
			details[h.post(at("new-order"), []byte(body.text())).refused(t, http.StatusBadRequest, "malformed").Detail] = true
		}
	}
	if len(details) != 1 {
		t.Errorf("%v", details)
	}
}

func TestAlgorithms(t *testing.T) {
	h := newHouse(t, quick)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	check(t, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	for name, key := range map[string]crypto.Signer{
		"J-06 ES256": newKey(t), "J-07 EdDSA": edwards, "ES384": p384, "ES512": p521, "RS256": rsaKey,
	} {
		t.Run(name, func(t *testing.T) {
			c := h.client(t)
			c.key = key
			c.register().order("a.example.com")
		})
	}
}

// TestForgedKeys names a key in the header and signs with another.
func TestForgedKeys(t *testing.T) {
	h := newHouse(t, quick)
	certificate := h.account(t).issue("a.example.com")
	forger := h.client(t)
	forged := func(path string, key crypto.Signer, payload string) answer {
		header := part{"alg": "ES256", "jwk": jwkOf(t, key), "nonce": h.nonces.Issue(), "url": at(path)}
		return h.post(at(path), []byte(forger.handmade(header.text(), payload).text()))
	}
	t.Run("J-13 newAccount", func(t *testing.T) {
		victim := h.client(t)
		forged("new-account", victim.key, "{}").refused(t, http.StatusBadRequest, "malformed")
		victim.jwk(at("new-account"), `{"onlyReturnExisting":true}`).refused(t, http.StatusBadRequest, "accountDoesNotExist")
	})
	t.Run("J-13 V-01 revokeCert by the key of the certificate", func(t *testing.T) {
		forged("revoke-cert", certificate.key, revocation(certificate.leaf.Raw, 1)).refused(t, http.StatusBadRequest, "malformed")
		certificate.revoke(t, h, 0).want(t, http.StatusOK)
	})
}

// TestKeys sends newAccount requests with keys that are understood and not accepted.
// Proves INC-99.
func TestKeys(t *testing.T) {
	h := newHouse(t, quick)
	c := h.client(t)
	good := part{}
	check(t, json.Unmarshal(jwkOf(t, c.key), &good))
	ones := strings.Repeat("_", 342) // 2048 bits
	tests := []struct {
		name, alg string
		jwk       part
		kind      string
	}{
		{"J-09 RSA of 1024 bits", "RS256", part{"kty": "RSA", "n": strings.Repeat("_", 170) + "8", "e": "AQAB"}, "badPublicKey"},
		{"J-09 RSA of 2052 bits", "RS256", part{"kty": "RSA", "n": "D_" + ones[:340] + "8", "e": "AQAB"}, "badPublicKey"},
		{"J-09 ES256 with a P-384 key", "ES256", part{"kty": "EC", "crv": "P-384", "x": good["x"], "y": good["y"]}, "badPublicKey"},
		{"J-09 RS256 with a P-256 key", "RS256", good, "badPublicKey"},
		{"J-09 Ed448", "EdDSA", part{"kty": "OKP", "crv": "Ed448", "x": "AAAA"}, "badPublicKey"},
		{"J-09 a point off the curve", "ES256", good.with("y", good["x"]), "badPublicKey"},
		{"J-09 secp256k1", "ES256", good.with("crv", "secp256k1"), "badPublicKey"},
		{"J-05 a symmetric key", "ES256", part{"kty": "oct", "k": "AAAA"}, "badPublicKey"},
		{"a private key", "ES256", good.with("d", good["x"]), "badPublicKey"},
		{"B-01 a padded coordinate", "ES256", good.with("x", good["x"].(string)+"="), "malformed"},
		{"no coordinate", "ES256", good.with("y", nil), "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := part{"alg": tt.alg, "jwk": tt.jwk, "nonce": h.nonces.Issue(), "url": at("new-account")}
			h.post(at("new-account"), []byte(c.handmade(header.text(), "{}").text())).refused(t, http.StatusBadRequest, tt.kind)
		})
	}
}

func TestKid(t *testing.T) {
	h := newHouse(t, quick)
	h.connect(t, "second", nil)
	c := h.account(t)
	stranger := h.client(t).of("second").register()
	id := strings.TrimPrefix(c.kid, at("account/"))
	foreign := strings.TrimPrefix(stranger.kid, base+"/acme/second/account/")
	tests := []struct{ name, kid, kind string }{
		{"relative", "/acme/default/account/" + id, "accountDoesNotExist"},
		{"another host", "https://other.test/acme/default/account/" + id, "accountDoesNotExist"},
		{"http", strings.Replace(c.kid, "https", "http", 1), "accountDoesNotExist"},
		{"trailing slash", c.kid + "/", "accountDoesNotExist"},
		{"query", c.kid + "?a", "accountDoesNotExist"},
		{"default port", strings.Replace(c.kid, "ca.test", "ca.test:443", 1), "accountDoesNotExist"},
		{"percent-encoded", strings.Replace(c.kid, "account", "%61ccount", 1), "accountDoesNotExist"},
		{"capitals", strings.Replace(c.kid, id, strings.ToUpper(id), 1), "accountDoesNotExist"},
		{"the id alone", id, "accountDoesNotExist"},
		{"an unknown account", at("account/") + strings.Repeat("a", len(id)), "accountDoesNotExist"},
		{"a prefix of the id", c.kid[:len(c.kid)-1], "accountDoesNotExist"},
		{"an account of another connector", stranger.kid, "accountDoesNotExist"},
		{"the id of another connector's account", at("account/") + foreign, "accountDoesNotExist"},
	}
	for _, tt := range tests {
		t.Run("J-12 "+tt.name, func(t *testing.T) {
			signer := *c
			if strings.Contains(tt.name, "other connector") {
				signer.key = stranger.key
			}
			signer.kid = tt.kid
			signer.to("new-order", orderOf("a.example.com")).refused(t, http.StatusBadRequest, tt.kind)
		})
	}
	t.Run("J-12 another account's URL", func(t *testing.T) {
		signer := *c
		signer.kid = h.account(t).kid
		signer.to("new-order", orderOf("a.example.com")).refused(t, http.StatusBadRequest, "malformed")
	})
	t.Run("J-11 newAccount with kid", func(t *testing.T) {
		c.to("new-account", "{}").refused(t, http.StatusBadRequest, "malformed")
	})
}

func TestURL(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	tests := []struct{ name, signed, sent string }{
		{"another path", at("new-authz"), at("new-order")},
		{"another host", "https://other.test/acme/default/new-order", at("new-order")},
		{"http", "http://ca.test/acme/default/new-order", at("new-order")},
		{"default port", "https://ca.test:443/acme/default/new-order", at("new-order")},
		{"host in capitals", "https://CA.test/acme/default/new-order", at("new-order")},
		{"query in the signature", at("new-order?a"), at("new-order")},
		{"query in the request", at("new-order"), at("new-order?a")},
		{"percent-encoding in the signature", at("new%2Dorder"), at("new-order")},
		{"trailing slash", at("new-order/"), at("new-order")},
		{"relative", "/acme/default/new-order", at("new-order")},
	}
	for _, tt := range tests {
		t.Run("J-14 "+tt.name, func(t *testing.T) {
			body := c.sign(jws.SignOptions{KeyID: c.kid, URL: tt.signed}, []byte(orderOf("a.example.com")))
			h.post(tt.sent, body).refused(t, http.StatusForbidden, "unauthorized")
		})
	}
	t.Run("J-14 X-Forwarded-* is not read", func(t *testing.T) {
		body := c.sign(jws.SignOptions{KeyID: c.kid, URL: at("new-order")}, []byte(orderOf("a.example.com")))
		h.send(http.MethodPost, at("new-order"), http.Header{
			"Content-Type": {"application/jose+json"}, "X-Forwarded-Host": {"other.test"}, "X-Forwarded-Proto": {"http"}, "Forwarded": {"host=other.test"},
		}, body).want(t, http.StatusCreated)
	})
	t.Run("nothing was left behind", func(t *testing.T) {
		if list := read[wire.Orders](t, c.post(c.kid+"/orders", "")); len(list.Orders) != 1 {
			t.Errorf("%d orders", len(list.Orders))
		}
	})
}
