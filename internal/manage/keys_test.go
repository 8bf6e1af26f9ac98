package manage_test

import (
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// A key that an operator blocks is blocked with an event; the key of an issuer is not one to block.
// Proves BR-04.
func TestBlockKeys(t *testing.T) {
	i := newReady(t)
	c := i.issue(t, "a.example.com")
	_, err := i.BlockKeys(t.Context(), operator, nil)
	expect(t, err, fault.Malformed, "1 to 2000 keys")
	own := pki.HashKey(parse(t, i.issuers(t, "default")[0].Certificate).RawSubjectPublicKeyInfo)
	_, err = i.BlockKeys(t.Context(), operator, []pki.KeyHash{c.KeyHash, own})
	expect(t, err, fault.Conflict, "that of the issuer default")
	for _, want := range []int{1, 0} {
		if added, err := i.BlockKeys(t.Context(), operator, []pki.KeyHash{c.KeyHash}); err != nil || added != want {
			t.Errorf("%d are new (%v), want %d", added, err, want)
		}
	}
	found, err := i.BlockedKeys(t.Context(), pki.KeyHash{}, 10)
	if err != nil || len(found) != 1 || found[0].Key != c.KeyHash {
		t.Errorf("%v (%v)", found, err)
	}
	events, err := i.Store.Events(t.Context(), c.KeyHash.String(), "", 10)
	if err != nil || len(events) != 1 || events[0].Action != event.KeysBlocked || events[0].Actor != string(operator) {
		t.Errorf("%+v (%v)", events, err)
	}
	if compromised, err := i.Store.Compromised(t.Context(), i.Clock.Now(), 10); err != nil || len(compromised) != 1 {
		t.Errorf("%d certificates wait for their revocation (%v)", len(compromised), err)
	}
}
