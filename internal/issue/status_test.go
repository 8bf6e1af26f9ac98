package issue_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ocsp"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// askedSigner counts the replies that are signed.
type askedSigner struct {
	issue.Signer
	signed atomic.Int32
}

func (s *askedSigner) SignOCSP(ctx context.Context, i pki.Issuer, a ocsp.Answer) ([]byte, error) {
	s.signed.Add(1)
	return s.Signer.SignOCSP(ctx, i, a)
}

// counting returns the house with use cases that count signed replies.
func (h *house) counting() (*house, *askedSigner) {
	signer := &askedSigner{Signer: h.CA}
	counted := *h
	counted.issue = h.service(func(e *issue.Engines, _ *issue.Options) { e.Signer = signer })
	return &counted, signer
}

func (h *house) certID(issuer pki.Issuer, serial pki.Serial) ocsp.CertID {
	h.t.Helper()
	return h.certIDBy(crypto.SHA1, issuer, serial)
}

func (h *house) certIDBy(hash crypto.Hash, issuer pki.Issuer, serial pki.Serial) ocsp.CertID {
	h.t.Helper()
	certificate, err := issuer.Parse()
	check(h.t, err)
	der, err := xocsp.CreateRequest(&x509.Certificate{SerialNumber: serial.Int()}, certificate, &xocsp.RequestOptions{Hash: hash})
	check(h.t, err)
	id, err := ocsp.ParseRequest(der)
	check(h.t, err)
	return id
}

// status asks and verifies what comes back under the issuer.
func (h *house) status(issuer pki.Issuer, serial pki.Serial) *xocsp.Response {
	h.t.Helper()
	reply, err := h.issue.Status(h.t.Context(), issuer.ID, h.certID(issuer, serial))
	check(h.t, err)
	certificate, err := issuer.Parse()
	check(h.t, err)
	said, err := xocsp.ParseResponse(reply.DER, certificate)
	check(h.t, err)
	return said
}

func (h *house) wantUnknown(about string, issuer string, id ocsp.CertID) {
	h.t.Helper()
	if _, err := h.issue.Status(h.t.Context(), issuer, id); !fault.Is(err, fault.Unauthorized) {
		h.t.Errorf("%s: %v, want that nothing is known", about, err)
	}
}

// A revocation is seen by the very next who asks, of this node and of others; what did not change is signed once.
// Proves BR-17, BR-19, V-06, INC-112.
func TestStatusFollowsTheRevocationAtOnce(t *testing.T) {
	h, signer := newHouse(t).counting()
	r := h.requester()
	c, other := h.issued(r, newKey(t), "a.example.com").Certificate, h.issued(r, newKey(t), "b.example.com").Certificate
	issuer := h.issuer()
	for range 5 {
		if said := h.status(issuer, c.Serial); said.Status != xocsp.Good || !said.NextUpdate.Equal(said.ThisUpdate.Add(96*time.Hour+time.Minute)) {
			t.Fatalf("%+v", said)
		}
	}
	node, elsewhere := h.counting()
	node.status(issuer, c.Serial)
	if signer.signed.Load() != 1 {
		t.Errorf("%d signatures for one answer", signer.signed.Load())
	}
	check(t, h.byAccount(r, c.DER, int(pki.Superseded)))
	for _, asked := range []*house{h, node} {
		if said := asked.status(issuer, c.Serial); said.Status != xocsp.Revoked || said.RevocationReason != xocsp.Superseded || !said.RevokedAt.Equal(h.Clock.Now()) {
			t.Errorf("after the revocation: %+v", said)
		}
		if said := asked.status(issuer, other.Serial); said.Status != xocsp.Good {
			t.Errorf("the other certificate: %+v", said)
		}
	}
	key, err := h.Store.Certificate(t.Context(), c.ID)
	check(t, err)
	_, err = h.Store.Revoke(t.Context(), key.ID, h.Clock.Now(), pki.KeyCompromise, false, h.Event(event.CertificateRevoked, key.ID))
	check(t, err)
	if said := h.status(issuer, c.Serial); said.RevocationReason != xocsp.KeyCompromise {
		t.Errorf("after the reason was changed: %+v", said)
	}
	if signer.signed.Load() != 4 || elsewhere.signed.Load() != 3 {
		t.Errorf("%d and %d signatures", signer.signed.Load(), elsewhere.signed.Load())
	}
}

