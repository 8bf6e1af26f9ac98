package acme_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

// posted are the resources that only POST reaches, with a path of each.
var posted = []string{
	"new-account", "new-order", "new-authz", "revoke-cert", "key-change", "account/x", "account/x/orders", "order/x",
	"order/x/finalize", "authz/x", "challenge/x/http-01", "certificate/x", "certificate/x/1", "certificate/x/0/issuer/1",
}

func TestMediaTypes(t *testing.T) {
	h := newHouse(t, quick)
	c := h.client(t)
	try := func(types ...string) answer {
		body := c.sign(jws.SignOptions{URL: at("new-account")}, []byte("{}"))
		return h.send(http.MethodPost, at("new-account"), http.Header{"Content-Type": types}, body)
	}
	for _, media := range []string{"", "application/json", "application/jose", "text/plain", "application/jose+json, application/json", "/"} {
		t.Run("T-01 Content-Type "+media, func(t *testing.T) {
			try(media).refused(t, http.StatusUnsupportedMediaType, "malformed")
		})
	}
	t.Run("T-01 without Content-Type", func(t *testing.T) { try().refused(t, http.StatusUnsupportedMediaType, "malformed") })
	t.Run("T-01 with two", func(t *testing.T) {
		try("application/jose+json", "application/json").refused(t, http.StatusUnsupportedMediaType, "malformed")
	})
	t.Run("T-02 with a parameter", func(t *testing.T) { try("application/jose+json; charset=utf-8").want(t, http.StatusCreated) })
	t.Run("T-02 in capitals", func(t *testing.T) { try("Application/JOSE+JSON").want(t, http.StatusOK) })
}

// Proves INC-105.
func TestMethods(t *testing.T) {
	h := newHouse(t, quick)
	for _, path := range posted {
		t.Run("T-03 GET "+path, func(t *testing.T) {
			a := h.get(at(path))
			a.refused(t, http.StatusMethodNotAllowed, "malformed")
			if got := a.header.Get("Allow"); got != "POST, OPTIONS" {
				t.Errorf("T-06: Allow %q", got)
			}
		})
	}
	for _, path := range append([]string{"directory", "new-nonce"}, posted...) {
		t.Run("T-03 PUT "+path, func(t *testing.T) {
			h.send(http.MethodPut, at(path), nil, nil).refused(t, http.StatusMethodNotAllowed, "malformed")
		})
	}
	c := h.account(t)
	t.Run("T-04 POST-as-GET directory", func(t *testing.T) {
		if d := read[wire.Directory](t, c.to("directory", "").want(t, http.StatusOK)); d.NewNonce != at("new-nonce") {
			t.Errorf("directory %+v", d)
		}
	})
	t.Run("T-04 POST-as-GET new-nonce", func(t *testing.T) { c.to("new-nonce", "").want(t, http.StatusNoContent).carriesNonce(t) })
	t.Run("T-04 a POST with content", func(t *testing.T) { c.to("directory", "{}").refused(t, http.StatusBadRequest, "malformed") })
	t.Run("T-04 a POST without signature", func(t *testing.T) {
		h.post(at("directory"), []byte("{}")).refused(t, http.StatusBadRequest, "malformed")
	})
}

func TestReading(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	order, o := c.order("a.example.com")
	for name, target := range map[string]string{"an order": order, "the orders list": c.kid + "/orders"} {
		t.Run("T-05 payload {} is no POST-as-GET of "+name, func(t *testing.T) {
			c.post(target, "{}").refused(t, http.StatusBadRequest, "malformed")
			c.post(target, "").want(t, http.StatusOK)
		})
	}
	t.Run("T-05 payload absent", func(t *testing.T) {
		body := c.sign(jws.SignOptions{KeyID: c.kid, URL: order}, nil)
		h.post(order, []byte(strings.Replace(string(body), `"payload":"",`, "", 1))).refused(t, http.StatusBadRequest, "malformed")
	})
	for name, target := range map[string]string{
		"newOrder": at("new-order"), "newAuthz": at("new-authz"), "revokeCert": at("revoke-cert"), "keyChange": at("key-change"), "finalize": o.Finalize,
	} {
		t.Run("T-05 nothing to read at "+name, func(t *testing.T) {
			c.post(target, "").refused(t, http.StatusBadRequest, "malformed")
		})
	}
	t.Run("T-05 POST-as-GET is authenticated", func(t *testing.T) {
		stranger := *c
		stranger.key = newKey(t)
		stranger.post(order, "").refused(t, http.StatusBadRequest, "malformed")
	})
}

