package acme_test

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	door "github.com/everleaf-pki/everleaf/internal/door/acme"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// limited declares one limit at the connector.
func (h *house) limited(t *testing.T, kind limit.Kind, rate limit.Rate) {
	t.Helper()
	h.rules(t, "default", func(r *policy.Rules) { r.Limits.Rates = map[limit.Kind]limit.Rate{kind: rate} })
}

// What a client sees of a limit: the type, whole seconds that are exact, the page that helps. Nobody's revocation waits.
func TestLimits(t *testing.T) {
	h := newHouse(t, quick)
	const website = "https://ca.example.com/help"
	h.rules(t, "default", func(r *policy.Rules) { r.Website = website })
	h.limited(t, limit.OrdersPerAccount, limit.Rate{Count: 3, Period: span.Span(10 * time.Second)})
	c := h.account(t)
	certificate := c.issue("a.example.com")
	c.order("b.example.com")
	_, last := c.order("c.example.com")
	a := c.to("new-order", orderOf("d.example.com"))
	t.Run("R-01 the type and the reason", func(t *testing.T) {
		if d := a.refused(t, http.StatusTooManyRequests, "rateLimited"); !strings.Contains(d.Detail, "3 new orders of this account are allowed in 10s") {
			t.Error(d.Detail)
		}
	})
	t.Run("R-02 whole seconds, exact", func(t *testing.T) {
		seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
		if err != nil || seconds < 1 || seconds > 4 {
			t.Fatalf("Retry-After %q", a.header.Get("Retry-After"))
		}
		h.Clock.Advance(time.Duration(seconds-1) * time.Second)
		c.to("new-order", orderOf("d.example.com")).refused(t, http.StatusTooManyRequests, "rateLimited")
		h.Clock.Advance(time.Second)
		c.to("new-order", orderOf("d.example.com")).want(t, http.StatusCreated)
	})
	t.Run("R-03 a link to help", func(t *testing.T) {
		if got := a.links("help"); !cmp.Equal(got, []string{website}) || len(a.links("index")) != 1 {
			t.Errorf("Link %v", a.header.Values("Link"))
		}
		if got := c.to("new-order", "{}").links("help"); len(got) != 0 {
			t.Errorf("another refusal leads to %v", got)
		}
	})
	t.Run("R-01 what is under way goes on, and revocation", func(t *testing.T) {
		c.to("new-order", orderOf("e.example.com")).refused(t, http.StatusTooManyRequests, "rateLimited")
		c.prove(last)
		c.post(last.Finalize, finalizeWith(t, newKey(t), "c.example.com")).want(t, http.StatusOK)
		c.to("revoke-cert", revocation(certificate.leaf.Raw, 0)).want(t, http.StatusOK)
	})
	t.Run("R-03 no website, no link", func(t *testing.T) {
		h.rules(t, "default", func(r *policy.Rules) { r.Website = "" })
		if got := c.to("new-order", orderOf("e.example.com")).links("help"); len(got) != 0 {
			t.Errorf("Link %v", got)
		}
	})
}

// The address that counts is the client's, seen through trusted proxies only. Proves.
func TestLimitOfAddressesBehindAProxy(t *testing.T) {
	h := newHouse(t, quick)
	h.limited(t, limit.AccountsPerAddress, limit.Rate{Count: 1, Period: span.Day})
	join := func(proxies, header string) answer {
		t.Helper()
		options := door.Options{
			Web: web.Options{Log: h.Engines().Log}, Nonces: h.nonces, OwnName: func(string) bool { return true },
		}
		if proxies != "" {
			options.Web.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(proxies)}
		}
		var err error
		h.door, err = door.New(h.service, options)
		check(t, err)
		body := h.client(t).sign(jws.SignOptions{URL: at("new-account")}, []byte("{}"))
		return h.send(http.MethodPost, at("new-account"), http.Header{
			"Content-Type": {"application/jose+json"}, "X-Forwarded-For": {header},
		}, body)
	}
	const proxy = "192.0.2.0/24" // where the requests of these tests come from
	join(proxy, "198.51.100.1").want(t, http.StatusCreated)
	join(proxy, "198.51.100.1").refused(t, http.StatusTooManyRequests, "rateLimited")
	join(proxy, "198.51.100.2").want(t, http.StatusCreated)
	join(proxy, "2001:db8::1").want(t, http.StatusCreated)
	join(proxy, "2001:db8::2").refused(t, http.StatusTooManyRequests, "rateLimited")
	join("", "198.51.100.3").want(t, http.StatusCreated) // the proxy's own
	join("", "198.51.100.4").refused(t, http.StatusTooManyRequests, "rateLimited")
}

// After failures in a row the client reads why, and what the operator does; then it goes on. Proves R-01.
func TestPauseIsExplained(t *testing.T) {
	h := newHouse(t, quick)
	h.limited(t, limit.FailuresInARow, limit.Rate{Count: 2})
	h.Validator.Decide(func(context.Context, policy.Look) acme.Outcome {
		return acme.Outcome{Failure: &acme.Failure{Kind: string(fault.Connection), Public: "Nobody answers."}}
	})
	c := h.account(t)
	for range 2 {
		_, o := c.order("a.example.com")
		c.post(read[wire.Authorization](t, c.post(o.Authorizations[0], "")).Challenges[0].URL, "{}").want(t, http.StatusOK)
	}
	a := c.to("new-order", orderOf("a.example.com"))
	if d := a.refused(t, http.StatusTooManyRequests, "rateLimited"); !strings.Contains(d.Detail, "everleaf limit resume") || a.header.Get("Retry-After") == "" {
		t.Errorf("%s, Retry-After %q", d.Detail, a.header.Get("Retry-After"))
	}
	_, err := h.manage.ResumeProofs(t.Context(), "test", c.kid[strings.LastIndex(c.kid, "/")+1:], "a.example.com")
	check(t, err)
	c.to("new-order", orderOf("a.example.com")).want(t, http.StatusCreated)
}
