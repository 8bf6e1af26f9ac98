package acme_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

const (
	base       = "https://ca.test"
	errorTypes = "urn:ietf:params:acme:error:"
)

// at returns a URL of the default connector.
func at(path string) string { return base + "/acme/default/" + path }

// answer is what a client sees of a reply.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// document is a problem document as a client reads it.
type document struct {
	Type        string
	Detail      string
	Status      int
	Instance    string
	Identifier  *wire.Identifier
	Algorithms  []string
	Subproblems []document
	RequestID   string `json:"request_id"`
}

// read decodes the body.
func read[T any](t testing.TB, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return v
}

// want fails unless the status is as expected.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// refused fails unless the reply is an error of a status and type, with all that an error reply owes (E-01, E-03, N-03;
// RFC 9110 section 15.5.2), and names its request where people and programs see it. The document that it returns names
// none, so that two can be compared.
func (a answer) refused(t testing.TB, status int, kind string) document {
	t.Helper()
	d := read[document](t, a)
	if a.status != status || d.Type != errorTypes+kind {
		t.Fatalf("%d %s, want %d %s: %s", a.status, d.Type, status, kind, d.Detail)
	}
	if d.Status != status || d.Detail == "" || d.Identifier != nil || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("E-01 E-03: the error reply is incomplete: %v %s", a.header, a.body)
	}
	if challenges := a.header.Values("WWW-Authenticate"); (status == http.StatusUnauthorized) != slices.Equal(challenges, []string{"ACME"}) {
		t.Errorf("RFC 9110 section 15.5.2: %d with the challenges %q", status, challenges)
	}
	a.carriesNonce(t)
	id := a.header.Get("X-Request-Id")
	detail, told := strings.CutSuffix(d.Detail, " (request "+id+")")
	if id == "" || !told || d.RequestID != id {
		t.Errorf("the error reply does not name its request %q: %s", id, a.body)
	}
	d.Detail, d.RequestID = detail, ""
	return d
}

func (a answer) carriesNonce(t testing.TB) {
	t.Helper()
	if len(a.header.Values("Replay-Nonce")) != 1 || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("N-03: header %v", a.header)
	}
}

// links returns the targets of the links of a relation.
func (a answer) links(relation string) []string {
	var out []string
	for _, l := range a.header.Values("Link") {
		if target, ok := strings.CutSuffix(l, `>;rel="`+relation+`"`); ok {
			out = append(out, strings.TrimPrefix(target, "<"))
		}
	}
	return out
}

// send puts one request before the door as net/http would after it was sent to url.
func (h *house) send(method, url string, header http.Header, body []byte) answer {
	rest := strings.TrimPrefix(url, "https://")
	slash := strings.Index(rest, "/")
	return h.raw(method, rest[:slash], rest[slash:], header, body)
}