// Proves BR-19: refreshed when half of the interval is left, which is more than eight hours before its end and less than four
// days after its start.
func TestStatusIsSignedAgainInTime(t *testing.T) {
	h, signer := newHouse(t).counting()
	c, issuer := h.issued(h.requester(), newKey(t), "a.example.com").Certificate, h.issuer()
	h.status(issuer, c.Serial)
	h.Clock.Advance(48*time.Hour - 61*time.Second)
	h.status(issuer, c.Serial)
	if signer.signed.Load() != 1 {
		t.Error("a reply was signed again before half of its life")
	}
	h.Clock.Advance(time.Second)
	if said := h.status(issuer, c.Serial); signer.signed.Load() != 2 || said.ThisUpdate.Before(h.Clock.Now().Add(-time.Minute)) {
		t.Error("a reply was not signed again at half of its life")
	}
}

// What nobody issued is never good, whoever asks where, and costs no signature. Proves BR-19, INC-39.
func TestUnknownCertificatesAreNeverGood(t *testing.T) {
	h, signer := newHouse(t).counting()
	c, issuer := h.issued(h.requester(), newKey(t), "a.example.com").Certificate, h.issuer()
	issuers, err := h.Store.Issuers(t.Context())
	check(t, err)
	root := issuers[0]
	if !root.IsRoot() {
		root = issuers[1]
	}
	h.wantUnknown("a serial number that nobody has", issuer.ID, h.certID(issuer, "4a5b"))
	h.wantUnknown("at the address of another issuer", root.ID, h.certID(issuer, c.Serial))
	h.wantUnknown("the number under another issuer", root.ID, h.certID(root, c.Serial))
	h.wantUnknown("at no issuer's address", "nobody", h.certID(issuer, c.Serial))
	forged := h.certID(issuer, c.Serial)
	forged.KeyHash = h.certID(root, c.Serial).KeyHash
	h.wantUnknown("the issuer's name with another key", issuer.ID, forged)
	forged = h.certID(issuer, c.Serial)
	forged.NameHash = h.certID(root, c.Serial).NameHash
	h.wantUnknown("the issuer's key with another name", issuer.ID, forged)
	if signer.signed.Load() != 0 {
		t.Errorf("%d signatures for strangers", signer.signed.Load())
	}
	if _, err := h.issue.Status(t.Context(), issuer.ID, h.certIDBy(crypto.SHA256, issuer, c.Serial)); err != nil {
		t.Errorf("by SHA-256: %v", err)
	}
	h.Clock.Set(issuer.NotAfter)
	h.wantUnknown("of an expired issuer", issuer.ID, h.certID(issuer, c.Serial))
}

// A certificate whose signature is not recorded is neither good nor unknown; one that was given up counts as revoked, in the
// list too, since it may have been signed. Proves INC-5, BR-19.
func TestStatusBetweenIntentAndCertificate(t *testing.T) {
	h := newHouse(t)
	_, intent := h.begun(h.requester(), newKey(t), "a.example.com")
	issuer := h.issuer()
	if _, err := h.issue.Status(t.Context(), issuer.ID, h.certID(issuer, intent.Serial)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("while it is being signed: %v", err)
	}
	broken, _ := h.run(dead)
	if _, err := broken.ResumeIssuances(t.Context(), h.Clock.Now().Add(time.Second), 0); err != nil {
		t.Fatal(err)
	}
	if said := h.status(issuer, intent.Serial); said.Status != xocsp.Revoked || !said.RevokedAt.Equal(h.Clock.Now()) || said.RevocationReason != 0 {
		t.Errorf("after it was given up: %+v", said)
	}
	listed := h.list().RevokedCertificateEntries
	if len(listed) != 1 || pki.SerialOf(listed[0].SerialNumber) != intent.Serial || listed[0].ReasonCode != 0 {
		t.Errorf("the list has %v", listed)
	}
}

