package acme_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Proves CAA-10, E-03, E-04. A refusal by CAA records is 403 "caa" with a subproblem for each name, and leaves the order ready.
func TestRefusedByCAA(t *testing.T) {
	h := newHouse(t, quick)
	h.rules(t, "default", func(r *policy.Rules) { r.CAAIdentities = []string{"ca.test"} })
	c := h.account(t)
	_, o := c.ready("a.example.com", "b.example.com", "c.example.com")
	h.Validator.Permit(func(_ context.Context, q caa.Question) acme.Outcome {
		if q.Name.Value() == "b.example.com" {
			return acme.Outcome{}
		}
		return acme.Outcome{Failure: &acme.Failure{Kind: string(fault.CAA), Public: "The CAA records of " + q.Name.Value() + " forbid it.", Identifier: q.Name}}
	})
	csr := finalizeWith(t, newKey(t), "a.example.com", "b.example.com", "c.example.com")
	d := c.post(o.Finalize, csr).refused(t, http.StatusForbidden, "caa")
	if len(d.Subproblems) != 2 {
		t.Fatalf("%+v", d)
	}
	for i, name := range []string{"a.example.com", "c.example.com"} {
		sub := d.Subproblems[i]
		if sub.Type != errorTypes+"caa" || sub.Identifier == nil || sub.Identifier.Value != name || sub.Detail != "The CAA records of "+name+" forbid it." {
			t.Errorf("%+v", sub)
		}
	}
	h.Validator.Permit(nil)
	c.post(o.Finalize, csr).want(t, http.StatusOK)
}
