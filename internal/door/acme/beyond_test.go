package acme_test

import (
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	door "github.com/everleaf-pki/everleaf/internal/door/acme"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// newKnownHouse opens an installation whose server has an external URL.
func newKnownHouse(t *testing.T) *house {
	t.Helper()
	h := newHouse(t, quick)
	options := h.Options(quick)
	options.AccountURL = func(c policy.Connector, account string) string { return door.AccountURL(base, c, account) }
	engines := h.Engines()
	h.service = h.Issue(t, engines, options)
	var err error
	h.door, err = door.New(h.service, door.Options{Web: web.Options{Log: slog.New(slog.DiscardHandler)}, Nonces: h.nonces, ExternalURL: base})
	check(t, err)
	return h
}

// everyMethod offers all challenges, dns-persist-01 in one form.
func everyMethod(d persist.Draft) func(*policy.Rules) {
	return func(r *policy.Rules) {
		r.Methods = acme.Methods()
		r.Persist = policy.Persist{Draft: d, Issuers: []string{"ca.example", "ca.test"}}
	}
}

// TestPersistChallenge: what each form of the draft shows, after all challenges with a token, the same at every read.
// Proves DP-02.
func TestPersistChallenge(t *testing.T) {
	for _, draft := range persist.Drafts() {
		t.Run(string(draft), func(t *testing.T) {
			h := newKnownHouse(t)
			h.rules(t, "default", everyMethod(draft))
			c := h.account(t)
			_, o := c.order("a.example.com")
			reply := c.post(o.Authorizations[0], "").want(t, http.StatusOK)
			a := read[wire.Authorization](t, reply)
			if got := types(a); !slices.Equal(got, []string{"http-01", "dns-01", "tls-alpn-01", "dns-account-01", "dns-persist-01"}) {
				t.Fatalf("challenges %v", got)
			}
			if again := c.post(o.Authorizations[0], "").want(t, http.StatusOK); string(again.body) != string(reply.body) {
				t.Errorf("read again it is %s, not %s", again.body, reply.body)
			}
			got := a.Challenges[4]
			want := wire.Challenge{Type: acme.DNSPersist01, URL: got.URL, Status: acme.Pending}
			names := []string{"ca.example", "ca.test"}
			if draft == persist.Draft01 {
				want.AccountURI, want.IssuerNames = c.kid, names
			} else {
				want.IssuerDomainNames = names
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if strings.Count(string(reply.body), `"token"`) != 4 {
				t.Errorf("tokens in %s", reply.body)
			}
			meta := read[wire.Directory](t, h.get(at("directory")).want(t, http.StatusOK)).Meta
			prefix, issuers := at("account/"), names
			if draft == persist.Draft01 {
				prefix, issuers = "", nil
			}
			if meta.AccountHashPrefix != prefix || !slices.Equal(meta.IssuerDomainNames, issuers) {
				t.Errorf("directory %+v", meta)
			}
		})
	}
}

// TestNoExternalURL: nothing that names the account is on offer, nor told of.
func TestNoExternalURL(t *testing.T) {
	h := newHouse(t, quick)
	h.rules(t, "default", everyMethod(persist.Draft02))
	c := h.account(t)
	_, o := c.order("a.example.com")
	if got := types(read[wire.Authorization](t, c.post(o.Authorizations[0], ""))); !slices.Equal(got, []string{"http-01", "dns-01", "tls-alpn-01"}) {
		t.Errorf("challenges %v", got)
	}
	if meta := read[wire.Directory](t, h.get(at("directory"))).Meta; meta.AccountHashPrefix != "" || meta.IssuerDomainNames != nil {
		t.Errorf("directory %+v", meta)
	}
}

// TestSubdomains goes the way of RFC 9444 section 5: a name is proven once, and orders for names below it are ready.
// Proves SD-01, SD-02, SD-05.
func TestSubdomains(t *testing.T) {
	const advance = `{"identifier":{"type":"dns","value":"example.org","subdomainAuthAllowed":true}}`
	h := newHouse(t, quick)
	c := h.account(t)
	plain := c.to("new-authz", advance).want(t, http.StatusCreated)
	if meta := read[wire.Directory](t, h.get(at("directory"))).Meta; meta.SubdomainAuthAllowed || strings.Contains(string(plain.body), "subdomainAuthAllowed") {
		t.Errorf("SD-01: it is told of without a rule: %+v %s", meta, plain.body)
	}
	h.rules(t, "default", func(r *policy.Rules) { r.Subdomains = policy.NamesBelow })
	if meta := read[wire.Directory](t, h.get(at("directory"))).Meta; !meta.SubdomainAuthAllowed {
		t.Error("SD-01: the directory does not tell")
	}
	made := c.to("new-authz", advance).want(t, http.StatusCreated)
	a := read[wire.Authorization](t, made)
	if !a.SubdomainAuthAllowed || !slices.Equal(types(a), []string{"dns-01"}) {
		t.Errorf("SD-04: %s", made.body)
	}
	c.post(a.Challenges[0].URL, "{}").want(t, http.StatusOK)
	_, o := c.order("x.y.example.org")
	if o.Status != acme.Ready || !slices.Equal(o.Authorizations, []string{made.header.Get("Location")}) {
		t.Errorf("SD-05: %+v", o)
	}
	_, bad := c.order("badexample.org")
	if bad.Status != acme.Pending {
		t.Errorf("SD-03: %+v", bad)
	}
	reply := c.to("new-order", `{"identifiers":[{"type":"dns","value":"a.example.net","ancestorDomain":"example.net"}]}`).want(t, http.StatusCreated)
	b := read[wire.Authorization](t, c.post(read[wire.Order](t, reply).Authorizations[0], ""))
	if !b.SubdomainAuthAllowed || b.Identifier.Value != "example.net" || strings.Contains(string(reply.body), "ancestorDomain") {
		t.Errorf("SD-02: %+v %s", b, reply.body)
	}
	c.to("new-order", `{"identifiers":[{"type":"dns","value":"badexample.net","ancestorDomain":"example.net"}]}`).refused(t, http.StatusBadRequest, "malformed")
}