func TestCORS(t *testing.T) {
	h := newHouse(t, quick)
	for name, a := range map[string]answer{
		"a reply": h.get(at("directory")), "a nonce": h.get(at("new-nonce")), "an error": h.get(at("new-order")),
	} {
		t.Run("T-07 "+name, func(t *testing.T) {
			if a.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("header %v", a.header)
			}
			exposed := strings.Split(a.header.Get("Access-Control-Expose-Headers"), ", ")
			if diff := cmp.Diff([]string{"Link", "Location", "Replay-Nonce", "Retry-After", "X-Request-Id"}, exposed); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("T-07 preflight", func(t *testing.T) {
		a := h.send(http.MethodOptions, at("new-order"), nil, nil).want(t, http.StatusNoContent)
		if a.header.Get("Access-Control-Allow-Methods") != "POST, OPTIONS" || a.header.Get("Access-Control-Allow-Headers") != "Content-Type" {
			t.Errorf("header %v", a.header)
		}
	})
	t.Run("T-08 Content-Language", func(t *testing.T) {
		if got := h.get(at("new-order")).header.Get("Content-Language"); got != "en" {
			t.Errorf("Content-Language %q", got)
		}
	})
}

func TestBodies(t *testing.T) {
	h := newHouse(t, quick)
	c := h.client(t)
	t.Run("T-10 64 KiB and one octet", func(t *testing.T) {
		h.post(at("new-account"), []byte(strings.Repeat(" ", jws.MaxBody+1))).refused(t, http.StatusRequestEntityTooLarge, "malformed")
	})
	t.Run("T-10 64 KiB", func(t *testing.T) {
		body := c.sign(jws.SignOptions{URL: at("new-account")}, []byte("{}"))
		body = append(body, strings.Repeat(" ", jws.MaxBody-len(body))...)
		h.post(at("new-account"), body).want(t, http.StatusCreated)
	})
}

func TestDirectory(t *testing.T) {
	h := newHouse(t, quick)
	h.connect(t, "strict", func(r *policy.Rules) {
		r.PreAuthorize, r.ExternalBinding = false, true
		r.TermsOfService, r.Website, r.CAAIdentities = "https://ca.test/terms", "https://www.ca.test", []string{"ca.test"}
		r.Profiles = []string{"default", "shortlived"}
	})
	strict := func(path string) string { return base + "/acme/strict/" + path }
	tests := []struct {
		name, url string
		want      wire.Directory
	}{
		{"D-03 AR-01 all resources", at("directory"), wire.Directory{
			NewNonce: at("new-nonce"), NewAccount: at("new-account"), NewOrder: at("new-order"), NewAuthz: at("new-authz"),
			RevokeCert: at("revoke-cert"), KeyChange: at("key-change"), RenewalInfo: at("renewal-info"),
			Meta: wire.Meta{Profiles: map[string]string{"default": "Server certificates for 90 days", "shortlived": "Server certificates for 160 hours, without revocation"}},
		}},
		{"D-04 EAB-01 PR-01 meta, and D-03 without newAuthz", strict("directory"), wire.Directory{
			NewNonce: strict("new-nonce"), NewAccount: strict("new-account"), NewOrder: strict("new-order"),
			RevokeCert: strict("revoke-cert"), KeyChange: strict("key-change"), RenewalInfo: strict("renewal-info"),
			Meta: wire.Meta{
				TermsOfService: "https://ca.test/terms", Website: "https://www.ca.test", ExternalAccountRequired: true,
				CAAIdentities: []string{"ca.test"},
				Profiles:      map[string]string{"default": "Server certificates for 90 days", "shortlived": "Server certificates for 160 hours, without revocation"},
			},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := h.get(tt.url).want(t, http.StatusOK)
			if diff := cmp.Diff(tt.want, read[wire.Directory](t, a)); diff != "" {
				t.Error(diff)
			}
			if a.header.Get("Content-Type") != "application/json" || len(a.links("index")) != 0 {
				t.Errorf("T-04 D-01: header %v", a.header)
			}
		})
	}
	t.Run("D-03 newAuthz is not there when it is not offered", func(t *testing.T) {
		if strings.Contains(string(h.get(strict("directory")).body), "newAuthz") {
			t.Error("it is")
		}
		c := h.client(t).of("strict")
		c.jwk(strict("new-account"), "{}").refused(t, http.StatusForbidden, "userActionRequired")
	})
	for _, path := range append([]string{"new-nonce", "nothing"}, posted...) {
		t.Run("D-01 link to the directory at "+path, func(t *testing.T) {
			if diff := cmp.Diff([]string{at("directory")}, h.get(at(path)).links("index")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Proves INC-58, INC-59.
func TestUnknownPaths(t *testing.T) {
	h := newHouse(t, quick)
	for _, path := range []string{
		"/", "/acme", "/acme/", "/acme/default", "/acme/default/", "/acme/default/directory/", "/acme/default//directory",
		"/acme/Default/directory", "/acme/other/directory", "/acme/../acme/default/directory", "/acme/default/%64irectory",
		"/acme/default/order/", "/acme/default/order/x/y", "/acme/default/account/x/orders/y", "/acme//directory",
	} {
		t.Run("GET "+path, func(t *testing.T) { h.get(base+path).refused(t, http.StatusNotFound, "malformed") })
		t.Run("N-03 POST "+path, func(t *testing.T) { h.post(base+path, nil).refused(t, http.StatusNotFound, "malformed") })
	}
	for path, told := range map[string]string{
		"/": "nothing at this URL", "/acme": "nothing at this URL", "/acme/default/order/x/y": "nothing at this URL",
		"/acme/other/directory": "no ACME connector of this name", "/acme//directory": "no ACME connector of this name",
	} {
		if d := h.get(base+path).refused(t, http.StatusNotFound, "malformed"); !strings.Contains(d.Detail, told) {
			t.Errorf("%s: %q, want %q", path, d.Detail, told)
		}
	}
}

// Proves INC-55.
func TestHosts(t *testing.T) {
	h := newHouse(t, quick)
	for host, want := range map[string]string{
		"ca.test": "https://ca.test", "CA.test:8443": "https://CA.test:8443", "[::1]:14000": "https://[::1]:14000", "[0:0::1]": "https://[0:0::1]",
	} {
		t.Run("the base follows the host "+host, func(t *testing.T) {
			d := read[wire.Directory](t, h.get("https://"+host+"/acme/default/directory").want(t, http.StatusOK))
			if d.NewOrder != want+"/acme/default/new-order" {
				t.Errorf("newOrder is %s", d.NewOrder)
			}
		})
	}
	for _, host := range []string{"evil.test", "ca.test.", "ca.test.evil.test", "192.0.2.1:443", "[::2]"} {
		t.Run("not under the host "+host, func(t *testing.T) {
			a := h.get("https://" + host + "/acme/default/directory")
			a.refused(t, http.StatusMisdirectedRequest, "malformed")
			if strings.Contains(string(a.body), "evil") {
				t.Errorf("the reply repeats the host: %s", a.body)
			}
		})
	}
	t.Run("J-14 an account belongs to its base", func(t *testing.T) {
		c := h.account(t)
		other := "https://ca.test:8443/acme/default/new-order"
		body := c.sign(jws.SignOptions{KeyID: c.kid, URL: other}, []byte(orderOf("a.example.com")))
		h.post(other, body).refused(t, http.StatusBadRequest, "accountDoesNotExist")
	})
	t.Run("the Host has no say in the path", func(t *testing.T) {
		r := url.URL{Scheme: "https", Host: "ca.test:99999", Path: "/acme/default/directory"}
		h.get(r.String()).refused(t, http.StatusMisdirectedRequest, "malformed")
	})
}
