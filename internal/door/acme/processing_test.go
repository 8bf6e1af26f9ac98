package acme_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/wire"
	door "github.com/everleaf-pki/everleaf/internal/door/acme"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// slow is the real use cases, but for orders: these are as the test says.
type slow struct {
	door.Service
	view issue.OrderView
}

func (s *slow) Finalize(context.Context, issue.Requester, string, []byte) (issue.OrderView, error) {
	return s.view, nil
}

func (s *slow) Order(context.Context, issue.Requester, string) (issue.OrderView, error) {
	return s.view, nil
}

func TestSlowOrder(t *testing.T) {
	h := newHouse(t, quick)
	s := &slow{Service: h.service}
	h.through(t, s)
	c := h.account(t)
	s.view = issue.OrderView{Order: acme.Order{ID: "o1"}, Status: acme.Processing, RetryAfter: 1500 * time.Millisecond}
	t.Run("O-13 finalize while the certificate is being made", func(t *testing.T) {
		a := c.to("order/o1/finalize", `{"csr":"AAAA"}`).want(t, http.StatusOK)
		if read[wire.Order](t, a).Status != "processing" || a.header.Get("Retry-After") != "2" || a.header.Get("Location") != at("order/o1") {
			t.Errorf("header %v: %s", a.header, a.body)
		}
	})
	t.Run("O-13 a look at it", func(t *testing.T) {
		if a := c.to("order/o1", "").want(t, http.StatusOK); a.header.Get("Retry-After") != "2" {
			t.Errorf("header %v", a.header)
		}
	})

	name, err := ident.ParseDNS("a.example.com")
	check(t, err)
	other, err := ident.ParseDNS("b.example.com")
	check(t, err)
	one := `"subproblems":[{"type":"urn:ietf:params:acme:error:caa","detail":"Forbidden.","identifier":{"type":"dns","value":"a.example.com"}}]`
	failures := map[string]struct {
		failure acme.Failure
		want    string
	}{
		"without identifier": {
			acme.Failure{Kind: string(fault.Unavailable), Public: "Too late."},
			`"error":{"type":"urn:ietf:params:acme:error:serverInternal","detail":"Too late.","status":503}`,
		},
		"with its identifier": {acme.Failure{Kind: string(fault.CAA), Public: "Forbidden.", Identifier: name}, one},
		"with several": {
			acme.Failure{Kind: string(fault.RejectedIdentifier), Public: "Two.", Subs: []acme.Failure{
				{Kind: string(fault.CAA), Public: "Forbidden.", Identifier: name}, {Kind: string(fault.DNS), Public: "No answer.", Identifier: other},
			}},
			strings.TrimSuffix(one, "]") + `,{"type":"urn:ietf:params:acme:error:dns","detail":"No answer.","identifier":{"type":"dns","value":"b.example.com"}}]`,
		},
	}
	for what, f := range failures {
		t.Run("E-03 E-04 the error of an order "+what, func(t *testing.T) {
			s.view = issue.OrderView{Order: acme.Order{ID: "o1", Failure: &f.failure}, Status: acme.Invalid}
			a := c.to("order/o1", "").want(t, http.StatusOK)
			if !strings.Contains(string(a.body), f.want) {
				t.Error(cmp.Diff(f.want, string(a.body)))
			}
			if d := read[struct{ Error document }](t, a); d.Error.Identifier != nil {
				t.Errorf("an identifier at the top: %s", a.body)
			}
		})
	}
}
