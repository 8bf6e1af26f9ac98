package issue_test

import (
	"reflect"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
)

// TestLookKnowsTheRules by which a redirect may lead to other hosts: those of the connector that is asked.
func TestLookKnowsTheRules(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	r.Connector.Rules.Names = []string{".example.com"}
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	_, err = h.issue.Respond(t.Context(), r, order.Parts[0].ID, acme.HTTP01)
	check(t, err)
	if got := h.validator.looks[0].Rules; !reflect.DeepEqual(got, r.Connector.Rules) {
		t.Errorf("got %+v, want %+v", got, r.Connector.Rules)
	}
}
