package issue_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// under returns the requester as a request after a change of the rules would be admitted.
func under(r issue.Requester, change func(*policy.Rules)) issue.Requester {
	change(&r.Connector.Rules)
	return r
}

// TestFinalizeJudgesByTheRulesOfNow opens and proves an order, changes the rules and finalizes.
// Proves O-20, PR-01.
func TestFinalizeJudgesByTheRulesOfNow(t *testing.T) {
	for what, c := range map[string]struct {
		change  func(*policy.Rules)
		kind    fault.Kind // "" is allowed
		refused string     // the identifiers in subproblems
	}{
		"nothing":                 {func(*policy.Rules) {}, "", ""},
		"another name":            {func(r *policy.Rules) { r.Names = []string{".example.com", "example.org"} }, "", ""},
		"another method as well":  {func(r *policy.Rules) { r.Methods = []acme.Method{acme.HTTP01, acme.DNS01} }, "", ""},
		"another default profile": {func(r *policy.Rules) { r.Profiles = []string{"shortlived", "default"} }, "", ""},
		"a name taken back":       {func(r *policy.Rules) { r.Names = []string{"a.example.com"} }, fault.RejectedIdentifier, "b.example.com"},
		"fewer names at once":     {func(r *policy.Rules) { r.MaxIdentifiers = 1 }, fault.RejectedIdentifier, ""},
		"the method taken back":   {func(r *policy.Rules) { r.Methods = []acme.Method{acme.DNS01} }, fault.Unauthorized, "a.example.com b.example.com"},
		"the profile taken back":  {func(r *policy.Rules) { r.Profiles = []string{"shortlived"} }, fault.InvalidProfile, ""},
	} {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t)
			r := h.requester()
			order := h.ready(r, dns("a.example.com", "b.example.com"))
			csr := request(t, newKey(t), "a.example.com", "b.example.com")
			view, err := h.issue.Finalize(t.Context(), under(r, c.change), order.ID, csr)
			if c.kind == "" {
				if err != nil || view.Status != acme.Valid {
					t.Errorf("%s %v", view.Status, err)
				}
				return
			}
			wantKind(t, err, c.kind)
			if got := strings.Join(refusedIn(err), " "); got != c.refused {
				t.Errorf("subproblems for %q, want %q", got, c.refused)
			}
			after, err := h.issue.Order(t.Context(), r, order.ID)
			check(t, err)
			if after.Status != acme.Ready {
				t.Errorf("after the refusal the order is %s", after.Status)
			}
			if view, err := h.issue.Finalize(t.Context(), r, order.ID, csr); err != nil || view.Status != acme.Valid {
				t.Errorf("allowed again: %s %v", view.Status, err)
			}
		})
	}
}

// refusedIn returns the identifiers in the subproblems of an error.
func refusedIn(err error) []string {
	refusal, _ := errors.AsType[*fault.Error](err)
	var out []string
	for _, sub := range refusal.Subs {
		out = append(out, sub.Identifier.Value())
	}
	return out
}

// TestOneNameByAnUnwantedMethodIsEnough: each authorization counts for itself.
func TestOneNameByAnUnwantedMethodIsEnough(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com", "b.example.com"))
	check(t, err)
	for i, m := range []acme.Method{acme.DNS01, acme.HTTP01} {
		_, err := h.issue.Respond(t.Context(), r, order.Parts[i].ID, m)
		check(t, err)
	}
	strict := under(r, func(r *policy.Rules) { r.Methods = []acme.Method{acme.DNS01} })
	_, err = h.issue.Finalize(t.Context(), strict, order.ID, request(t, newKey(t), "a.example.com", "b.example.com"))
	wantKind(t, err, fault.Unauthorized)
	if got := refusedIn(err); len(got) != 1 || got[0] != order.Parts[1].Covers().Value() {
		t.Errorf("refused %v", got)
	}
	again, err := h.issue.NewOrder(t.Context(), strict, dns("a.example.com", "b.example.com"))
	check(t, err)
	if again.Parts[0].Status != acme.Valid || again.Parts[1].Status != acme.Pending {
		t.Errorf("a new order rests on %s and %s", again.Parts[0].Status, again.Parts[1].Status)
	}
}

func TestRespondJudgesByTheRulesOfNow(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	id := h.pending(r, 1)[0]
	for what, c := range map[string]struct {
		change func(*policy.Rules)
		kind   fault.Kind
	}{
		"the name taken back":   {func(r *policy.Rules) { r.Names = []string{"other.example"} }, fault.RejectedIdentifier},
		"the method taken back": {func(r *policy.Rules) { r.Methods = []acme.Method{acme.DNS01} }, fault.Unauthorized},
	} {
		_, err := h.issue.Respond(t.Context(), under(r, c.change), id, acme.HTTP01)
		if !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(h.Validator.Looks()) != 0 {
		t.Error("the validator looked")
	}
	a, err := h.issue.Respond(t.Context(), r, id, acme.HTTP01)
	if err != nil || a.Status != acme.Valid {
		t.Errorf("allowed again: %s %v", a.Status, err)
	}
}
