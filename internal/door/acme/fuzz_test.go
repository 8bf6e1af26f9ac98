package acme_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/jws"
)

// How FuzzDoor uses its octets.
const (
	asBody      = iota // as the whole body
	asHeader           // as the protected header of a JWS that is signed over it
	asPayload          // as the payload of an account's request
	asKeyed            // as the payload of a request that its key signs
	asPath             // as a path
	asMediaType        // as Content-Type and Accept
	ways
)

// FuzzDoor sends arbitrary requests to every resource: the reply is never the fault of the server, and every refusal is
// a whole problem document.
func FuzzDoor(f *testing.F) {
	h := newHouse(f, quick)
	owner := h.account(f)
	_, o := owner.order("a.example.com")
	targets := make([]string, 0, len(posted)+3)
	for _, p := range append([]string{"directory", "new-nonce"}, posted...) {
		targets = append(targets, at(p))
	}
	targets = append(targets, at("renewal-info/"+owner.issue("b.example.com").renewalID()), o.Finalize, o.Authorizations[0], o.Authorizations[0]+"/http-01", owner.kid)
	for _, seed := range []string{
		`{}`, `{"identifiers":[{"type":"dns","value":"a.example.com"}],"notAfter":"2027-01-01T00:00:00Z"}`, `{"status":"deactivated"}`,
		`{"csr":"MIIB"}`, `{"certificate":"MIIB","reason":1}`, `{"contact":["mailto:a@example.com"],"externalAccountBinding":{"protected":"e30","payload":"e30","signature":"AA"}}`,
		`{"protected":"e30","payload":"","signature":"AA"}`, `{"account":"x","oldKey":{"kty":"EC"}}`, owner.header().text(), "/acme/default/order/x?cursor=%ff",
		"application/jose+json; q=0", owner.change(newKey(f)),
	} {
		for way := range ways {
			f.Add(uint8(way), uint8(3), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, way, target uint8, octets []byte) {
		if len(octets) > jws.MaxBody {
			return
		}
		c := *owner
		c.t = t
		url := targets[int(target)%len(targets)]
		a := c.fuzzed(int(way)%ways, url, octets)
		if a.status >= http.StatusInternalServerError {
			t.Fatalf("%d: %s", a.status, a.body)
		}
		if a.status >= http.StatusBadRequest {
			d := read[document](t, a)
			a.refused(t, a.status, strings.TrimPrefix(d.Type, errorTypes))
		}
		if a.status == http.StatusUnauthorized {
			*owner = *h.account(t)
		}
	})
}

// fuzzed sends octets in one of the ways.
func (c *client) fuzzed(way int, url string, octets []byte) answer {
	c.t.Helper()
	switch way {
	case asBody:
		return c.h.post(url, octets)
	case asHeader:
		return c.h.post(url, []byte(c.handmade(string(octets), "{}").text()))
	case asPayload:
		return c.post(url, string(octets))
	case asKeyed:
		return c.jwk(url, string(octets))
	case asPath:
		return c.h.raw(http.MethodPost, "ca.test", string(octets), http.Header{"Content-Type": {"application/jose+json"}}, nil)
	default:
		header := http.Header{"Content-Type": {string(octets)}, "Accept": {string(octets)}}
		return c.h.send(http.MethodPost, url, header, c.sign(jws.SignOptions{KeyID: c.kid, URL: url}, nil))
	}
}
