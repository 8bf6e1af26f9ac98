package acme_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

func TestNewOrder(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	t.Run("O-01 PR-02", func(t *testing.T) {
		a := c.to("new-order", orderOf("b.example.com", "A.example.com", "a.example.com")).want(t, http.StatusCreated)
		got := read[wire.Order](t, a)
		place := a.header.Get("Location")
		want := wire.Order{
			Status: "pending", Expires: wire.Time(h.Clock.Now().Add(24 * time.Hour)), Profile: "default", Finalize: place + "/finalize",
			Identifiers:    []wire.Identifier{{Type: "dns", Value: "a.example.com"}, {Type: "dns", Value: "b.example.com"}}, // O-06
			Authorizations: got.Authorizations,
		}
		if diff := cmp.Diff(want, got, cmp.Transformer("time", func(t wire.Time) time.Time { return time.Time(t) })); diff != "" {
			t.Error(diff)
		}
		if !strings.HasPrefix(place, at("order/")) || len(got.Authorizations) != 2 {
			t.Errorf("at %s: %s", place, a.body)
		}
		again := c.post(place, "").want(t, http.StatusOK)
		if diff := cmp.Diff(string(a.body), string(again.body)); diff != "" {
			t.Errorf("O-04: it reads differently: %s", diff)
		}
	})
	t.Run("PR-01 a profile", func(t *testing.T) {
		h.rules(t, "default", func(r *policy.Rules) { r.Profiles = []string{"default", "shortlived"} })
		a := c.to("new-order", `{"identifiers":[{"type":"dns","value":"a.example.com"}],"profile":"shortlived"}`).want(t, http.StatusCreated)
		if got := read[wire.Order](t, a); got.Profile != "shortlived" {
			t.Errorf("profile %q", got.Profile)
		}
	})
}

