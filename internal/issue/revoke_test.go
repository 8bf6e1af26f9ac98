package issue_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

func (h *house) byAccount(r issue.Requester, der []byte, reason ...int) error {
	revocation := issue.Revocation{Connector: h.connector, Account: &r, Certificate: der}
	if len(reason) > 0 {
		revocation.Reason = &reason[0]
	}
	return h.issue.Revoke(h.t.Context(), revocation)
}

// prove revokes a certificate with its own key, for keyCompromise.
func (h *house) prove(key crypto.Signer, der []byte) {
	h.t.Helper()
	check(h.t, h.proveAt(h.issue, key, der))
}

func (h *house) proveAt(s *issue.Service, key crypto.Signer, der []byte) error {
	h.t.Helper()
	public, reason := publicKey(h.t, key), int(pki.KeyCompromise)
	return s.Revoke(h.t.Context(), issue.Revocation{Connector: h.connector, Key: &public, Certificate: der, Reason: &reason})
}

func TestThreeMayRevoke(t *testing.T) {
	h := newHouse(t)
	owner, other := h.requester(), h.requester()

	check(t, h.byAccount(owner, h.issued(owner, newKey(t), "a.example.com").Certificate.DER))

	byKey := newKey(t)
	d := h.issued(owner, byKey, "b.example.com")
	key := publicKey(t, byKey)
	check(t, h.issue.Revoke(t.Context(), issue.Revocation{Connector: h.connector, Key: &key, Certificate: d.Certificate.DER}))

	d = h.issued(owner, newKey(t), "c.example.com", "d.example.com")
	h.ready(other, dns("c.example.com", "d.example.com"))
	check(t, h.byAccount(other, d.Certificate.DER))
}

// Proves INC-67.
func TestOthersMayNotRevoke(t *testing.T) {
	h := newHouse(t)
	owner, stranger, partly := h.requester(), h.requester(), h.requester()
	d := h.issued(owner, newKey(t), "a.example.com", "b.example.com")
	h.ready(partly, dns("a.example.com"))
	key := publicKey(t, newKey(t))
	for what, err := range map[string]error{
		"a stranger":             h.byAccount(stranger, d.Certificate.DER),
		"V-02 half of the names": h.byAccount(partly, d.Certificate.DER),
		"another key":            h.issue.Revoke(t.Context(), issue.Revocation{Connector: h.connector, Key: &key, Certificate: d.Certificate.DER}),
	} {
		if !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: %v", what, err)
		}
	}
	late := h.requester()
	h.ready(late, dns("a.example.com", "b.example.com"))
	h.Clock.Advance(25 * time.Hour)
	if err := h.byAccount(late, d.Certificate.DER); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("V-02 expired authorizations: %v", err)
	}
	c, err := h.Store.Certificate(t.Context(), d.Certificate.ID)
	if err != nil || !c.Revoked.IsZero() {
		t.Errorf("it was revoked: %v", err)
	}
}

// Proves INC-67.
func TestOnlyOurVeryBytesAreRevoked(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	der := h.issued(owner, newKey(t), "a.example.com").Certificate.DER
	altered := bytes.Clone(der)
	altered[len(altered)-1] ^= 1
	issuers, err := h.Store.Issuers(t.Context())
	check(t, err)
	for what, c := range map[string]struct {
		der  []byte
		kind fault.Kind
	}{
		"altered signature": {altered, fault.NotFound},
		"the issuer":        {issuers[0].Certificate, fault.NotFound},
		"garbage":           {[]byte("garbage"), fault.Malformed},
		"nothing":           {nil, fault.Malformed},
		"too much":          {make([]byte, 64<<10), fault.Malformed},
		"trailing bytes":    {append(bytes.Clone(der), 0), fault.Malformed},
	} {
		if err := h.byAccount(owner, c.der); !fault.Is(err, c.kind) {
			t.Errorf("V-06 %s: %v", what, err)
		}
	}
}

