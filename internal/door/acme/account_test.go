package acme_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
)

func TestNewAccount(t *testing.T) {
	h := newHouse(t, quick)
	c := h.client(t)
	t.Run("A-01 a new key", func(t *testing.T) {
		a := c.jwk(at("new-account"), `{"contact":["mailto:a@example.com"],"orders":"x","status":"revoked","onlyReturnExisting":false,"x":1}`).want(t, http.StatusCreated)
		c.kid = a.header.Get("Location")
		want := `{"status":"valid","contact":["mailto:a@example.com"],"orders":"` + c.kid + `/orders"}`
		if diff := cmp.Diff(want, string(a.body)); diff != "" || !strings.HasPrefix(c.kid, at("account/")) {
			t.Errorf("A-05 A-06 at %s: %s", c.kid, diff)
		}
		if a.header.Get("Content-Type") != "application/json" {
			t.Errorf("header %v", a.header)
		}
	})
	t.Run("A-02 a known key", func(t *testing.T) {
		a := c.jwk(at("new-account"), `{"contact":["tel:1","not a URL"],"externalAccountBinding":{}}`).want(t, http.StatusOK)
		if got := read[wire.Account](t, a); a.header.Get("Location") != c.kid || !cmp.Equal(got.Contact, []string{"mailto:a@example.com"}) {
			t.Errorf("%s: %s", a.header.Get("Location"), a.body)
		}
	})
	t.Run("A-04 onlyReturnExisting with a known key", func(t *testing.T) {
		if a := c.jwk(at("new-account"), `{"onlyReturnExisting":true}`).want(t, http.StatusOK); a.header.Get("Location") != c.kid {
			t.Errorf("Location %s", a.header.Get("Location"))
		}
	})
	t.Run("A-04 onlyReturnExisting with a new key", func(t *testing.T) {
		n := h.client(t)
		for range 2 {
			n.jwk(at("new-account"), `{"onlyReturnExisting":true,"contact":["tel:1"]}`).refused(t, http.StatusBadRequest, "accountDoesNotExist")
		}
	})
	for contact, kind := range map[string]string{
		"tel:+123": "unsupportedContact", "mailto:a@x.test,b@x.test": "invalidContact", "mailto:a@x.test?subject=q": "invalidContact",
		`mailto:a@x.test\r\nBcc: b@x.test`: "invalidContact", "mailto:": "invalidContact", "": "unsupportedContact",
	} {
		t.Run("A-07 contact "+contact, func(t *testing.T) {
			n := h.client(t)
			n.jwk(at("new-account"), `{"contact":["`+contact+`"]}`).refused(t, http.StatusBadRequest, kind)
			n.jwk(at("new-account"), `{"onlyReturnExisting":true}`).refused(t, http.StatusBadRequest, "accountDoesNotExist")
		})
	}
}

func TestOneAccountA03(t *testing.T) {
	h := newHouse(t, quick)
	c := h.client(t)
	var mu sync.Mutex
	statuses, places := map[int]int{}, map[string]int{}
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			a := c.jwk(at("new-account"), "{}")
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
			places[a.header.Get("Location")]++
		})
	}
	wait.Wait()
	if !cmp.Equal(statuses, map[int]int{201: 1, 200: 19}) || len(places) != 1 {
		t.Errorf("A-03 A-14: %v at %v", statuses, places)
	}
}

func TestTerms(t *testing.T) {
	h := newHouse(t, quick)
	h.connect(t, "terms", func(r *policy.Rules) { r.TermsOfService = "https://ca.test/terms" })
	c := h.client(t).of("terms")
	t.Run("A-08 A-09 without agreement", func(t *testing.T) {
		a := c.jwk(c.base+"new-account", `{"termsOfServiceAgreed":false}`)
		d := a.refused(t, http.StatusForbidden, "userActionRequired")
		if d.Instance != "https://ca.test/terms" || !cmp.Equal(a.links("terms-of-service"), []string{"https://ca.test/terms"}) || len(a.links("index")) != 1 {
			t.Errorf("instance %q, header %v", d.Instance, a.header)
		}
	})
	t.Run("A-08 with agreement", func(t *testing.T) {
		a := c.jwk(c.base+"new-account", `{"termsOfServiceAgreed":true}`).want(t, http.StatusCreated)
		if !read[wire.Account](t, a).TermsOfServiceAgreed {
			t.Errorf("%s", a.body)
		}
	})
}