// The responder's certificate is made when it is needed, recorded like every certificate, and replaced long before it ends.
// Proves BR-19.
func TestRespondersAreMadeInTime(t *testing.T) {
	h := newHouse(t)
	issuer := h.issuer()
	renew := func(want int) {
		t.Helper()
		if made, err := h.issue.RenewResponders(t.Context()); made != want || err != nil {
			t.Fatalf("%d were made, want %d: %v", made, want, err)
		}
	}
	renew(0) // no profile wants one
	h.wantOCSP()
	renew(1)
	renew(0)
	first := h.CA.ResponderUntil(issuer.ID, h.Clock.Now())
	h.Clock.Set(first.Add(-7*24*time.Hour - time.Second))
	renew(0)
	h.Clock.Advance(time.Second)
	renew(1)
	if next := h.CA.ResponderUntil(issuer.ID, h.Clock.Now()); !next.After(first) {
		t.Errorf("the next ends at %s, the first at %s", next, first)
	}
	found, err := h.Store.FindCertificates(t.Context(), pki.Filter{})
	check(t, err)
	if len(found) != 2 || found[0].ProfileName != issue.ResponderProfile || found[0].Shard != 0 {
		t.Errorf("%d certificates are recorded: %+v", len(found), found)
	}
	findings, err := h.Store.Check(t.Context(), h.Clock.Now())
	check(t, err)
	if len(findings) > 0 {
		t.Errorf("the store is not sound: %v", findings)
	}
	h.Clock.Set(issuer.NotAfter.Add(-time.Hour))
	renew(1)
	renew(0) // the issuer ends first
	if until := h.CA.ResponderUntil(issuer.ID, h.Clock.Now()); !until.Equal(issuer.NotAfter) {
		t.Errorf("it ends at %s, its issuer at %s", until, issuer.NotAfter)
	}
	c := found[0]
	if said := h.status(issuer, c.Serial); said.NextUpdate.After(issuer.NotAfter) {
		t.Errorf("a reply is valid until %s", said.NextUpdate)
	}
}

// A certificate that was made while the clock was ahead is not valid yet when the clock is right again: no client believes
// what it signs. Proves BR-19.
func TestAResponderOfAClockThatWasAheadSignsNothing(t *testing.T) {
	h := newHouse(t)
	c, issuer := h.issued(h.requester(), newKey(t), "a.example.com").Certificate, h.issuer()
	h.wantOCSP()
	h.Clock.Advance(30 * 24 * time.Hour)
	if made, err := h.issue.RenewResponders(t.Context()); made != 1 || err != nil {
		t.Fatalf("%d were made: %v", made, err)
	}
	h.Clock.Advance(-30 * 24 * time.Hour)
	if by := h.status(issuer, c.Serial).Certificate; by.NotBefore.After(h.Clock.Now()) || by.NotAfter.Before(h.Clock.Now()) {
		t.Errorf("at %s a reply is signed with a certificate that is valid from %s to %s", h.Clock.Now(), by.NotBefore, by.NotAfter)
	}
}

// What was revoked while the clock was ahead is revoked by now, and not in times to come.
func TestNothingIsRevokedInTimesToCome(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	c, issuer := h.issued(r, newKey(t), "a.example.com").Certificate, h.issuer()
	h.Clock.Advance(30 * 24 * time.Hour)
	check(t, h.byAccount(r, c.DER))
	h.Clock.Advance(-30 * 24 * time.Hour)
	if said := h.status(issuer, c.Serial); said.Status != xocsp.Revoked || said.RevokedAt.After(h.Clock.Now()) {
		t.Errorf("at %s it is revoked at %s", h.Clock.Now(), said.RevokedAt)
	}
}