// Proves BR-17.
func TestReasons(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	der := h.issued(owner, newKey(t), "a.example.com").Certificate.DER
	for _, bad := range []int{-1, 2, 6, 7, 8, 9, 10, 11, 256} {
		if err := h.byAccount(owner, der, bad); !fault.Is(err, fault.BadRevocationReason) {
			t.Errorf("V-05 reason %d: %v", bad, err)
		}
	}
	check(t, h.byAccount(owner, der, int(pki.Superseded)))
}

func TestRevokedOnce(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	der := h.issued(owner, newKey(t), "a.example.com").Certificate.DER
	var won atomic.Int32
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			switch err := h.byAccount(owner, der); {
			case err == nil:
				won.Add(1)
			case !fault.Is(err, fault.AlreadyRevoked):
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("V-04: %d of 10 revoked it", won.Load())
	}
}

func TestAProvenCompromiseBlocksTheKey(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	leaked := newKey(t)
	der := h.issued(owner, leaked, "a.example.com").Certificate.DER
	check(t, h.byAccount(owner, der))
	h.prove(leaked, der)
	if err := h.proveAt(h.issue, leaked, der); !fault.Is(err, fault.AlreadyRevoked) {
		t.Errorf("V-04 twice: %v", err)
	}
	order := h.ready(owner, dns("a.example.com"))
	_, err := h.issue.Finalize(t.Context(), owner, order.ID, request(t, leaked, "a.example.com"))
	wantKind(t, err, fault.BadCSR)
	_, _, err = h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: publicKey(t, leaked)})
	wantKind(t, err, fault.BadPublicKey)
}

func TestTheProofOfACompromiseMayComeAfterTheClaim(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	leaked := newKey(t)
	der := h.issued(owner, leaked, "a.example.com").Certificate.DER
	check(t, h.byAccount(owner, der, int(pki.KeyCompromise)))
	h.prove(leaked, der)
	wantKind(t, h.proveAt(h.issue, leaked, der), fault.AlreadyRevoked)
	order := h.ready(owner, dns("a.example.com"))
	_, err := h.issue.Finalize(t.Context(), owner, order.ID, request(t, leaked, "a.example.com"))
	wantKind(t, err, fault.BadCSR)
}

func TestAClaimOfCompromiseWithoutProofBlocksNothing(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	key := newKey(t)
	check(t, h.byAccount(owner, h.issued(owner, key, "a.example.com").Certificate.DER, int(pki.KeyCompromise)))
	h.issued(owner, key, "a.example.com")
}

// lists publishes and returns the newest list of the issuer that signs, parsed.
func (h *house) list() *x509.RevocationList {
	h.t.Helper()
	_, err := h.issue.PublishLists(h.t.Context())
	check(h.t, err)
	issuers, err := h.Store.Issuers(h.t.Context())
	check(h.t, err)
	i := slices.IndexFunc(issuers, func(i pki.Issuer) bool { return i.Name == "default" })
	crl, err := h.issue.RevocationList(h.t.Context(), issuers[i].ID, 1)
	check(h.t, err)
	parsed, err := x509.ParseRevocationList(crl.DER)
	check(h.t, err)
	return parsed
}

func TestTheListShowsARevocationAndNothingElse(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	before := h.list()
	d := h.issued(owner, newKey(t), "a.example.com")
	h.issued(owner, newKey(t), "b.example.com")
	check(t, h.byAccount(owner, d.Certificate.DER, int(pki.Superseded)))
	after := h.list()
	if len(before.RevokedCertificateEntries) != 0 || len(after.RevokedCertificateEntries) != 1 {
		t.Fatalf("%d entries, then %d", len(before.RevokedCertificateEntries), len(after.RevokedCertificateEntries))
	}
	entry := after.RevokedCertificateEntries[0]
	if pki.SerialOf(entry.SerialNumber) != d.Certificate.Serial || entry.ReasonCode != int(pki.Superseded) {
		t.Errorf("%+v", entry)
	}
	if after.Number.Cmp(before.Number) <= 0 {
		t.Errorf("BR-18: number %v after %v", after.Number, before.Number)
	}
}

