package acme_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestIsolation calls every resource with objects that belong to somebody else.
// Proves INC-65.
func TestIsolation(t *testing.T) {
	h := newHouse(t, quick)
	h.connect(t, "second", nil)
	owner := h.account(t)
	got := owner.issue("a.example.com")
	order, o := owner.order("b.example.com")
	id := func(u string) string { return u[strings.LastIndex(u, "/")+1:] }
	neighbour, stranger := h.account(t), h.client(t).of("second").register()
	csr := finalizeWith(t, newKey(t), "b.example.com")
	resources := []struct {
		path, missing string
		payloads      []string
	}{
		{"order/" + id(order), "order/aaaaaaaaaaaaaaaaaaaa", []string{""}},
		{"order/" + id(order) + "/finalize", "order/aaaaaaaaaaaaaaaaaaaa/finalize", []string{csr}},
		{"authz/" + id(o.Authorizations[0]), "authz/aaaaaaaaaaaaaaaaaaaa", []string{"", `{"status":"deactivated"}`}},
		{"challenge/" + id(o.Authorizations[0]) + "/http-01", "challenge/aaaaaaaaaaaaaaaaaaaa/http-01", []string{"", "{}"}},
		{"certificate/" + id(got.url), "certificate/aaaaaaaaaaaaaaaaaaaa", []string{""}},
		{"certificate/" + id(got.url) + "/1", "certificate/aaaaaaaaaaaaaaaaaaaa/1", []string{""}},
		{"certificate/" + id(got.url) + "/0/issuer/1", "certificate/aaaaaaaaaaaaaaaaaaaa/0/issuer/1", []string{""}},
	}
	for _, r := range resources {
		for _, payload := range r.payloads {
			name := strings.Split(r.path, "/")[0] + " " + payload
			for who, c := range map[string]*client{"O-22 Z-05 CE-04 another account": neighbour, "an account of another connector": stranger} {
				t.Run(who+": "+name, func(t *testing.T) {
					existing := c.to(r.path, payload).refused(t, http.StatusNotFound, "malformed")
					missing := c.to(r.missing, payload).refused(t, http.StatusNotFound, "malformed")
					if diff := cmp.Diff(existing, missing); diff != "" {
						t.Errorf("SC-01: it tells what exists: %s", diff)
					}
				})
			}
			t.Run("the owner at another connector: "+name, func(t *testing.T) {
				owner.post(base+"/acme/second/"+r.path, payload).refused(t, http.StatusBadRequest, "accountDoesNotExist")
			})
			t.Run("an id cut or lengthened: "+name, func(t *testing.T) {
				parts := strings.SplitN(r.path, "/", 3)
				for _, wrong := range []string{parts[1][:len(parts[1])-1], parts[1] + "a", parts[1] + "%20", parts[1] + ";x", "%2e" + parts[1], "*"} {
					parts[1] = wrong
					owner.to(strings.Join(parts, "/"), payload).refused(t, http.StatusNotFound, "malformed")
				}
			})
		}
	}
	t.Run("nothing changed", func(t *testing.T) {
		if list := owner.post(order, "").want(t, http.StatusOK); !strings.Contains(string(list.body), `"status":"pending"`) {
			t.Errorf("%s", list.body)
		}
		if len(h.Validator.Looks()) != 1 {
			t.Errorf("%d looks", len(h.Validator.Looks()))
		}
	})
}
