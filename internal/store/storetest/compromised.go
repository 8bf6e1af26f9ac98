package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func testCompromised(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"others of the key":         testCompromisedOthers,
		"expired":                   testCompromisedExpired,
		"another issuer":            testCompromisedIssuers,
		"blocked during issuance":   testCompromisedBegun,
		"a claim is not a proof":    testCompromisedClaim,
		"revoked for other reasons": testCompromisedRevoked,
		"steps":                     testCompromisedSteps,
	})
}

// compromised returns the certificates of blocked keys that are in use, oldest first.
func (w *World) compromised(now time.Time) []pki.Certificate {
	w.Helper()
	found := load(w, func() ([]pki.Certificate, error) { return w.Store.Compromised(background(), now, everything) })
	slices.SortFunc(found, func(a, b pki.Certificate) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return found
}

// compromise blocks a key that another certificate has too, and returns that one.
func (w *World) compromise() pki.Certificate {
	w.Helper()
	account, subject := w.NewAccount(), w.newSubject()
	proven, other := w.issueFor(account.ID, subject), w.issueFor(account.ID, subject)
	_, err := w.revoke(proven.ID, Noon, pki.KeyCompromise, true)
	must(w, err)
	return other
}

func testCompromisedOthers(t *testing.T, w *World) {
	account, subject := w.NewAccount(), w.newSubject()
	first, second, third := w.issueFor(account.ID, subject), w.issueFor(account.ID, subject), w.issueFor(w.NewAccount().ID, subject)
	w.Issue(account.ID, "example.com") // another key
	same(t, "before a key is blocked", w.compromised(Noon), []pki.Certificate(nil))
	_, err := w.revoke(second.ID, Noon, pki.KeyCompromise, true)
	must(t, err)
	same(t, "the others of the key", w.compromised(Noon), []pki.Certificate{first, third})

	_, err = w.revoke(first.ID, Noon, pki.KeyCompromise, true)
	must(t, err)
	same(t, "what is left", w.compromised(Noon), []pki.Certificate{third})
	_, err = w.revoke(third.ID, Noon, pki.KeyCompromise, false)
	must(t, err)
	same(t, "a key without a certificate in use", w.compromised(Noon), []pki.Certificate(nil))
}

// What is expired needs no revocation, and does not hide what is not.
func testCompromisedExpired(t *testing.T, w *World) {
	account, subject := w.NewAccount(), w.newSubject()
	issue := func(days int) pki.Certificate {
		i, _ := w.intentFor(w.NewReadyOrder(account.ID, "example.com"), subject)
		i.NotAfter = Noon.AddDate(0, 0, days)
		der := w.sign(&i, subject)
		w.Begin(i)
		return w.Complete(i, der)
	}
	long, short, proven := issue(20), issue(10), issue(30)
	_, err := w.revoke(proven.ID, Noon, pki.KeyCompromise, true)
	must(t, err)
	for _, step := range []struct {
		now  time.Time
		want []pki.Certificate
	}{
		{short.NotAfter, []pki.Certificate{long, short}}, // the last second is a valid one
		{short.NotAfter.Add(time.Second), []pki.Certificate{long}},
		{long.NotAfter, []pki.Certificate{long}},
		{long.NotAfter.Add(time.Second), nil},
	} {
		same(t, step.now.String(), w.compromised(step.now), step.want)
	}
	_, err = w.revoke(long.ID, Noon, pki.KeyCompromise, false) // the longest first
	must(t, err)
	same(t, "the shorter one", w.compromised(Noon), []pki.Certificate{short})
}

func testCompromisedIssuers(t *testing.T, w *World) {
	account, subject := w.NewAccount(), w.newSubject()
	proven := w.issueFor(account.ID, subject)
	i, der := w.intentFor(acme.Order{Account: account.ID, Identifiers: w.Names("example.com")}, subject)
	i.Issuer, i.Serial = w.secondIssuer().ID, proven.Serial
	w.Begin(i)
	other := w.Complete(i, der)
	_, err := w.revoke(proven.ID, Noon, pki.KeyCompromise, true)
	must(t, err)
	same(t, "the certificate of the other issuer", w.compromised(Noon), []pki.Certificate{other})
}

// A key that is blocked between the intent and the signature gets its certificate recorded, and found.
func testCompromisedBegun(t *testing.T, w *World) {
	account, subject := w.NewAccount(), w.newSubject()
	proven := w.issueFor(account.ID, subject)
	completed, der := w.intentFor(w.NewReadyOrder(account.ID, "example.com"), subject)
	w.Begin(completed)
	abandoned, _ := w.intentFor(w.NewReadyOrder(account.ID, "example.com"), subject)
	w.Begin(abandoned)
	_, err := w.revoke(proven.ID, Noon, pki.KeyCompromise, true)
	must(t, err)
	same(t, "before the signature", w.compromised(Noon), []pki.Certificate(nil))
	must(t, w.abandon(abandoned.ID))
	c := w.Complete(completed, der)
	same(t, "after the signature", w.compromised(Noon), []pki.Certificate{c})
	_, err = w.revoke(c.ID, Noon, pki.KeyCompromise, false)
	must(t, err)
	same(t, "after the revocation", w.compromised(Noon), []pki.Certificate(nil))
}

func testCompromisedClaim(t *testing.T, w *World) {
	account, subject := w.NewAccount(), w.newSubject()
	claimed, other := w.issueFor(account.ID, subject), w.issueFor(account.ID, subject)
	_, err := w.revoke(claimed.ID, Noon, pki.KeyCompromise, false)
	must(t, err)
	same(t, "after a claim", w.compromised(Noon), []pki.Certificate(nil))
	_, err = w.revoke(claimed.ID, Noon, pki.KeyCompromise, true)
	must(t, err)
	same(t, "after the proof", w.compromised(Noon), []pki.Certificate{other})
}

func testCompromisedRevoked(t *testing.T, w *World) {
	account, subject := w.NewAccount(), w.newSubject()
	proven, superseded, other := w.issueFor(account.ID, subject), w.issueFor(account.ID, subject), w.issueFor(account.ID, subject)
	_, err := w.revoke(superseded.ID, Noon, pki.Superseded, false)
	must(t, err)
	_, err = w.revoke(proven.ID, Noon, pki.KeyCompromise, true)
	must(t, err)
	same(t, "what was not revoked", w.compromised(Noon), []pki.Certificate{other})
	_, err = w.revoke(superseded.ID, Noon, pki.KeyCompromise, false) // another reason is no other state
	must(t, err)
	same(t, "what was not revoked", w.compromised(Noon), []pki.Certificate{other})
}

// Revoking what a page has leads to the next one, and to an end.
func testCompromisedSteps(t *testing.T, w *World) {
	want := map[string]bool{}
	for range 5 {
		want[w.compromise().ID] = true
	}
	for round := range 3 {
		page, err := w.Store.Compromised(background(), Noon, 2)
		must(t, err)
		if len(page) != min(2, 5-2*round) {
			t.Fatalf("page %d has %d certificates", round, len(page))
		}
		for _, c := range page {
			if !want[c.ID] {
				t.Errorf("certificate %s was there before, or should not be", c.ID)
			}
			delete(want, c.ID)
			e := w.Event(event.CertificateRevoked, c.ID)
			_, err := w.Store.Revoke(background(), c.ID, Noon, pki.KeyCompromise, false, e)
			must(t, err)
		}
	}
	for _, limit := range []int{0, everything} {
		page, err := w.Store.Compromised(background(), Noon, limit)
		must(t, err)
		same(t, "what is left", page, []pki.Certificate(nil))
	}
}
