package issue_test

import (
	"crypto/x509"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

func TestACertificateFromAccountToDownload(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	d := h.issued(r, newKey(t), "www.example.com", "example.com", "WWW.example.com")
	leaf, err := x509.ParseCertificate(d.Certificate.DER)
	check(t, err)
	if want := []string{"example.com", "www.example.com"}; !slices.Equal(leaf.DNSNames, want) {
		t.Errorf("names %v", leaf.DNSNames)
	}
	if life := leaf.NotAfter.Sub(leaf.NotBefore) + time.Second; life != 90*24*time.Hour {
		t.Errorf("validity is %v, both ends included", life)
	}
	verifyChains(t, d, "example.com", h.Clock.Now())
	if got := len(d.Chains[0]); got != 2 {
		t.Errorf("the default chain has %d certificates", got)
	}
}

// verifyChains wants every chain to begin with the same leaf and to lead to the root that the last chain ends in.
func verifyChains(t *testing.T, d issue.Download, name string, now time.Time) {
	t.Helper()
	full := d.Chains[len(d.Chains)-1]
	root, err := x509.ParseCertificate(full[len(full)-1])
	check(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	for i, chain := range d.Chains {
		if !slices.Equal(chain[0], d.Certificate.DER) {
			t.Errorf("chain %d begins with another leaf", i)
		}
		leaf, err := x509.ParseCertificate(chain[0])
		check(t, err)
		between := x509.NewCertPool()
		for _, der := range chain[1:] {
			c, err := x509.ParseCertificate(der)
			check(t, err)
			between.AddCert(c)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: name, CurrentTime: now}); err != nil {
			t.Errorf("chain %d: %v", i, err)
		}
	}
}

// Proves O-18, INC-14.
func TestOneFinalizeOfManyMakesOneCertificate(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order := h.ready(r, dns("one.example.com"))
	csr := request(t, newKey(t), "one.example.com")
	var won atomic.Int32
	var wait sync.WaitGroup
	for range 100 {
		wait.Go(func() {
			view, err := h.issue.Finalize(t.Context(), r, order.ID, csr)
			switch {
			case err == nil && view.Status == acme.Valid:
				won.Add(1)
			case !fault.Is(err, fault.NotReady):
				t.Errorf("a loser got %v (%s)", err, view.Status)
			}
		})
	}
	wait.Wait()
	found, err := h.Store.FindCertificates(t.Context(), pki.Filter{Order: order.ID})
	check(t, err)
	if won.Load() != 1 || len(found) != 1 {
		t.Errorf("%d finalizes succeeded, %d certificates", won.Load(), len(found))
	}
}

func TestABadRequestLeavesTheOrderReady(t *testing.T) {
	h := newHouse(t)
	accountKey := newKey(t)
	r := h.requesterWith(accountKey)
	order := h.ready(r, dns("a.example.com"))
	other := newKey(t)
	h.requesterWith(other)
	for what, csr := range map[string][]byte{
		"no CSR":                request(t, newKey(t), "a.example.com")[:50],
		"another name":          request(t, newKey(t), "b.example.com"),
		"one name too many":     request(t, newKey(t), "a.example.com", "b.example.com"),
		"the account's key":     request(t, accountKey, "a.example.com"),
		"another account's key": request(t, other, "a.example.com"),
	} {
		_, err := h.issue.Finalize(t.Context(), r, order.ID, csr)
		if !fault.Is(err, fault.BadCSR) {
			t.Errorf("O-14 %s: %v", what, err)
		}
	}
	view, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "A.example.com"))
	check(t, err)
	if view.Status != acme.Valid {
		t.Errorf("after the refusals the order is %s", view.Status)
	}
}

// Proves INC-15.
func TestFinalizeWantsAReadyOrder(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	csr := request(t, newKey(t), "a.example.com")
	pending, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	_, err = h.issue.Finalize(t.Context(), r, pending.ID, csr)
	wantKind(t, err, fault.NotReady)

	lost := h.ready(r, dns("a.example.com"))
	_, err = h.issue.DeactivateAuthorization(t.Context(), r, lost.Parts[0].ID)
	check(t, err)
	_, err = h.issue.Finalize(t.Context(), r, lost.ID, csr)
	wantKind(t, err, fault.NotReady)
	view, err := h.issue.Order(t.Context(), r, lost.ID)
	check(t, err)
	if view.Status != acme.Invalid {
		t.Errorf("O-20: the order without its authorization is %s", view.Status)
	}
}

