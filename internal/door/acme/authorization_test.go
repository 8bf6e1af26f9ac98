package acme_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

// types returns the challenge types of an authorization in their order.
func types(a wire.Authorization) []string {
	var out []string
	for _, c := range a.Challenges {
		out = append(out, string(c.Type))
	}
	return out
}

// failing is what a look finds when it fails.
func failing(kind fault.Kind) func(context.Context, policy.Look) acme.Outcome {
	return func(context.Context, policy.Look) acme.Outcome {
		return acme.Outcome{Failure: &acme.Failure{Kind: string(kind), Public: "What was seen."}}
	}
}

func TestAuthorizations(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	payload := `{"identifiers":[{"type":"dns","value":"a.example.com"},{"type":"dns","value":"*.a.example.com"},{"type":"ip","value":"192.0.2.1"}]}`
	a := c.to("new-order", payload).want(t, http.StatusCreated)
	all := map[string]wire.Authorization{}
	for _, u := range read[wire.Order](t, a).Authorizations {
		reply := c.post(u, "").want(t, http.StatusOK)
		z := read[wire.Authorization](t, reply)
		key := z.Identifier.Value
		if strings.Contains(string(reply.body), `"wildcard":true`) {
			key = "*." + key
		} else if strings.Contains(string(reply.body), "wildcard") {
			t.Errorf("O-08: a wildcard member that is not true: %s", reply.body)
		}
		all[key] = z
	}
	for key, want := range map[string][]string{
		"a.example.com": {"http-01", "dns-01", "tls-alpn-01"}, "*.a.example.com": {"dns-01"}, "192.0.2.1": {"http-01", "tls-alpn-01"},
	} {
		t.Run("O-08 O-09 IP-02 challenges of "+key, func(t *testing.T) {
			if diff := cmp.Diff(want, types(all[key])); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("Z-01 C-01 C-03 objects", func(t *testing.T) {
		tokens := map[string]bool{}
		for name, z := range all {
			if z.Status != "pending" || !time.Time(z.Expires).Equal(h.Clock.Now().Add(24*time.Hour)) || strings.HasPrefix(z.Identifier.Value, "*") {
				t.Errorf("%s: %+v", name, z)
			}
			for _, ch := range z.Challenges {
				if ch.Status != "pending" || ch.URL == "" || !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(ch.Token) || tokens[ch.Token] {
					t.Errorf("C-04: %+v", ch)
				}
				tokens[ch.Token] = true
			}
		}
	})
}

func TestValidAuthorization(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	_, o := c.order("a.example.com")
	z := o.Authorizations[0]
	pending := read[wire.Authorization](t, c.post(z, ""))
	dns := pending.Challenges[1]
	t.Run("C-02 POST {} answers with the outcome", func(t *testing.T) {
		a := c.post(dns.URL, `{"keyAuthorization":"old","resource":"challenge"}`).want(t, http.StatusOK)
		got := read[wire.Challenge](t, a)
		if got.Status != "valid" || got.Token != dns.Token || !time.Time(got.Validated).Equal(h.Clock.Now()) || got.Error != nil {
			t.Errorf("C-01: %s", a.body)
		}
		if !cmp.Equal(a.links("up"), []string{z}) || a.header.Get("Retry-After") != "" {
			t.Errorf("D-02: header %v", a.header)
		}
	})
	t.Run("Z-02 the challenge that was validated", func(t *testing.T) {
		got := read[wire.Authorization](t, c.post(z, "").want(t, http.StatusOK))
		if diff := cmp.Diff([]string{"dns-01"}, types(got)); diff != "" || got.Status != "valid" || got.Expires.IsZero() {
			t.Errorf("%s %s", got.Status, diff)
		}
	})
	t.Run("C-07 a second answer changes nothing", func(t *testing.T) {
		looks := len(h.Validator.Looks())
		if got := read[wire.Challenge](t, c.post(dns.URL, "{}").want(t, http.StatusOK)); got.Status != "valid" || len(h.Validator.Looks()) != looks {
			t.Errorf("it is %s after %d looks", got.Status, len(h.Validator.Looks()))
		}
	})
	t.Run("Z-08 another challenge can no longer be answered", func(t *testing.T) {
		c.post(pending.Challenges[0].URL, "{}").refused(t, http.StatusBadRequest, "malformed")
	})
	t.Run("O-05 Z-07 a new order takes it into account", func(t *testing.T) {
		_, again := c.order("a.example.com", "b.example.com")
		if !slices.Contains(again.Authorizations, z) {
			t.Errorf("%v has not %s", again.Authorizations, z)
		}
		if _, other := h.account(t).order("a.example.com"); slices.Contains(other.Authorizations, z) {
			t.Error("so has another account's order")
		}
		if _, wild := c.order("*.a.example.com"); slices.Contains(wild.Authorizations, z) {
			t.Error("so has a wildcard's order")
		}
	})
	t.Run("Z-05 given back", func(t *testing.T) {
		for _, payload := range []string{`{"status":"valid"}`, `{"status":"revoked"}`, `{}`} {
			c.post(z, payload).refused(t, http.StatusBadRequest, "malformed")
		}
		a := c.post(z, `{"resource":"authz","status":"deactivated"}`).want(t, http.StatusOK)
		if got := read[wire.Authorization](t, a); got.Status != "deactivated" {
			t.Errorf("%s", a.body)
		}
		if _, again := c.order("a.example.com"); slices.Contains(again.Authorizations, z) {
			t.Error("a later order rests on it")
		}
	})
}

func TestChallengeReads(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	_, o := c.order("a.example.com")
	ch := read[wire.Authorization](t, c.post(o.Authorizations[0], "")).Challenges[0]
	t.Run("C-02 POST-as-GET starts nothing", func(t *testing.T) {
		a := c.post(ch.URL, "").want(t, http.StatusOK)
		if got := read[wire.Challenge](t, a); got.Status != "pending" || len(h.Validator.Looks()) != 0 || len(a.links("up")) != 1 {
			t.Errorf("%s after %d looks", a.body, len(h.Validator.Looks()))
		}
	})
	for _, payload := range []string{"[]", `"x"`, "null", "{"} {
		t.Run("C-03 the payload "+payload, func(t *testing.T) {
			c.post(ch.URL, payload).refused(t, http.StatusBadRequest, "malformed")
			if len(h.Validator.Looks()) != 0 {
				t.Error("it started a look")
			}
		})
	}
	for name, path := range map[string]string{
		"an authorization that is not there": "challenge/aaaaaaaaaaaaaaaaaaaa/http-01", "a method that is not there": strings.TrimPrefix(ch.URL, at("")) + "x",
	} {
		t.Run("C-03 no challenge at "+name, func(t *testing.T) {
			c.to(path, "").refused(t, http.StatusNotFound, "malformed")
			c.to(path, "{}").refused(t, http.StatusNotFound, "malformed")
		})
	}
}

func TestFailedChallenge(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	for kind, want := range map[fault.Kind]string{
		fault.Connection: "connection", fault.DNS: "dns", fault.TLS: "tls", fault.Unauthorized: "unauthorized",
		fault.IncorrectResponse: "incorrectResponse", fault.CAA: "caa",
	} {
		t.Run("C-08 Z-02 "+want, func(t *testing.T) {
			h.Validator.Decide(failing(kind))
			_, o := c.order("a.example.com")
			z := read[wire.Authorization](t, c.post(o.Authorizations[0], ""))
			a := c.post(z.Challenges[0].URL, "{}").want(t, http.StatusOK)
			got := read[struct {
				Status string
				Error  document
			}](t, a)
			if got.Status != "invalid" || got.Error.Type != errorTypes+want || got.Error.Detail != "What was seen." || got.Error.Identifier != nil {
				t.Errorf("%s", a.body)
			}
			after := read[wire.Authorization](t, c.post(o.Authorizations[0], ""))
			if diff := cmp.Diff([]string{"http-01"}, types(after)); diff != "" || after.Status != "invalid" || after.Challenges[0].Error == nil {
				t.Errorf("%s %s", after.Status, diff)
			}
			c.post(z.Challenges[1].URL, "{}").refused(t, http.StatusBadRequest, "malformed") // Z-08
		})
	}
}

// TestProcessing answers challenges whose looks take longer than the reply waits.
func TestProcessing(t *testing.T) {
	h := newHouse(t, time.Millisecond)
	c := h.account(t)
	release := make(chan struct{})
	h.Validator.Decide(func(ctx context.Context, _ policy.Look) acme.Outcome {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return acme.Outcome{}
	})
	order, o := c.order("a.example.com")
	z := read[wire.Authorization](t, c.post(o.Authorizations[0], ""))
	t.Run("C-06 Z-06 processing, with Retry-After", func(t *testing.T) {
		a := c.post(z.Challenges[0].URL, "{}").want(t, http.StatusOK)
		if got := read[wire.Challenge](t, a); got.Status != "processing" || got.Error != nil || a.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q: %s", a.header.Get("Retry-After"), a.body)
		}
		for _, u := range []string{z.Challenges[0].URL, o.Authorizations[0]} {
			if a := c.post(u, "").want(t, http.StatusOK); a.header.Get("Retry-After") != "1" {
				t.Errorf("%s: Retry-After %q", u, a.header.Get("Retry-After"))
			}
		}
	})
	t.Run("C-07 a second answer joins the look", func(t *testing.T) {
		c.post(z.Challenges[0].URL, "{}").want(t, http.StatusOK)
		if got := len(h.Validator.Looks()); got != 1 {
			t.Errorf("%d looks", got)
		}
	})
	t.Run("Z-08 another challenge waits", func(t *testing.T) {
		c.post(z.Challenges[1].URL, "{}").refused(t, http.StatusBadRequest, "malformed")
	})
	close(release)
	h.service.Close() // waits for the look
	if got := read[wire.Order](t, c.post(order, "").want(t, http.StatusOK)); got.Status != "ready" && got.Status != "pending" {
		t.Errorf("the order is %s", got.Status)
	}
}

func TestParallelChallengesZ08(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	_, o := c.order("a.example.com")
	z := read[wire.Authorization](t, c.post(o.Authorizations[0], ""))
	var wait sync.WaitGroup
	for _, ch := range slices.Repeat(z.Challenges, 8) {
		wait.Go(func() {
			if a := c.post(ch.URL, "{}"); a.status != http.StatusOK {
				a.refused(t, http.StatusBadRequest, "malformed")
			}
		})
	}
	wait.Wait()
	after := read[wire.Authorization](t, c.post(o.Authorizations[0], ""))
	if after.Status != "valid" || len(after.Challenges) != 1 {
		t.Errorf("%s with %v", after.Status, types(after))
	}
}

func TestNewAuthorization(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	dns := func(name string) string { return `{"identifier":{"type":"dns","value":"` + name + `"}}` }
	t.Run("Z-03 Z-04 an authorization in advance", func(t *testing.T) {
		a := c.to("new-authz", dns("a.example.com")).want(t, http.StatusCreated)
		place := a.header.Get("Location")
		z := read[wire.Authorization](t, a)
		if z.Status != "pending" || z.Wildcard || !strings.HasPrefix(place, at("authz/")) {
			t.Errorf("at %s: %s", place, a.body)
		}
		c.post(z.Challenges[0].URL, "{}").want(t, http.StatusOK)
		a = c.to("new-order", orderOf("a.example.com")).want(t, http.StatusCreated)
		if o := read[wire.Order](t, a); o.Status != "ready" || !cmp.Equal(o.Authorizations, []string{place}) {
			t.Errorf("%s", a.body)
		}
	})
	t.Run("Z-03 a wildcard", func(t *testing.T) {
		c.to("new-authz", dns("*.example.com")).refused(t, http.StatusBadRequest, "malformed")
	})
	t.Run("Z-03 a name that is not allowed", func(t *testing.T) {
		c.to("new-authz", dns("a.onion")).refused(t, http.StatusForbidden, "rejectedIdentifier")
	})
	t.Run("no identifier", func(t *testing.T) { c.to("new-authz", "{}").refused(t, http.StatusBadRequest, "malformed") })
	t.Run("D-03 not offered", func(t *testing.T) {
		h.rules(t, "default", func(r *policy.Rules) { r.PreAuthorize = false })
		c.to("new-authz", dns("a.example.com")).refused(t, http.StatusForbidden, "unauthorized")
	})
}

func TestInternalFailureE05(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	h.Validator.Decide(failing(fault.Internal))
	_, o := c.order("a.example.com")
	c.prove(o)
	a := c.post(o.Authorizations[0], "").want(t, http.StatusOK)
	if !strings.Contains(string(a.body), errorTypes+"serverInternal") || strings.Contains(string(a.body), "What was seen.") {
		t.Errorf("E-05: %s", a.body)
	}
}
