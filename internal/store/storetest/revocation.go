package storetest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// standing returns what is known of a serial number of the issuer.
func (w *World) standing(serial pki.Serial) pki.Standing {
	w.Helper()
	return load(w, func() (pki.Standing, error) { return w.Store.Standing(background(), w.Issuer.ID, serial) })
}

// A serial number is known from the moment when it may be signed. Proves INC-5, INC-39.
func testStanding(t *testing.T, w *World) {
	i, der := w.Intent(w.NewReadyOrder(w.NewAccount().ID, "example.com"))
	unknown := func(issuer string, serial pki.Serial) {
		t.Helper()
		_, err := w.Store.Standing(background(), issuer, serial)
		wantKind(t, err, fault.NotFound)
	}
	unknown(w.Issuer.ID, i.Serial)
	w.Begin(i)
	same(t, "while it is signed", w.standing(i.Serial), pki.Standing{Pending: true})
	c := w.Complete(i, der)
	same(t, "issued", w.standing(i.Serial), pki.Standing{})
	other := w.secondIssuer()
	unknown(other.ID, i.Serial)
	unknown(w.Issuer.ID, "00"+i.Serial)
	_, err := w.revoke(c.ID, Noon, pki.Superseded, false)
	must(t, err)
	same(t, "revoked", w.standing(i.Serial), pki.Standing{Revoked: Noon, Reason: pki.Superseded})

	sibling, _ := w.Intent(acme.Order{Identifiers: w.Names("example.com")})
	sibling.Serial, sibling.Issuer = i.Serial, other.ID
	w.Begin(sibling)
	must(t, w.complete(sibling.ID, der))
	got, err := w.Store.Standing(background(), other.ID, i.Serial)
	must(t, err)
	same(t, "the same number of another issuer", got, pki.Standing{})

	lost, _ := w.Intent(w.NewReadyOrder(w.NewAccount().ID, "example.com"))
	w.Begin(lost)
	must(t, w.abandon(lost.ID))
	same(t, "abandoned", w.standing(lost.Serial), pki.Standing{Revoked: Noon})
}

func testRevocation(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"revoke":               testRevoke,
		"standing":             testStanding,
		"key compromise":       testRevokeCompromise,
		"proof after a claim":  testRevokeProves,
		"blocked keys":         testRevokeBlocks,
		"keys are blocked":     testBlockKeys,
		"parallel revocations": testRevokeRace,
	})
}

func (w *World) revoke(id string, at time.Time, reason pki.Reason, block bool) (pki.Certificate, error) {
	return w.Store.Revoke(background(), id, at, reason, block, w.Event(event.CertificateRevoked, id))
}

func testRevoke(t *testing.T, w *World) {
	account := w.NewAccount()
	for _, reason := range []pki.Reason{pki.Unspecified, pki.KeyCompromise, pki.Superseded, pki.PrivilegeWithdrawn} {
		want := w.Issue(account.ID, "example.com")
		want.Revoked, want.Reason = Noon.Add(time.Hour), reason
		e := w.Event(event.CertificateRevoked, want.ID)
		w.tells(e, func() {
			got, err := w.Store.Revoke(background(), want.ID, want.Revoked.Add(time.Millisecond), reason, false, e)
			must(t, err)
			same(t, "the revoked certificate", got, want)
		})
		got, err := w.Store.Certificate(background(), want.ID)
		must(t, err)
		same(t, "the stored certificate", got, want)
		for _, again := range []pki.Reason{pki.Unspecified, pki.Superseded, reason} {
			_ = w.refuses(fault.AlreadyRevoked, func() error { _, err := w.revoke(want.ID, Noon, again, false); return err })
		}
	}
	_ = w.refuses(fault.NotFound, func() error { _, err := w.revoke(w.ID(), Noon, pki.Superseded, true); return err })

	unlisted, der := w.Intent(w.NewReadyOrder(account.ID, "example.com"))
	unlisted.Shard = 0
	w.Begin(unlisted)
	w.Complete(unlisted, der)
	_, err := w.revoke(unlisted.ID, Noon, pki.Superseded, false)
	must(t, err)
}

// A key that turns out to be compromised is said to be so, even if the certificate was revoked for another reason.
func testRevokeCompromise(t *testing.T, w *World) {
	c := w.Issue(w.NewAccount().ID, "example.com")
	want, err := w.revoke(c.ID, Noon, pki.Superseded, false)
	must(t, err)
	w.publish(1, 1) // the list has the old reason
	want.Reason = pki.KeyCompromise
	got, err := w.revoke(c.ID, Noon.Add(time.Hour), pki.KeyCompromise, true)
	must(t, err)
	same(t, "the certificate", got, want) // with the first date
	if crl := w.crl(1); !crl.Stale {
		t.Error("the list with the old reason is not stale")
	}
	blocked, err := w.Store.KeyBlocked(background(), c.KeyHash)
	must(t, err)
	if !blocked {
		t.Error("the key is not blocked")
	}
	_ = w.refuses(fault.AlreadyRevoked, func() error { _, err := w.revoke(c.ID, Noon, pki.KeyCompromise, true); return err })
}

