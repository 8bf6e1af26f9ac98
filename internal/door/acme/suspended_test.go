package acme_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

// TestSuspendedConnector: nothing is created or proven, and everything else goes on.
func TestSuspendedConnector(t *testing.T) {
	h := newHouse(t, quick)
	c, leaver := h.account(t), h.account(t)
	certificate, second := c.issue("a.example.com"), c.issue("c.example.com")
	ready, o := c.ready("a.example.com")
	pending, p := c.order("b.example.com")
	authorization := read[wire.Authorization](t, c.post(p.Authorizations[0], "").want(t, http.StatusOK))
	_, err := h.manage.SuspendConnector(t.Context(), "test", "default")
	check(t, err)

	refused := map[string]func() answer{
		"newAccount": func() answer { return h.client(t).jwk(at("new-account"), "{}") },
		"newOrder":   func() answer { return c.to("new-order", orderOf("a.example.com")) },
		"newAuthz":   func() answer { return c.to("new-authz", `{"identifier":{"type":"dns","value":"d.example.com"}}`) },
		"challenge":  func() answer { return c.post(authorization.Challenges[0].URL, "{}") },
		"finalize":   func() answer { return c.post(o.Finalize, finalizeWith(t, newKey(t), "a.example.com")) },
	}
	for name, ask := range refused {
		t.Run("refused: "+name, func(t *testing.T) {
			if d := ask().refused(t, http.StatusForbidden, "unauthorized"); !strings.Contains(d.Detail, "suspended") {
				t.Errorf("%s", d.Detail)
			}
		})
	}
	for name, url := range map[string]string{
		"account": c.kid, "orders": c.kid + "/orders", "order": ready, "pending order": pending, "authorization": p.Authorizations[0],
		"challenge": authorization.Challenges[0].URL, "certificate": certificate.url, "directory": at("directory"),
	} {
		t.Run("read: "+name, func(t *testing.T) { c.post(url, "").want(t, http.StatusOK) })
	}
	t.Run("directory and newNonce", func(t *testing.T) {
		h.get(at("directory")).want(t, http.StatusOK)
		h.get(at("new-nonce")).want(t, http.StatusNoContent).carriesNonce(t)
	})
	t.Run("newAccount with a known key", func(t *testing.T) {
		if a := c.jwk(at("new-account"), "{}").want(t, http.StatusOK); a.header.Get("Location") != c.kid {
			t.Errorf("Location %s", a.header.Get("Location"))
		}
		h.client(t).jwk(at("new-account"), `{"onlyReturnExisting":true}`).refused(t, http.StatusBadRequest, "accountDoesNotExist")
	})
	t.Run("revokeCert by the account and by the key", func(t *testing.T) {
		c.to("revoke-cert", revocation(certificate.leaf.Raw, 0)).want(t, http.StatusOK)
		second.revoke(t, h, 1).want(t, http.StatusOK)
	})
	t.Run("deactivation of an authorization", func(t *testing.T) {
		c.post(p.Authorizations[0], `{"status":"deactivated"}`).want(t, http.StatusOK)
	})
	t.Run("keyChange", func(t *testing.T) {
		fresh := newKey(t)
		c.to("key-change", c.change(fresh)).want(t, http.StatusOK)
		c.key = fresh
		c.post(c.kid, "").want(t, http.StatusOK)
	})
	t.Run("deactivation of an account", func(t *testing.T) {
		leaver.post(leaver.kid, `{"status":"deactivated"}`).want(t, http.StatusOK)
		leaver.post(leaver.kid, "").refused(t, http.StatusUnauthorized, "unauthorized")
	})
	t.Run("after it is resumed the order is finalized", func(t *testing.T) {
		_, err := h.manage.ResumeConnector(t.Context(), "test", "default")
		check(t, err)
		c.post(o.Finalize, finalizeWith(t, newKey(t), "a.example.com")).want(t, http.StatusOK)
	})
}

// TestRulesOfNow: an open order is judged by what the connector allows when it is finalized.
func TestRulesOfNow(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	order, o := c.ready("a.example.com")
	finalize := finalizeWith(t, newKey(t), "a.example.com")
	tests := []struct {
		name   string
		change func(*policy.Rules)
		status int
		kind   string
	}{
		{"the name is denied", func(r *policy.Rules) { r.Names = []string{"b.example.com"} }, http.StatusForbidden, "rejectedIdentifier"},
		{"the method is not accepted", func(r *policy.Rules) { r.Names, r.Methods = nil, []acme.Method{acme.DNS01} }, http.StatusForbidden, "unauthorized"},
		{"the profile is not offered", func(r *policy.Rules) { r.Methods, r.Profiles = nil, []string{"shortlived"} }, http.StatusBadRequest, "invalidProfile"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.rules(t, "default", tt.change)
			d := c.post(o.Finalize, finalize).refused(t, tt.status, tt.kind)
			if named := len(d.Subproblems) == 1 && d.Subproblems[0].Identifier.Value == "a.example.com"; named != (tt.kind != "invalidProfile") {
				t.Errorf("subproblems %+v", d.Subproblems)
			}
			if got := read[wire.Order](t, c.post(order, "").want(t, http.StatusOK)); got.Status != "ready" {
				t.Errorf("the order is %s", got.Status)
			}
		})
	}
	h.rules(t, "default", func(r *policy.Rules) { r.Profiles = []string{"default"} })
	if got := read[wire.Order](t, c.post(o.Finalize, finalize).want(t, http.StatusOK)); got.Status != "valid" {
		t.Errorf("allowed again, the order is %s", got.Status)
	}
}

// TestMissingProfiles: what an operator forgot to mend breaks newOrder at most, and says so.
func TestMissingProfiles(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	offer := func(names ...string) wire.Directory {
		t.Helper()
		connector, err := h.Store.ConnectorByName(t.Context(), "default")
		check(t, err)
		rules := connector.Rules
		rules.Profiles = names
		check(t, h.Store.SetRules(t.Context(), connector.ID, connector.Rules, rules, event.Event{
			ID: "saved-" + strings.Join(names, "-"), At: h.Clock.Now(), Organisation: connector.Organisation, Action: event.ConnectorSaved, Object: connector.ID,
		}))
		return read[wire.Directory](t, h.get(at("directory")).want(t, http.StatusOK))
	}
	ask := func(profile string) answer {
		return c.to("new-order", strings.Replace(orderOf("a.example.com"), "{", `{"profile":"`+profile+`",`, 1))
	}
	if d := offer("default", "gone"); len(d.Meta.Profiles) != 1 || d.Meta.Profiles["default"] == "" {
		t.Errorf("PR-01: %v", d.Meta.Profiles)
	}
	ask("gone").refused(t, http.StatusBadRequest, "invalidProfile")
	ask("default").want(t, http.StatusCreated)
	if d := offer("gone"); len(d.Meta.Profiles) != 0 || d.NewOrder == "" {
		t.Errorf("with none left: %+v", d)
	}
	if d := c.to("new-order", orderOf("a.example.com")).refused(t, http.StatusBadRequest, "invalidProfile"); !strings.Contains(d.Detail, "operator") {
		t.Errorf("%s", d.Detail)
	}
}