// A renewal that fails takes nothing from the certificate that is there.
func TestRepliesOutliveAFailedRenewal(t *testing.T) {
	h := newHouse(t)
	c, issuer := h.issued(h.requester(), newKey(t), "a.example.com").Certificate, h.issuer()
	h.status(issuer, c.Serial)
	h.Clock.Advance(12 * 24 * time.Hour)
	lost := *h
	lost.issue = h.service(func(e *issue.Engines, _ *issue.Options) { e.Signer = lostResponder{e.Signer} })
	if _, err := lost.issue.RenewResponders(t.Context()); err == nil {
		t.Fatal("it was renewed")
	}
	until := h.CA.ResponderUntil(issuer.ID, h.Clock.Now())
	if said := lost.status(issuer, c.Serial); said.Status != xocsp.Good || !said.NextUpdate.Equal(until) {
		t.Errorf("%+v, signed with a certificate that ends at %s", said, until)
	}
}

// A certificate that cannot be made is not tried anew by everybody who asks: each try leaves a record.
func TestAResponderThatCannotBeMadeIsNotTriedByEverybody(t *testing.T) {
	h := newHouse(t)
	c, issuer := h.issued(h.requester(), newKey(t), "a.example.com").Certificate, h.issuer()
	lost := h.service(func(e *issue.Engines, _ *issue.Options) { e.Signer = lostResponder{e.Signer} })
	ask := func(tried int) {
		t.Helper()
		for range 3 {
			if _, err := lost.Status(t.Context(), issuer.ID, h.certID(issuer, c.Serial)); err == nil {
				t.Error("it was signed")
			}
		}
		intents, err := h.Store.Intents(t.Context(), h.Clock.Now().Add(time.Hour), "", 10)
		check(t, err)
		if len(intents) != tried {
			t.Errorf("%d tries were recorded, want %d", len(intents), tried)
		}
	}
	ask(1)
	h.Clock.Advance(time.Minute)
	ask(2)
}

// The key of a responder ends with its process, so what a crash left of its certificate is given up.
func TestTheIntentOfAResponderIsGivenUp(t *testing.T) {
	h := newHouse(t)
	h.wantOCSP()
	lost := h.service(func(e *issue.Engines, _ *issue.Options) { e.Signer = lostResponder{e.Signer} })
	if _, err := lost.RenewResponders(t.Context()); err == nil {
		t.Fatal("it was signed")
	}
	if ended, err := h.issue.ResumeIssuances(t.Context(), h.Clock.Now().Add(time.Second), time.Hour); ended != 1 || err != nil {
		t.Errorf("%d were ended: %v", ended, err)
	}
	intents, err := h.Store.Intents(t.Context(), h.Clock.Now().Add(time.Hour), "", 10)
	check(t, err)
	if len(intents) != 0 {
		t.Errorf("%d intents are left", len(intents))
	}
}

// lostResponder never signs the certificate of a responder.
type lostResponder struct{ issue.Signer }

func (s lostResponder) PrepareResponder(ctx context.Context, r pki.ResponderRequest) (crypto.Signer, pki.Prepared, error) {
	key, prepared, err := s.Signer.PrepareResponder(ctx, r)
	return key, handed{prepared}, err
}

type handed struct{ pki.Prepared }

func (h handed) Sign(ctx context.Context) ([]byte, error) { return dead(ctx, h.Prepared) }

// wantOCSP has certificates name the place where their status is told.
func (h *house) wantOCSP() {
	h.t.Helper()
	_, err := h.manage.SaveProfile(h.t.Context(), manage.System, "", "default", func(s *pki.Spec) error {
		s.OCSP = true
		return nil
	})
	check(h.t, err)
}

// A certificate of a profile with OCSP names the place where its status is told. Proves BR-19.
func TestCertificatesNameTheResponder(t *testing.T) {
	h := newHouse(t)
	h.wantOCSP()
	d := h.issued(h.requester(), newKey(t), "a.example.com")
	leaf, err := x509.ParseCertificate(d.Certificate.DER)
	check(t, err)
	if want := pki.OCSPURL("http://pki.test", d.Certificate.Issuer); len(leaf.OCSPServer) != 1 || leaf.OCSPServer[0] != want {
		t.Errorf("it names %v, want %s", leaf.OCSPServer, want)
	}
}

