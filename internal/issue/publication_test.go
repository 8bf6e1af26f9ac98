package issue_test

import "testing"

func TestEveryListIsKnownByItsNumberAlsoWhenNothingIsDue(t *testing.T) {
	h := newHouse(t)
	numbers := func() map[string]int64 {
		lists, err := h.issue.RevocationLists(t.Context())
		check(t, err)
		found := make(map[string]int64)
		for _, list := range lists {
			if list.DER != nil {
				t.Error("a list comes with its bytes")
			}
			found[list.Issuer] = list.Number
		}
		return found
	}
	issuers, err := h.Store.Issuers(t.Context())
	check(t, err)
	if before := numbers(); len(before) != len(issuers) {
		t.Errorf("%d lists of %d issuers", len(before), len(issuers))
	}
	h.list()
	for _, issuer := range issuers {
		newest, err := h.issue.RevocationList(t.Context(), issuer.ID, 1)
		check(t, err)
		if got := numbers()[issuer.ID]; got != 1 || got != newest.Number {
			t.Errorf("%s: number %d, and the list has %d", issuer.Name, got, newest.Number)
		}
	}
}