// The proof of a compromise may come after the claim: the key is blocked although nothing is left to revoke.
func testRevokeProves(t *testing.T, w *World) {
	c := w.Issue(w.NewAccount().ID, "example.com")
	want, err := w.revoke(c.ID, Noon, pki.KeyCompromise, false)
	must(t, err)
	got, err := w.revoke(c.ID, Noon.Add(time.Hour), pki.KeyCompromise, true)
	must(t, err)
	same(t, "the certificate", got, want)
	blocked, err := w.Store.KeyBlocked(background(), c.KeyHash)
	must(t, err)
	if !blocked {
		t.Error("the key is not blocked")
	}
	_ = w.refuses(fault.AlreadyRevoked, func() error { _, err := w.revoke(c.ID, Noon, pki.KeyCompromise, true); return err })
}

// Keys that an operator blocks are blocked once, count as compromised with the certificates that they have, and are
// listed.
func testBlockKeys(t *testing.T, w *World) {
	c := w.Issue(w.NewAccount().ID, "example.com")
	unused := pki.HashKey([]byte("a key that nobody has yet"))
	e := w.Event(event.KeysBlocked, "")
	w.tells(e, func() {
		added, err := w.Store.BlockKeys(background(), []pki.KeyHash{c.KeyHash, unused, unused}, Noon, e)
		must(t, err)
		same(t, "how many are new", added, 2)
	})
	found, err := w.Store.Compromised(background(), Noon, 10)
	must(t, err)
	same(t, "the compromised certificates", found, []pki.Certificate{c})
	again := w.Event(event.KeysBlocked, "")
	added, err := w.Store.BlockKeys(background(), []pki.KeyHash{unused}, Noon.Add(time.Hour), again)
	must(t, err)
	same(t, "how many are new the second time", added, 0)
	want := []pki.BlockedKey{{Key: c.KeyHash, Since: Noon}, {Key: unused, Since: Noon}}
	slices.SortFunc(want, func(a, b pki.BlockedKey) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	first, err := w.Store.BlockedKeys(background(), pki.KeyHash{}, 1)
	must(t, err)
	rest, err := w.Store.BlockedKeys(background(), first[0].Key, 10)
	must(t, err)
	same(t, "the blocked keys", append(first, rest...), want)
	i, _ := w.Intent(w.NewReadyOrder(w.NewAccount().ID, "example.org"))
	i.KeyHash = unused
	_ = w.refuses(fault.BadPublicKey, func() error { return w.Store.BeginIssuance(background(), i) })
}

func testRevokeBlocks(t *testing.T, w *World) {
	account, subject := w.NewAccount(), w.newSubject()
	first, second := w.issueFor(account.ID, subject), w.issueFor(account.ID, subject)
	other := w.Issue(account.ID, "example.com")
	for _, c := range []pki.Certificate{first, second, other} { // blocking twice is no error
		_, err := w.revoke(c.ID, Noon, pki.KeyCompromise, c.ID != other.ID)
		must(t, err)
	}
	for key, want := range map[pki.KeyHash]bool{first.KeyHash: true, other.KeyHash: false} {
		got, err := w.Store.KeyBlocked(background(), key)
		must(t, err)
		if got != want {
			t.Errorf("KeyBlocked is %v; want %v", got, want)
		}
	}
}

func testRevokeRace(t *testing.T, w *World) {
	c := w.Issue(w.NewAccount().ID, "example.com")
	errs := together(32, func(i int) error {
		_, err := w.revoke(c.ID, Noon.Add(time.Duration(i)*time.Second), pki.Superseded, false)
		return err
	})
	if succeeded(errs) != 1 || count(errs, fault.AlreadyRevoked) != 31 {
		t.Fatalf("of 32 revocations one counts: %v", errs)
	}
	got, err := w.Store.Certificate(background(), c.ID)
	must(t, err)
	for i, err := range errs {
		if want := Noon.Add(time.Duration(i) * time.Second); err == nil && !got.Revoked.Equal(want) {
			t.Errorf("revoked at %s; acknowledged was %s", got.Revoked, want)
		}
	}
	if entries := w.entries(1, time.Time{}); len(entries) != 1 {
		t.Errorf("the list has %d lines", len(entries))
	}
}