// Two CA certificates of one key under two names, each with a certificate of the same serial number: what is revoked of one
// stays good of the other. Proves INC-39.
func TestTheSiblingOfARevokedCertificateStaysGood(t *testing.T) {
	h := newHouse(t)
	own := h.issuer()
	sibling := h.sibling(own, "Another Name")
	d := h.issued(h.requester(), newKey(t), "a.example.com")
	c := d.Certificate
	h.copyTo(sibling, c)
	_, err := h.Store.Revoke(t.Context(), c.ID, h.Clock.Now(), pki.Superseded, false, h.Event(event.CertificateRevoked, c.ID))
	check(t, err)
	if said := h.status(own, c.Serial); said.Status != xocsp.Revoked {
		t.Errorf("the revoked one: %+v", said)
	}
	if said := h.status(sibling, c.Serial); said.Status != xocsp.Good {
		t.Errorf("its sibling: %+v", said)
	}
	h.wantUnknown("the sibling at the address of the other", own.ID, h.certID(sibling, c.Serial))

	// A cross-certificate, of the same name and key, is the same issuer to a client, at whichever address.
	cross := h.sibling(own, "")
	if said := h.status(cross, c.Serial); said.Status != xocsp.Revoked {
		t.Errorf("at the address of a cross-certificate: %+v", said)
	}
}

// What an issuer signed whose key is elsewhere is known, and nothing can be said of it.
func TestNoStatusWithoutTheIssuersKey(t *testing.T) {
	h := newHouse(t)
	own := h.issuer()
	own.Key = ""
	elsewhere := h.sibling(own, "Another Name")
	c := h.issued(h.requester(), newKey(t), "a.example.com").Certificate
	h.copyTo(elsewhere, c)
	_, err := h.issue.Status(t.Context(), elsewhere.ID, h.certID(elsewhere, c.Serial))
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Sentence(err), "is not here") {
		t.Errorf("%v", err)
	}
}

// copyTo records a certificate as one of another issuer too, with the same serial number.
func (h *house) copyTo(issuer pki.Issuer, c pki.Certificate) {
	h.t.Helper()
	der := c.DER
	c.ID, c.Issuer, c.Order, c.Shard, c.DER = h.NewID(), issuer.ID, "", 0, nil
	check(h.t, h.Store.BeginIssuance(h.t.Context(), pki.Intent{Certificate: c, TBS: []byte{0x30, 0}, Begun: h.Clock.Now()}))
	check(h.t, h.Store.CompleteIssuance(h.t.Context(), c.ID, der, h.Clock.Now(), h.Event(event.CertificateIssued, c.ID)))
}

// sibling makes another CA certificate for an issuer's key, with its name or another.
func (h *house) sibling(of pki.Issuer, name string) pki.Issuer {
	h.t.Helper()
	issuers, err := h.Store.Issuers(h.t.Context())
	check(h.t, err)
	root := issuers[slices.IndexFunc(issuers, pki.Issuer.IsRoot)]
	key, err := h.Keys.Load(root.Key)
	check(h.t, err)
	certificate, err := of.Parse()
	check(h.t, err)
	request := pki.CARequest{
		CommonName: name, PublicKey: certificate.PublicKey, Serial: pki.SerialOf(certificate.SerialNumber)[:30] + "ff",
		NotBefore: of.NotBefore, NotAfter: of.NotAfter, Usages: []pki.Usage{pki.ServerAuth, pki.ClientAuth},
	}
	if name == "" {
		request.CommonName, request.Organisation, request.Serial = certificate.Subject.CommonName, certificate.Subject.Organization[0], request.Serial[:30]+"fe"
	}
	made := of
	made.Certificate, err = h.CA.SignIntermediate(h.t.Context(), request, root, key)
	check(h.t, err)
	made.ID, made.Shard.URL = h.NewID(), "http://pki.test/other.crl"
	check(h.t, h.Store.CreateIssuer(h.t.Context(), made, h.Event(event.IssuerCreated, made.ID)))
	return made
}