func TestObjectsOfOthersDoNotExist(t *testing.T) {
	h := newHouse(t)
	owner, stranger := h.requester(), h.requester()
	d := h.issued(owner, newKey(t), "a.example.com")
	ctx := t.Context()
	order, err := h.issue.NewOrder(ctx, owner, dns("b.example.com"))
	check(t, err)
	for what, err := range map[string]error{
		"order":         second(h.issue.Order(ctx, stranger, order.ID)),
		"finalize":      second(h.issue.Finalize(ctx, stranger, order.ID, nil)),
		"authorization": second(h.issue.Authorization(ctx, stranger, order.Parts[0].ID)),
		"challenge":     second(h.issue.Respond(ctx, stranger, order.Parts[0].ID, acme.HTTP01)),
		"deactivation":  second(h.issue.DeactivateAuthorization(ctx, stranger, order.Parts[0].ID)),
		"certificate":   second(h.issue.Certificate(ctx, stranger, d.Certificate.ID)),
		"unknown order": second(h.issue.Order(ctx, owner, stranger.Account.ID)),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Proves BR-11, INC-23, INC-86.
func TestAValidAuthorizationServesTheNextOrder(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	h.issued(r, newKey(t), "a.example.com")
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	if order.Status != acme.Ready || len(h.Validator.Looks()) != 1 {
		t.Errorf("the second order is %s after %d looks", order.Status, len(h.Validator.Looks()))
	}
	wild, err := h.issue.NewOrder(t.Context(), r, dns("*.a.example.com", "sub.a.example.com"))
	check(t, err)
	for _, part := range wild.Parts {
		if part.Status != acme.Pending {
			t.Errorf("Z-08: %s is %s without a proof of its own", part.Covers(), part.Status)
		}
	}
	other, err := h.issue.NewOrder(t.Context(), h.requester(), dns("a.example.com"))
	check(t, err)
	if other.Status != acme.Pending {
		t.Errorf("Z-08: another account's order is %s", other.Status)
	}
	h.Clock.Advance(25 * time.Hour)
	later, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	if later.Status != acme.Pending {
		t.Errorf("after its life the authorization still makes an order %s", later.Status)
	}
}

// Proves IP-03.
func TestAnAddressIsCertified(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order := h.ready(r, issue.NewOrder{Names: []issue.Name{{Type: "ip", Value: "192.0.2.7"}}})
	for _, c := range order.Parts[0].Challenges {
		if c.Method == acme.DNS01 {
			t.Error("IP-02: dns-01 is offered for an address")
		}
	}
	key := newKey(t)
	der, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{IPAddresses: []net.IP{net.ParseIP("192.0.2.7")}}, key)
	check(t, err)
	view, err := h.issue.Finalize(t.Context(), r, order.ID, der)
	check(t, err)
	c, err := h.Store.Certificate(t.Context(), view.Order.Certificate)
	check(t, err)
	leaf, err := x509.ParseCertificate(c.DER)
	check(t, err)
	if len(leaf.IPAddresses) != 1 || !leaf.IPAddresses[0].Equal(net.ParseIP("192.0.2.7")) || len(leaf.DNSNames) != 0 {
		t.Errorf("%v %v", leaf.IPAddresses, leaf.DNSNames)
	}
}

func TestNotBeforeAndNotAfterAreKeptOrRefused(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	now := h.Clock.Now()
	asked := dns("a.example.com")
	asked.NotBefore, asked.NotAfter = now, now.Add(24*time.Hour)
	order := h.ready(r, asked)
	view, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
	check(t, err)
	c, err := h.Store.Certificate(t.Context(), view.Order.Certificate)
	check(t, err)
	if !c.NotBefore.Equal(asked.NotBefore) || !c.NotAfter.Equal(asked.NotAfter) {
		t.Errorf("O-03: asked %v to %v, got %v to %v", asked.NotBefore, asked.NotAfter, c.NotBefore, c.NotAfter)
	}
	for what, window := range map[string][2]time.Time{
		"too long":     {now, now.Add(91 * 24 * time.Hour)},
		"backwards":    {now.Add(time.Hour), now},
		"in the past":  {now.Add(-72 * time.Hour), now.Add(time.Hour)},
		"already over": {now.Add(-time.Hour), now.Add(-time.Minute)},
	} {
		asked.NotBefore, asked.NotAfter = window[0], window[1]
		if _, err := h.issue.NewOrder(t.Context(), r, asked); err == nil {
			t.Errorf("O-03: an order that is %s was taken", what)
		}
	}
}

// A profile that changes while a certificate is on its way changes nothing of it: the order names the version.
// Proves PR-03, INC-9.
func TestAProfileChangedMeanwhileChangesNoCertificate(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	change := func(life span.Span) {
		_, err := h.manage.SaveProfile(t.Context(), "test", "", "default", func(s *pki.Spec) error {
			s.Lifetime = life
			return nil
		})
		check(t, err)
	}
	lifetime := func(order string) time.Duration {
		view, err := h.issue.Finalize(t.Context(), r, order, request(t, newKey(t), "a.example.com"))
		check(t, err)
		c, err := h.Store.Certificate(t.Context(), view.Order.Certificate)
		check(t, err)
		return c.NotAfter.Sub(c.NotBefore) + time.Second
	}
	before := h.ready(r, dns("a.example.com"))
	change(30 * span.Day)
	after := h.ready(r, dns("a.example.com"))
	change(20 * span.Day)
	if life := lifetime(before.ID); life != 90*24*time.Hour {
		t.Errorf("the order from before the change made a certificate of %v", life)
	}
	if life := lifetime(after.ID); life != 30*24*time.Hour {
		t.Errorf("the order between the changes made a certificate of %v", life)
	}
}

func TestTheShortLivedProfile(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	asked := dns("a.example.com")
	asked.Profile = "shortlived"
	order := h.ready(r, asked)
	if order.ProfileName != "shortlived" {
		t.Errorf("PR-02: the order says %q", order.ProfileName)
	}
	view, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
	check(t, err)
	c, err := h.Store.Certificate(t.Context(), view.Order.Certificate)
	check(t, err)
	if life := c.NotAfter.Sub(c.NotBefore) + time.Second; life != 160*time.Hour {
		t.Errorf("lives %v", life)
	}
	asked.Profile = "none"
	_, err = h.issue.NewOrder(t.Context(), r, asked)
	wantKind(t, err, fault.InvalidProfile)
}

func TestOrdersOfOneSecondAreListedInTheirSequence(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	var want []string
	for range 20 {
		h.Clock.Advance(time.Millisecond)
		order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
		check(t, err)
		want = append([]string{order.ID}, want...) // newest first
	}
	got, _, err := h.issue.Orders(t.Context(), r, "")
	check(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
