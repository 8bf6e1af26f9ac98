package issue_test

import (
	"crypto/x509"
	"net/netip"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ari"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// renewalID is what RFC 9773 section 4.1 calls a certificate.
func renewalID(t *testing.T, c pki.Certificate) string {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.DER)
	check(t, err)
	return ari.ID{Authority: leaf.AuthorityKeyId, Serial: c.Serial}.String()
}

func (h *house) renewal(c pki.Certificate) ari.Advice {
	h.t.Helper()
	advice, err := h.issue.Renewal(h.t.Context(), h.connector, netip.Addr{}, renewalID(h.t, c))
	check(h.t, err)
	return advice
}

// An operator's word counts from the next question on, for what was issued before it, until it is ended.
func TestOverriddenRenewal(t *testing.T) {
	h := newHouse(t)
	c := h.issued(h.requester(), newKey(t), "a.example.com").Certificate
	own := h.renewal(c)
	h.Clock.Advance(time.Hour)
	made, covered, err := h.manage.OverrideRenewal(t.Context(), "test", manage.NewOverride{
		Set: manage.CertificateFilter{Issuer: "default", Connector: "default", Profile: "default", Account: c.Account}, Explanation: "https://ca.test/why",
	})
	check(t, err)
	if got := h.renewal(c); got.Window != made.Window || got.Explanation != "https://ca.test/why" || got.RetryAfter != own.RetryAfter {
		t.Errorf("overridden it is %+v, want %+v", got, made.Window)
	}
	if covered.Certificates != 1 {
		t.Errorf("it covers %d certificates", covered.Certificates)
	}
	h.Clock.Advance(time.Hour)
	later := h.issued(h.requester(), newKey(t), "a.example.com").Certificate
	if got := h.renewal(later); got.Window == made.Window || got.Explanation != "" {
		t.Errorf("what was issued after the override is told %+v", got)
	}
	_, err = h.manage.EndOverride(t.Context(), "test", made.ID)
	check(t, err)
	if got := h.renewal(c); got != own {
		t.Errorf("after the override it is %+v, before it was %+v", got, own)
	}
}

// A key that turns out to be compromised calls its certificates back before they are revoked. Proves AR-03.
func TestRenewalWithABlockedKey(t *testing.T) {
	h := newHouse(t)
	r, key := h.requester(), newKey(t)
	first, second := h.issued(r, key, "a.example.com").Certificate, h.issued(r, key, "b.example.com").Certificate
	h.Clock.Advance(time.Hour)
	_, err := h.Store.Revoke(t.Context(), first.ID, h.Clock.Now(), pki.KeyCompromise, true, h.Event(event.CertificateRevoked, first.ID))
	check(t, err)
	if got := h.renewal(second); !got.End.Before(h.Clock.Now()) {
		t.Errorf("the other certificate of the key is told %+v", got)
	}
}

// A suspended connector issues nothing, and still tells when to renew.
func TestRenewalAtASuspendedConnector(t *testing.T) {
	h := newHouse(t)
	c := h.issued(h.requester(), newKey(t), "a.example.com").Certificate
	_, err := h.manage.SuspendConnector(t.Context(), "test", "default")
	check(t, err)
	h.connector, err = h.issue.Connector(t.Context(), h.connector.Kind, "default")
	check(t, err)
	h.renewal(c)
}

// The new certificate says which one it replaced, and the operator sees both. Proves AR-04.
func TestLineage(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	first := h.issued(r, newKey(t), "a.example.com").Certificate
	wanted := dns("a.example.com")
	wanted.Replaces = renewalID(t, first)
	order := h.ready(r, wanted)
	view, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
	check(t, err)
	newer, err := h.manage.Certificate(t.Context(), view.Order.Certificate)
	check(t, err)
	older, err := h.manage.Certificate(t.Context(), first.ID)
	check(t, err)
	if newer.Replaces != first.ID || newer.ReplacedBy != "" || older.ReplacedBy != newer.ID || older.Replaces != "" {
		t.Errorf("%s replaces %q and is replaced by %q; %s replaces %q and is replaced by %q",
			newer.ID, newer.Replaces, newer.ReplacedBy, older.ID, older.Replaces, older.ReplacedBy)
	}
}

// What may not be replaced opens no order. Proves AR-04, INC-76.
func TestReplacesWantsTheOwnCertificate(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	c := h.issued(owner, newKey(t), "a.example.com").Certificate
	id := renewalID(t, c)
	issuers, err := h.Store.Issuers(t.Context())
	check(t, err)
	for what, test := range map[string]struct {
		who      issue.Requester
		replaces string
		name     string
		kind     fault.Kind
	}{
		"another account's":       {h.requester(), id, "a.example.com", fault.Unauthorized},
		"no name in common":       {owner, id, "b.example.com", fault.Malformed},
		"the name as a wildcard":  {owner, id, "*.a.example.com", fault.Malformed},
		"another serial number":   {owner, id[:len(id)-2] + "AA", "a.example.com", fault.NotFound},
		"no certificate's name":   {owner, "x", "a.example.com", fault.Malformed},
		"an issuer's certificate": {owner, renewalID(t, pki.Certificate{DER: issuers[0].Certificate, Serial: "01"}), "a.example.com", fault.NotFound},
	} {
		wanted := dns(test.name)
		wanted.Replaces = test.replaces
		_, err := h.issue.NewOrder(t.Context(), test.who, wanted)
		if !fault.Is(err, test.kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ids, _, err := h.issue.Orders(t.Context(), owner, "")
	check(t, err)
	if len(ids) != 1 {
		t.Errorf("%d orders, want the one of the certificate", len(ids))
	}
}