func TestNewOrderRefusals(t *testing.T) {
	h := newHouse(t, quick)
	h.rules(t, "default", func(r *policy.Rules) { r.Names = []string{".example.com"} })
	c := h.account(t)
	ip := func(v string) string { return `{"identifiers":[{"type":"ip","value":"` + v + `"}]}` }
	tests := []struct {
		name, payload, kind string
		status              int
	}{
		{"O-02 no identifiers", `{}`, "malformed", 400},
		{"O-02 empty identifiers", `{"identifiers":[]}`, "malformed", 400},
		{"O-02 an unknown type", `{"identifiers":[{"type":"email","value":"a@example.com"}]}`, "unsupportedIdentifier", 400},
		{"O-02 no type", `{"identifiers":[{"value":"a.example.com"}]}`, "unsupportedIdentifier", 400},
		{"O-02 a name that is not allowed", orderOf("a.example.net"), "rejectedIdentifier", 403},
		{"O-03 notBefore out of range", `{"identifiers":[{"type":"dns","value":"a.example.com"}],"notBefore":"2040-01-01T00:00:00Z"}`, "malformed", 400},
		{"O-03 notAfter that is no time", `{"identifiers":[{"type":"dns","value":"a.example.com"}],"notAfter":"tomorrow"}`, "malformed", 400},
		{"O-08 two wildcards", orderOf("*.*.example.com"), "rejectedIdentifier", 403},
		{"O-08 a wildcard inside", orderOf("a.*.example.com"), "rejectedIdentifier", 403},
		{"O-08 part of a label", orderOf("*d.example.com"), "rejectedIdentifier", 403},
		{"O-08 everything", orderOf("*"), "rejectedIdentifier", 403},
		{"IP-01 a mapped address", ip("::ffff:1.2.3.4"), "malformed", 400},
		{"IP-01 leading zeros", ip("192.0.2.01"), "malformed", 400},
		{"PR-01 an unknown profile", `{"identifiers":[{"type":"dns","value":"a.example.com"}],"profile":"x"}`, "invalidProfile", 400},
	}
	for _, name := range []string{
		"a..example.com", "a.example.com.", ".example.com", "-a.example.com", "a_b.example.com", "192.0.2.1", "a.123", "a.onion", "1.in-addr.arpa",
		"com", strings.Repeat("a", 64) + ".example.com", strings.Repeat("a.", 130) + "example.com", "bücher.example.com", "a b.example.com",
		"xn--abc.example.com", "",
	} {
		tests = append(tests, struct {
			name, payload, kind string
			status              int
		}{"O-06 O-07 the name " + name, orderOf(name), "rejectedIdentifier", 403})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { c.to("new-order", tt.payload).refused(t, tt.status, tt.kind) })
	}
	t.Run("E-04 each refused name with its reason", func(t *testing.T) {
		d := c.to("new-order", orderOf("a.example.net", "a.example.com", "b.example.net")).refused(t, http.StatusForbidden, "rejectedIdentifier")
		var named []string
		for _, s := range d.Subproblems {
			if s.Type != errorTypes+"rejectedIdentifier" || s.Detail == "" || s.Identifier == nil {
				t.Fatalf("subproblem %+v", s)
			}
			named = append(named, s.Identifier.Value)
		}
		if diff := cmp.Diff([]string{"a.example.net", "b.example.net"}, named); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("nothing was left behind", func(t *testing.T) {
		if list := read[wire.Orders](t, c.post(c.kid+"/orders", "")); len(list.Orders) != 0 {
			t.Errorf("%d orders", len(list.Orders))
		}
	})
}

func TestWindowO03(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	begin, end := h.Clock.Now().Add(time.Minute), h.Clock.Now().Add(time.Hour)
	payload := part{
		"identifiers": []wire.Identifier{{Type: "dns", Value: "a.example.com"}},
		"notBefore":   begin.Format(time.RFC3339), "notAfter": end.In(time.FixedZone("", 7200)).Format(time.RFC3339),
	}
	o := read[wire.Order](t, c.to("new-order", payload.text()).want(t, http.StatusCreated))
	if !time.Time(o.NotBefore).Equal(begin) || !time.Time(o.NotAfter).Equal(end) {
		t.Errorf("the order is for %v to %v", time.Time(o.NotBefore), time.Time(o.NotAfter))
	}
	c.prove(o)
	o = read[wire.Order](t, c.post(o.Finalize, finalizeWith(t, newKey(t), "a.example.com")).want(t, http.StatusOK))
	leaf := decodePEM(t, c.post(o.Certificate, "").want(t, http.StatusOK).body)[0]
	if !leaf.NotBefore.Equal(begin) || !leaf.NotAfter.Equal(end) {
		t.Errorf("the certificate is for %v to %v", leaf.NotBefore, leaf.NotAfter)
	}
}

func TestFinalizeStates(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	csr := finalizeWith(t, newKey(t), "a.example.com")
	t.Run("O-12 pending", func(t *testing.T) {
		_, o := c.order("a.example.com")
		c.post(o.Finalize, csr).refused(t, http.StatusForbidden, "orderNotReady")
	})
	url, o := c.ready("a.example.com")
	t.Run("O-13 ready", func(t *testing.T) {
		a := c.post(o.Finalize, csr).want(t, http.StatusOK)
		got := read[wire.Order](t, a)
		if got.Status != "valid" || !strings.HasPrefix(got.Certificate, at("certificate/")) || a.header.Get("Location") != url {
			t.Errorf("at %s: %s", a.header.Get("Location"), a.body)
		}
	})
	t.Run("O-12 valid", func(t *testing.T) { c.post(o.Finalize, csr).refused(t, http.StatusForbidden, "orderNotReady") })
	t.Run("O-12 O-23 invalid, because it expired", func(t *testing.T) {
		late, o := c.ready("b.example.com")
		h.Clock.Advance(24 * time.Hour)
		c.post(o.Finalize, finalizeWith(t, newKey(t), "b.example.com")).refused(t, http.StatusForbidden, "orderNotReady")
		if got := read[wire.Order](t, c.post(late, "")); got.Status != "invalid" {
			t.Errorf("the order is %s", got.Status)
		}
	})
	t.Run("O-20 an authorization was given back", func(t *testing.T) {
		url, o := c.ready("c.example.com")
		c.post(o.Authorizations[0], `{"status":"deactivated"}`).want(t, http.StatusOK)
		c.post(o.Finalize, finalizeWith(t, newKey(t), "c.example.com")).refused(t, http.StatusForbidden, "orderNotReady")
		if got := read[wire.Order](t, c.post(url, "")); got.Status != "invalid" || got.Certificate != "" {
			t.Errorf("O-11: the order is %s", got.Status)
		}
	})
	t.Run("an order that is not there", func(t *testing.T) {
		c.to("order/aaaaaaaaaaaaaaaaaaaa/finalize", csr).refused(t, http.StatusNotFound, "malformed")
	})
}

func TestCSR(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	order, o := c.ready("a.example.com", "*.example.com")
	good := []string{"a.example.com", "*.example.com"}
	mailto := &x509.CertificateRequest{DNSNames: good, EmailAddresses: []string{"a@example.com"}}
	address := &x509.CertificateRequest{DNSNames: good, IPAddresses: []net.IP{{192, 0, 2, 1}}}
	uri := &x509.CertificateRequest{DNSNames: good, URIs: []*url.URL{{Scheme: "https", Host: "a.example.com"}}}
	tests := []struct{ name, payload, kind string }{
		{"O-15 a missing name", finalizeWith(t, newKey(t), "a.example.com"), "badCSR"},
		{"O-15 another name", finalizeWith(t, newKey(t), "a.example.com", "*.example.com", "b.example.com"), "badCSR"},
		{"O-15 the base in place of the wildcard", finalizeWith(t, newKey(t), "a.example.com", "example.com"), "badCSR"},
		{"O-16 an e-mail address", finalizeFor(t, newKey(t), mailto), "badCSR"},
		{"O-16 an IP address", finalizeFor(t, newKey(t), address), "badCSR"},
		{"O-16 a URI", finalizeFor(t, newKey(t), uri), "badCSR"},
		{"O-16 garbage", `{"csr":"AAAA"}`, "badCSR"},
		{"O-17 the key of this account", finalizeWith(t, c.key, good...), "badCSR"},
		{"O-17 the key of another account", finalizeWith(t, h.account(t).key, good...), "badCSR"},
		{"B-01 padded", `{"csr":"AAA="}`, "malformed"},
		{"no csr", `{}`, "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.post(o.Finalize, tt.payload).refused(t, http.StatusBadRequest, tt.kind)
			if got := read[wire.Order](t, c.post(order, "")); got.Status != "ready" {
				t.Errorf("O-14: the order is %s", got.Status)
			}
		})
	}
	t.Run("O-14 O-15 a better request follows, in capitals and twice", func(t *testing.T) {
		got := read[wire.Order](t, c.post(o.Finalize, finalizeWith(t, newKey(t), "A.example.com", "a.example.com", "*.example.com")).want(t, http.StatusOK))
		leaf := decodePEM(t, c.post(got.Certificate, "").want(t, http.StatusOK).body)[0]
		slices.Sort(leaf.DNSNames)
		if diff := cmp.Diff([]string{"*.example.com", "a.example.com"}, leaf.DNSNames); diff != "" {
			t.Error(diff)
		}
	})
}