// Proves BR-18, INC-30.
func TestAListIsRenewedLongBeforeItExpires(t *testing.T) {
	h := newHouse(t)
	first := h.list()
	if same := h.list(); same.Number.Cmp(first.Number) != 0 {
		t.Error("a list was made anew without a reason")
	}
	h.Clock.Advance(first.NextUpdate.Sub(h.Clock.Now())/2 + time.Hour)
	if next := h.list(); next.Number.Cmp(first.Number) <= 0 || !next.NextUpdate.After(first.NextUpdate) {
		t.Error("an idle list is not renewed")
	}
}

// Proves BR-18.
func TestAnEntryStaysOneListLongerThanItsCertificate(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	d := h.issued(owner, newKey(t), "a.example.com")
	check(t, h.byAccount(owner, d.Certificate.DER))
	h.list()
	h.Clock.Advance(d.Certificate.NotAfter.Sub(h.Clock.Now()) + time.Minute)
	if once := h.list(); len(once.RevokedCertificateEntries) != 1 {
		t.Error("BR-18: the first list after the expiry lacks the entry")
	}
	h.Clock.Advance(4 * 24 * time.Hour)
	if then := h.list(); len(then.RevokedCertificateEntries) != 0 {
		t.Error("the entry stays for ever")
	}
}

func TestAListOfAClockThatWasAheadTakesNothingFromTheNext(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	first, second := h.issued(owner, newKey(t), "a.example.com"), h.issued(owner, newKey(t), "b.example.com")
	check(t, h.byAccount(owner, first.Certificate.DER))
	h.list()
	h.Clock.Advance(100 * 24 * time.Hour)
	ahead := h.list()
	h.Clock.Advance(-100 * 24 * time.Hour)
	check(t, h.byAccount(owner, second.Certificate.DER))
	if next := h.list(); !next.ThisUpdate.Equal(ahead.ThisUpdate) || len(next.RevokedCertificateEntries) != 2 {
		t.Errorf("while nobody said which clock is right, the list of %v has %d entries", next.ThisUpdate, len(next.RevokedCertificateEntries))
	}
	if made, err := h.issue.PublishLists(t.Context()); made != 0 || err != nil {
		t.Errorf("%d lists were made although they are complete: %v", made, err)
	}
	check(t, h.Store.AcceptClock(t.Context(), h.Event(event.ClockAccepted, "")))
	for range 2 {
		if next := h.list(); next.Number.Cmp(ahead.Number) <= 0 || next.ThisUpdate.After(h.Clock.Now()) || len(next.RevokedCertificateEntries) != 2 {
			t.Errorf("list %v of %v has %d entries", next.Number, next.ThisUpdate, len(next.RevokedCertificateEntries))
		}
	}
}

// Proves BR-18, INC-31, INC-32.
func TestTheListIsWhereTheCertificateSays(t *testing.T) {
	h := newHouse(t)
	d := h.issued(h.requester(), newKey(t), "a.example.com")
	leaf, err := x509.ParseCertificate(d.Certificate.DER)
	check(t, err)
	want := pki.ShardURL("http://pki.test", d.Certificate.Issuer, d.Certificate.Shard)
	if !slices.Equal(leaf.CRLDistributionPoints, []string{want}) {
		t.Errorf("the certificate names %v, the list is at %s", leaf.CRLDistributionPoints, want)
	}
	if !slices.Equal(leaf.IssuingCertificateURL, []string{pki.IssuerURL("http://pki.test", d.Certificate.Issuer)}) {
		t.Errorf("AIA %v", leaf.IssuingCertificateURL)
	}
	if idp := h.list(); !bytes.Contains(idp.Raw, []byte(want)) {
		t.Error("BR-18: the issuing distribution point is another URL")
	}
}

// A list is dated back for slow clocks, and still tells nothing that happened after its date (RFC 5280 section 5.1.2.6).
func TestAListTellsNothingThatHappensAfterIt(t *testing.T) {
	h := newHouse(t)
	owner := h.requester()
	d := h.issued(owner, newKey(t), "a.example.com")
	check(t, h.byAccount(owner, d.Certificate.DER, int(pki.Superseded)))
	list := h.list()
	if at := list.RevokedCertificateEntries[0].RevocationTime; at.After(list.ThisUpdate) || list.ThisUpdate.Sub(at) > 0 {
		t.Errorf("revoked at %s by a list of %s", at, list.ThisUpdate)
	}
}