func TestAccountUpdate(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	steps := []struct {
		name, payload string
		want          []string
	}{
		{"A-10 contact", `{"contact":["mailto:b@example.com"],"termsOfServiceAgreed":true,"orders":"x"}`, []string{"mailto:b@example.com"}},
		{"A-11 read", "", []string{"mailto:b@example.com"}},
		{"A-06 nothing that may change", `{"status":"revoked"}`, []string{"mailto:b@example.com"}},
		{"A-10 no contact any more", `{"contact":[]}`, nil},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			got := read[wire.Account](t, c.post(c.kid, s.payload).want(t, http.StatusOK))
			if diff := cmp.Diff(wire.Account{Status: "valid", Contact: s.want, Orders: c.kid + "/orders"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("A-07 a contact that cannot be", func(t *testing.T) {
		c.post(c.kid, `{"contact":["tel:1"]}`).refused(t, http.StatusBadRequest, "unsupportedContact")
	})
	t.Run("A-11 another account's URL, existing or not", func(t *testing.T) {
		existing := c.post(h.account(t).kid, "").refused(t, http.StatusForbidden, "unauthorized")
		missing := c.post(at("account/aaaaaaaaaaaaaaaaaaaa"), "").refused(t, http.StatusForbidden, "unauthorized")
		if diff := cmp.Diff(existing, missing); diff != "" {
			t.Errorf("the replies differ: %s", diff)
		}
	})
}

func TestDeactivatedAccountA12(t *testing.T) {
	h := newHouse(t, quick)
	c := h.account(t)
	certificate := c.issue("a.example.com")
	order, o := c.order("b.example.com")
	a := c.post(c.kid, `{"status":"deactivated","contact":["mailto:a@example.com"]}`).want(t, http.StatusOK)
	if got := read[wire.Account](t, a); got.Status != "deactivated" || got.Contact != nil {
		t.Errorf("%s", a.body)
	}
	for name, url := range map[string]string{
		"account": c.kid, "orders": c.kid + "/orders", "order": order, "authorization": o.Authorizations[0], "certificate": certificate.url,
	} {
		t.Run("A-12 POST-as-GET "+name, func(t *testing.T) {
			c.post(url, "").refused(t, http.StatusUnauthorized, "unauthorized")
		})
	}
	for _, path := range []string{"new-order", "new-authz", "revoke-cert", "key-change"} {
		t.Run("A-12 POST "+path, func(t *testing.T) { c.to(path, "{}").refused(t, http.StatusUnauthorized, "unauthorized") })
	}
	t.Run("A-12 newAccount does not bring it back", func(t *testing.T) {
		c.jwk(at("new-account"), "{}").refused(t, http.StatusUnauthorized, "unauthorized")
		c.jwk(at("new-account"), `{"onlyReturnExisting":true}`).refused(t, http.StatusUnauthorized, "unauthorized")
	})
	t.Run("J-13 a wrong signature learns nothing of it", func(t *testing.T) {
		stranger := *c
		stranger.key = newKey(t)
		stranger.post(c.kid, "").refused(t, http.StatusBadRequest, "malformed")
	})
	t.Run("A-13 an account that the operator revoked", func(t *testing.T) {
		n := h.account(t)
		_, err := h.manage.RevokeAccount(t.Context(), "test", strings.TrimPrefix(n.kid, at("account/")))
		check(t, err)
		n.to("new-order", orderOf("a.example.com")).refused(t, http.StatusUnauthorized, "unauthorized")
		n.jwk(at("new-account"), "{}").refused(t, http.StatusUnauthorized, "unauthorized")
	})
	t.Run("V-08 A-12 its certificate can be revoked by its key", func(t *testing.T) {
		certificate.revoke(t, h, 0).want(t, http.StatusOK)
	})
}