func TestParallelFinalizeO18(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	url, o := c.ready("a.example.com")
	payload := finalizeWith(t, newKey(t), "a.example.com")
	var won atomic.Int64
	var wait sync.WaitGroup
	for range 100 {
		wait.Go(func() {
			switch a := c.post(o.Finalize, payload); {
			case a.status == http.StatusOK && strings.Contains(string(a.body), `"certificate"`):
				won.Add(1)
			case a.status == http.StatusOK: // it saw the winner at work
			default:
				a.refused(t, http.StatusForbidden, "orderNotReady")
			}
		})
	}
	wait.Wait()
	got := read[wire.Order](t, c.post(url, "").want(t, http.StatusOK))
	account := strings.TrimPrefix(c.kid, at("account/"))
	found, err := h.Store.FindCertificates(t.Context(), pki.Filter{Account: account})
	check(t, err)
	if won.Load() < 1 || got.Status != "valid" || len(found) != 1 {
		t.Errorf("%d won, the order is %s, %d certificates", won.Load(), got.Status, len(found))
	}
}

// Equal orders at once are different orders: the end of one is not the end of another.
// Proves INC-16, INC-104.
func TestEqualOrdersO21(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	c.ready("a.example.com") // the name is proven: all orders are ready at once
	var mu sync.Mutex
	orders := map[string]wire.Order{}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			a := c.to("new-order", orderOf("a.example.com")).want(t, http.StatusCreated)
			mu.Lock()
			defer mu.Unlock()
			orders[a.header.Get("Location")] = read[wire.Order](t, a)
		})
	}
	wait.Wait()
	if len(orders) != 8 {
		t.Fatalf("8 requests made %d orders", len(orders))
	}
	for url, o := range orders {
		c.post(o.Finalize, finalizeWith(t, newKey(t), "a.example.com")).want(t, http.StatusOK)
		delete(orders, url)
		break
	}
	for url := range orders {
		if got := read[wire.Order](t, c.post(url, "").want(t, http.StatusOK)); got.Status != "ready" || got.Certificate != "" {
			t.Errorf("an order that nobody finalized is %s with %q", got.Status, got.Certificate)
		}
	}
}