// raw sends a request for any path, also one that no URL can have.
func (h *house) raw(method, host, path string, header http.Header, body []byte) answer {
	r := httptest.NewRequest(method, "/", bytes.NewReader(body))
	r.Host, r.RequestURI = host, path
	if u, err := url.ParseRequestURI(path); err == nil {
		r.URL = u
	}
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.door.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

func (h *house) get(url string) answer { return h.send(http.MethodGet, url, nil, nil) }

// post sends a body as a JWS.
func (h *house) post(url string, body []byte) answer {
	return h.send(http.MethodPost, url, http.Header{"Content-Type": {"application/jose+json"}}, body)
}

// client is an ACME client with a key, and an account once it has asked for one.
type client struct {
	t    testing.TB
	h    *house
	key  crypto.Signer
	kid  string
	base string // of the connector
}

// client returns a client of the default connector without account.
func (h *house) client(t testing.TB) *client {
	t.Helper()
	return &client{t: t, h: h, key: newKey(t), base: at("")}
}

// account returns a client that has an account.
func (h *house) account(t testing.TB) *client {
	t.Helper()
	return h.client(t).register()
}

// of moves a client without account to another connector.
func (c *client) of(connector string) *client {
	c.base = base + "/acme/" + connector + "/"
	return c
}

func (c *client) register() *client {
	c.t.Helper()
	c.kid = c.jwk(c.base+"new-account", `{"termsOfServiceAgreed":true}`).want(c.t, http.StatusCreated).header.Get("Location")
	return c
}

// sign returns a JWS; zero fields of o are filled in as an honest client would.
func (c *client) sign(o jws.SignOptions, payload []byte) []byte {
	c.t.Helper()
	if o.Nonce == "" {
		o.Nonce = c.h.nonces.Issue()
	}
	body, err := jws.Sign(c.key, o, payload)
	check(c.t, err)
	return body
}

// post sends an object, or "" for POST-as-GET, signed by the account.
func (c *client) post(url, payload string) answer {
	c.t.Helper()
	return c.h.post(url, c.sign(jws.SignOptions{KeyID: c.kid, URL: url}, []byte(payload)))
}

// to is post below the client's connector.
func (c *client) to(path, payload string) answer {
	c.t.Helper()
	return c.post(c.base+path, payload)
}

// jwk sends an object signed by the key itself.
func (c *client) jwk(url, payload string) answer {
	c.t.Helper()
	return c.h.post(url, c.sign(jws.SignOptions{URL: url}, []byte(payload)))
}

// accepting fetches with an Accept header.
func (c *client) accepting(url, accept string) answer {
	c.t.Helper()
	return c.h.send(http.MethodPost, url, http.Header{"Content-Type": {"application/jose+json"}, "Accept": {accept}},
		c.sign(jws.SignOptions{KeyID: c.kid, URL: url}, nil))
}

// order opens an order and returns its URL with it.
func (c *client) order(names ...string) (string, wire.Order) {
	c.t.Helper()
	a := c.to("new-order", orderOf(names...)).want(c.t, http.StatusCreated)
	return a.header.Get("Location"), read[wire.Order](c.t, a)
}

// orderOf writes a newOrder request for DNS names.
func orderOf(names ...string) string {
	ids := []wire.Identifier{}
	for _, n := range names {
		ids = append(ids, wire.Identifier{Type: "dns", Value: n})
	}
	text, _ := json.Marshal(map[string]any{"identifiers": ids})
	return string(text)
}

// prove answers the first challenge of each authorization.
func (c *client) prove(o wire.Order) {
	c.t.Helper()
	for _, url := range o.Authorizations {
		a := read[wire.Authorization](c.t, c.post(url, "").want(c.t, http.StatusOK))
		c.post(a.Challenges[0].URL, "{}").want(c.t, http.StatusOK)
	}
}

// ready opens an order and proves its names.
func (c *client) ready(names ...string) (string, wire.Order) {
	c.t.Helper()
	url, o := c.order(names...)
	c.prove(o)
	o = read[wire.Order](c.t, c.post(url, "").want(c.t, http.StatusOK))
	if o.Status != "ready" {
		c.t.Fatalf("the order is %s", o.Status)
	}
	return url, o
}

// issued is a certificate with its key.
type issued struct {
	url  string
	key  crypto.Signer
	leaf *x509.Certificate
}

// issue goes all the way to a certificate.
func (c *client) issue(names ...string) issued {
	c.t.Helper()
	_, o := c.ready(names...)
	key := newKey(c.t)
	o = read[wire.Order](c.t, c.post(o.Finalize, finalizeWith(c.t, key, names...)).want(c.t, http.StatusOK))
	chain := decodePEM(c.t, c.post(o.Certificate, "").want(c.t, http.StatusOK).body)
	return issued{url: o.Certificate, key: key, leaf: chain[0]}
}

// finalizeWith writes a finalize request for DNS names.
func finalizeWith(t testing.TB, key crypto.Signer, names ...string) string {
	t.Helper()
	return finalizeFor(t, key, &x509.CertificateRequest{DNSNames: names})
}

func finalizeFor(t testing.TB, key crypto.Signer, template *x509.CertificateRequest) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	check(t, err)
	return `{"csr":"` + encode(der) + `"}`
}

// encode writes base64url.
func encode(octets []byte) string { return base64.RawURLEncoding.EncodeToString(octets) }

func decodePEM(t testing.TB, text []byte) []*x509.Certificate {
	t.Helper()
	var chain []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		check(t, err)
		chain = append(chain, certificate)
	}
	if len(chain) == 0 {
		t.Fatalf("no certificate in %q", text)
	}
	return chain
}

// revoke revokes the certificate by its own key.
func (i issued) revoke(t testing.TB, h *house, reason int) answer {
	t.Helper()
	holder := client{t: t, h: h, key: i.key}
	return holder.jwk(at("revoke-cert"), revocation(i.leaf.Raw, reason))
}

// revocation writes a revokeCert request.
func revocation(der []byte, reason int) string {
	return `{"certificate":"` + encode(der) + `","reason":` + strconv.Itoa(reason) + `}`
}
