package acme_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// boundAccount returns a client whose account came in by a credential with a scope, and the credential.
func (h *house) boundAccount(t testing.TB, name string, scope policy.Scope) (*client, credential) {
	t.Helper()
	k := h.credential(t, manage.NewCredential{Name: name, Scope: scope})
	c := h.client(t)
	c.kid = c.jwk(at("new-account"), c.bound(k, "HS256", nil)).want(t, http.StatusCreated).header.Get("Location")
	return c, k
}

// Proves EAB-08, INC-65: a suspended credential at every step of an issuance. Whatever the account signs is refused, since
// whoever has its key may be the one who is kept out; what needs no account goes on, the revocation by the key of the
// certificate above all.
func TestASuspendedCredentialAtEveryStep(t *testing.T) {
	h := newHouse(t, quick)
	c, k := h.boundAccount(t, "shop", policy.Scope{})
	certificate := c.issue("a.example.com")
	ready, o := c.ready("b.example.com")
	pending, p := c.order("c.example.com")
	authorization := read[wire.Authorization](t, c.post(p.Authorizations[0], "").want(t, http.StatusOK))
	_, err := h.manage.SuspendCredential(t.Context(), "test", k.kid, nil)
	check(t, err)

	for name, ask := range map[string]func() answer{
		"newOrder":                 func() answer { return c.to("new-order", orderOf("a.example.com")) },
		"newAuthz":                 func() answer { return c.to("new-authz", `{"identifier":{"type":"dns","value":"d.example.com"}}`) },
		"challenge":                func() answer { return c.post(authorization.Challenges[0].URL, "{}") },
		"finalize":                 func() answer { return c.post(o.Finalize, finalizeWith(t, newKey(t), "b.example.com")) },
		"download":                 func() answer { return c.post(certificate.url, "") },
		"order":                    func() answer { return c.post(ready, "") },
		"pending order":            func() answer { return c.post(pending, "") },
		"account":                  func() answer { return c.post(c.kid, "") },
		"contacts":                 func() answer { return c.post(c.kid, `{"contact":[]}`) },
		"revokeCert, by account":   func() answer { return c.to("revoke-cert", revocation(certificate.leaf.Raw, 0)) },
		"keyChange":                func() answer { return c.to("key-change", c.change(newKey(t))) },
		"deactivate authorization": func() answer { return c.post(p.Authorizations[0], `{"status":"deactivated"}`) },
		"deactivate account":       func() answer { return c.post(c.kid, `{"status":"deactivated"}`) },
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if d := ask().refused(t, http.StatusUnauthorized, "unauthorized"); !strings.Contains(d.Detail, "the credential is suspended") {
				t.Errorf("%s", d.Detail)
			}
		})
	}
	t.Run("refused: newAccount with a new key", func(t *testing.T) {
		n := h.client(t)
		n.jwk(at("new-account"), n.bound(k, "HS256", nil)).refused(t, http.StatusForbidden, "unauthorized")
		n.jwk(at("new-account"), `{"onlyReturnExisting":true}`).refused(t, http.StatusBadRequest, "accountDoesNotExist")
	})
	t.Run("newAccount finds the account of a known key", func(t *testing.T) {
		if a := c.jwk(at("new-account"), "{}").want(t, http.StatusOK); a.header.Get("Location") != c.kid {
			t.Errorf("Location %s", a.header.Get("Location"))
		}
	})
	t.Run("directory and newNonce", func(t *testing.T) {
		h.get(at("directory")).want(t, http.StatusOK)
		h.get(at("new-nonce")).want(t, http.StatusNoContent).carriesNonce(t)
	})
	t.Run("revokeCert, by the key of the certificate", func(t *testing.T) {
		certificate.revoke(t, h, 1).want(t, http.StatusOK)
	})
	t.Run("after it is resumed everything is as it was", func(t *testing.T) {
		_, err := h.manage.ResumeCredential(t.Context(), "test", k.kid)
		check(t, err)
		c.post(o.Finalize, finalizeWith(t, newKey(t), "b.example.com")).want(t, http.StatusOK)
		c.post(authorization.Challenges[0].URL, "{}").want(t, http.StatusOK)
		c.post(c.kid, `{"status":"deactivated"}`).want(t, http.StatusOK)
	})
}

// A new order that shows a key in place of an account has no account whose status and scope could be looked at.
func TestAnOrderIsNeverSignedByAKeyAlone(t *testing.T) {
	h := newHouse(t, quick)
	c, k := h.boundAccount(t, "shop", policy.Scope{Names: []string{"a.example.com"}})
	c.jwk(at("new-order"), orderOf("a.example.com")).refused(t, http.StatusBadRequest, "malformed")
	c.jwk(at("new-authz"), `{"identifier":{"type":"dns","value":"a.example.com"}}`).refused(t, http.StatusBadRequest, "malformed")
	_, err := h.manage.SuspendCredential(t.Context(), "test", k.kid, nil)
	check(t, err)
	c.jwk(at("new-order"), orderOf("a.example.com")).refused(t, http.StatusBadRequest, "malformed")
}

// TestScopeAtTheDoor: a name outside the scope is a rejectedIdentifier with a subproblem, in scope it is certified.
func TestScopeAtTheDoor(t *testing.T) {
	h := newHouse(t, quick)
	c, k := h.boundAccount(t, "shop", policy.Scope{Names: []string{".shop.example.com"}})
	d := c.to("new-order", orderOf("a.shop.example.com", "b.example.com", "badshop.example.com")).refused(t, http.StatusForbidden, "rejectedIdentifier")
	if len(d.Subproblems) != 2 || d.Subproblems[0].Identifier.Value != "b.example.com" || !strings.Contains(d.Subproblems[1].Detail, k.kid) {
		t.Errorf("%+v", d)
	}
	c.issue("a.shop.example.com")
}

// Proves Z-01, Z-04: the order and its authorization are valid as clients read them, without a challenge answered.
func TestPreApprovedAtTheDoor(t *testing.T) {
	h := newHouse(t, quick)
	c, _ := h.boundAccount(t, "printers", policy.Scope{PreApproved: []string{".print.example.com"}})
	names := []string{"a.print.example.com", "*.print.example.com"}
	url, o := c.order(names...)
	if o.Status != "ready" {
		t.Fatalf("the order is %s", o.Status)
	}
	for _, authorization := range o.Authorizations {
		a := read[wire.Authorization](t, c.post(authorization, "").want(t, http.StatusOK))
		if a.Status != "valid" || a.Expires.IsZero() || len(a.Challenges) == 0 {
			t.Errorf("%+v", a)
		}
		for _, challenge := range a.Challenges {
			if challenge.Status != "pending" || !challenge.Validated.IsZero() {
				t.Errorf("a challenge that nobody answered is %s", challenge.Status)
			}
		}
		c.post(a.Challenges[0].URL, "{}").want(t, http.StatusOK)
	}
	c.post(o.Finalize, finalizeWith(t, newKey(t), names...)).want(t, http.StatusOK)
	if got := read[wire.Order](t, c.post(url, "").want(t, http.StatusOK)); got.Status != "valid" || len(h.Validator.Looks()) != 0 {
		t.Errorf("the order is %s after %d looks", got.Status, len(h.Validator.Looks()))
	}
}