func TestOrdersList(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	t.Run("O-10 an account without orders", func(t *testing.T) {
		if a := c.post(c.kid+"/orders", "").want(t, http.StatusOK); string(a.body) != `{"orders":[]}` {
			t.Errorf("%s", a.body)
		}
	})
	var placed []string
	for range 205 {
		u, _ := c.order("a.example.com")
		placed = append(placed, u)
		h.Clock.Advance(time.Second)
	}
	_, o := c.order("b.example.com")
	c.post(o.Authorizations[0], `{"status":"deactivated"}`).want(t, http.StatusOK) // O-10: an invalid order is not listed
	t.Run("O-10 pages", func(t *testing.T) {
		var seen []string
		pages := 0
		for next := c.kid + "/orders"; next != ""; pages++ {
			a := c.post(next, "").want(t, http.StatusOK)
			seen = append(seen, read[wire.Orders](t, a).Orders...)
			next = ""
			if links := a.links("next"); len(links) == 1 {
				next = links[0]
			}
		}
		slices.Reverse(seen)
		if diff := cmp.Diff(placed, seen); diff != "" || pages != 3 {
			t.Errorf("%d pages: %s", pages, diff)
		}
	})
	t.Run("O-10 the cursor of another account", func(t *testing.T) {
		cursor := strings.TrimPrefix(placed[0], at("order/"))
		n := h.account(t)
		n.post(n.kid+"/orders?cursor="+cursor, "").refused(t, http.StatusNotFound, "malformed")
		n.post(n.kid+"/orders?cursor="+url.QueryEscape("' OR 1"), "").refused(t, http.StatusNotFound, "malformed")
		n.post(c.kid+"/orders", "").refused(t, http.StatusForbidden, "unauthorized")
	})
}

func TestFailedOrder(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	h.Validator.Decide(func(context.Context, policy.Look) acme.Outcome {
		return acme.Outcome{Failure: &acme.Failure{Kind: string(fault.DNS), Public: "No such name."}}
	})
	url, o := c.order("a.example.com")
	c.prove(o)
	if got := read[wire.Order](t, c.post(url, "").want(t, http.StatusOK)); got.Status != "invalid" {
		t.Errorf("O-11: the order is %s", got.Status)
	}
	c.post(o.Finalize, finalizeWith(t, newKey(t), "a.example.com")).refused(t, http.StatusForbidden, "orderNotReady")
}
