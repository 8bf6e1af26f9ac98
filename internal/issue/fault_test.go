package issue_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// stage is a house whose engines can be broken at one call, and a client that behaves as clients do: after a failure it
// looks at what became of its wish, and asks again.
type stage struct {
	*house
	faults *faults
	server *issue.Service
}

// newStage opens a house in which the call at goes wrong in a manner; at 0 nothing does. What prepare does goes well.
func newStage(t *testing.T, at int, m manner, prepare func(*stage)) *stage {
	t.Helper()
	s := &stage{house: newHouse(t), faults: &faults{}}
	s.start()
	prepare(s)
	s.faults.mu.Lock()
	s.faults.at, s.faults.manner, s.faults.calls = at, m, nil
	s.faults.mu.Unlock()
	return s
}

// start starts a server on the broken engines.
func (s *stage) start() {
	s.server = s.service(func(e *issue.Engines, _ *issue.Options) {
		e.Store, e.Signer = faultyStore{e.Store, s.faults}, faultySigner{e.Signer, s.faults}
		e.Validator = faultyValidator{e.Validator, s.faults}
	})
}

// recover is what happens after a failure: a crashed server starts again, and the jobs have their turn.
func (s *stage) recover() {
	s.t.Helper()
	if s.faults.crashed() {
		s.server.Close()
		s.faults.restart()
		s.start()
	}
	s.Clock.Advance(time.Minute)
	_, err := s.server.ResumeIssuances(s.t.Context(), s.Clock.Now(), time.Hour)
	s.tolerate(err)
	_, err = s.server.RevokeCompromised(s.t.Context())
	s.tolerate(err)
	_, err = s.server.PublishLists(s.t.Context())
	s.tolerate(err)
}

// tolerate ends the test with an error that the broken call does not explain.
func (s *stage) tolerate(err error) {
	s.t.Helper()
	if err != nil && !strings.Contains(err.Error(), "The test broke") {
		s.t.Fatalf("an error that the fault does not explain: %v", err)
	}
}

// tries is how often a client asks: once, and after the fault, and once more.
const tries = 3

// insist repeats a step until it is done.
func (s *stage) insist(step string, do func() error) {
	s.t.Helper()
	var err error
	for range tries {
		if err = do(); err == nil {
			return
		}
		s.recover()
	}
	s.t.Fatalf("%s cannot be done: %v", step, err)
}

// account makes the account of a key.
func (s *stage) account(key crypto.Signer) (r issue.Requester) {
	s.t.Helper()
	s.insist("newAccount", func() error {
		a, _, err := s.server.NewAccount(s.t.Context(), s.connector, issue.NewAccount{Key: publicKey(s.t, key)})
		if err != nil {
			s.tolerate(err)
			return err
		}
		r, err = s.server.Admit(s.t.Context(), s.connector, a)
		return err
	})
	return r
}

// obtain goes from an order to a certificate. A proof that failed needs a new order.
func (s *stage) obtain(r issue.Requester, key crypto.Signer, name string) (d issue.Download) {
	s.t.Helper()
	csr := request(s.t, key, name)
	s.insist("issuance", func() error {
		order, err := s.server.NewOrder(s.t.Context(), r, dns(name))
		if err != nil {
			s.tolerate(err)
			return err
		}
		for _, a := range order.Parts {
			s.insist("the proof", func() error { return s.answer(r, a) })
		}
		return s.finish(r, order.ID, csr, &d)
	})
	return d
}

// answer answers a challenge until it has an outcome, whatever that is.
func (s *stage) answer(r issue.Requester, a issue.AuthorizationView) error {
	if a.Status != acme.Pending {
		return nil
	}
	_, err := s.server.Respond(s.t.Context(), r, a.ID, a.Challenges[0].Method)
	if err != nil {
		s.tolerate(err)
		return err
	}
	view, err := s.server.Authorization(s.t.Context(), r, a.ID)
	if err == nil && view.Status == acme.Pending {
		err = fmt.Errorf("the authorization is pending")
	}
	return err
}

// finish finalizes an order and waits for its end. An order that can no longer succeed is given up.
func (s *stage) finish(r issue.Requester, id string, csr []byte, d *issue.Download) error {
	for range tries {
		order, err := s.server.Order(s.t.Context(), r, id)
		check(s.t, err)
		switch order.Status {
		case acme.Valid:
			*d, err = s.server.Certificate(s.t.Context(), r, order.Order.Certificate)
			return err
		case acme.Ready:
			_, err = s.server.Finalize(s.t.Context(), r, id, csr)
			s.tolerate(err)
		case acme.Invalid:
			return fmt.Errorf("the order is invalid")
		}
		if err != nil || order.Status == acme.Processing {
			s.recover()
		}
	}
	order, err := s.server.Order(s.t.Context(), r, id)
	check(s.t, err)
	if order.Status != acme.Valid {
		return fmt.Errorf("the order is %s", order.Status)
	}
	*d, err = s.server.Certificate(s.t.Context(), r, order.Order.Certificate)
	return err
}

// revoke revokes a certificate. That it is revoked already is what a client wants to hear after a failure.
func (s *stage) revoke(r issue.Revocation) {
	s.t.Helper()
	s.insist("revocation", func() error {
		err := s.server.Revoke(s.t.Context(), r)
		if fault.Is(err, fault.AlreadyRevoked) {
			return nil
		}
		s.tolerate(err)
		return err
	})
}

// sound checks the whole state after the fault is gone: nothing is half done, nothing was done twice, and nothing that
// left a key is missing in the record.
func (s *stage) sound() {
	s.t.Helper()
	s.recover()
	ctx := s.t.Context()
	findings, err := s.Store.Check(ctx, s.Clock.Now())
	check(s.t, err)
	for _, f := range findings {
		s.t.Error(f)
	}
	certificates, err := s.Store.FindCertificates(ctx, pki.Filter{Limit: 1000})
	check(s.t, err)
	s.recorded(certificates)
	s.listed(certificates)
	s.toldOnce(certificates)
	orders, err := s.Store.ListOrders(ctx, s.connector.ID, "", 1000)
	check(s.t, err)
	for _, o := range orders {
		_, parts, err := s.Store.Order(ctx, o.ID)
		check(s.t, err)
		if status := o.Status(parts, s.Clock.Now()); status == acme.Processing {
			s.t.Errorf("order %s is still processing", o.ID)
		}
	}
}

// recorded wants every certificate that was signed, byte for byte, on record.
func (s *stage) recorded(certificates []pki.Certificate) {
	s.t.Helper()
	for _, der := range s.faults.signed {
		if !slices.ContainsFunc(certificates, func(c pki.Certificate) bool { return slices.Equal(c.DER, der) }) {
			s.t.Error("a signed certificate is not on record")
		}
	}
}

// listed wants every revoked certificate, and no other, in the newest list of its shard.
func (s *stage) listed(certificates []pki.Certificate) {
	s.t.Helper()
	for _, c := range certificates {
		if c.Shard == 0 {
			continue
		}
		crl, err := s.Store.CRL(s.t.Context(), c.Issuer, c.Shard)
		check(s.t, err)
		list, err := x509.ParseRevocationList(crl.DER)
		check(s.t, err)
		named := slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool {
			return pki.SerialOf(e.SerialNumber) == c.Serial
		})
		if named == c.Revoked.IsZero() {
			s.t.Errorf("certificate %s: revoked at %v, named by its list: %v", c.ID, c.Revoked, named)
		}
	}
}

// toldOnce wants one event for each issuance and each revocation.
func (s *stage) toldOnce(certificates []pki.Certificate) {
	s.t.Helper()
	for _, c := range certificates {
		events, err := s.Store.Events(s.t.Context(), c.ID, "", 1000)
		check(s.t, err)
		counts := map[event.Action]int{}
		for _, e := range events {
			counts[e.Action]++
		}
		revoked := 0
		if !c.Revoked.IsZero() {
			revoked = 1
		}
		if counts[event.CertificateIssued] != 1 || counts[event.CertificateRevoked] != revoked {
			s.t.Errorf("certificate %s, revoked at %v, has the events %v", c.ID, c.Revoked, counts)
		}
	}
}

// everyFault plays a scene once without a fault, and then once for each call of an engine in it and each manner in which
// that can go wrong. The scene checks what its client got; the whole state is checked after it.
func everyFault(t *testing.T, prepare func(*stage), want []string, scene func(*stage)) {
	t.Helper()
	smooth := newStage(t, 0, manner{}, prepare)
	scene(smooth)
	calls := smooth.faults.names()
	smooth.sound()
	if !slices.Equal(calls, want) {
		t.Fatalf("without a fault the engines are called so:\n%v\nwant\n%v", calls, want)
	}
	for i, name := range calls {
		for _, m := range manners() {
			t.Run(fmt.Sprintf("%d %s %s", i+1, name, m.name), func(t *testing.T) {
				s := newStage(t, i+1, m, prepare)
				scene(s)
				s.sound()
			})
		}
	}
}

// Proves INC-5, INC-14, INC-15, O-18, O-19.
func TestEveryFaultOfAnIssuance(t *testing.T) {
	everyFault(t, func(*stage) {},
		[]string{"CreateAccount", "CreateOrder", "Validate", "Conclude", "Prepare", "BeginIssuance", "Sign", "CompleteIssuance"},
		func(s *stage) {
			key := newKey(t)
			r := s.account(newKey(t))
			d := s.obtain(r, key, "a.example.com")
			verifyChains(s.t, d, "a.example.com", s.Clock.Now())
			ofKey, err := s.Store.FindCertificates(s.t.Context(), pki.Filter{KeyHash: d.Certificate.KeyHash})
			check(s.t, err)
			if len(ofKey) != 1 {
				s.t.Errorf("the client wanted one certificate and got %d", len(ofKey))
			}
		})
}

// scene is what revocations need: a requester with two certificates of one key and one of another.
type scene struct {
	owner    issue.Requester
	key      *ecdsa.PrivateKey
	first    issue.Download
	second   issue.Download
	innocent issue.Download
}

func (c *scene) prepare(s *stage) {
	c.owner, c.key = s.account(newKey(s.t)), newKey(s.t)
	c.first, c.second = s.obtain(c.owner, c.key, "a.example.com"), s.obtain(c.owner, c.key, "b.example.com")
	c.innocent = s.obtain(c.owner, newKey(s.t), "c.example.com")
	s.recover()
}

// revokedAre wants exactly these certificates revoked.
func (s *stage) revokedAre(want ...issue.Download) {
	s.t.Helper()
	certificates, err := s.Store.FindCertificates(s.t.Context(), pki.Filter{Revoked: true, Limit: 1000})
	check(s.t, err)
	if len(certificates) != len(want) {
		s.t.Errorf("%d certificates are revoked, want %d", len(certificates), len(want))
	}
	for _, d := range want {
		if !slices.ContainsFunc(certificates, func(c pki.Certificate) bool { return c.ID == d.Certificate.ID }) {
			s.t.Errorf("certificate %s is not revoked", d.Certificate.ID)
		}
	}
}

// Proves INC-20, V-04.
func TestEveryFaultOfARevocation(t *testing.T) {
	var c scene
	everyFault(t, c.prepare, []string{"Revoke", "SignCRL", "SaveCRL"}, func(s *stage) {
		s.revoke(issue.Revocation{Connector: s.connector, Account: &c.owner, Certificate: c.first.Certificate.DER})
		s.insist("the list", func() error {
			_, err := s.server.PublishLists(s.t.Context())
			s.tolerate(err)
			return err
		})
		s.revokedAre(c.first)
	})
}

// Proves V-09.
func TestEveryFaultOfAProvenCompromise(t *testing.T) {
	var c scene
	everyFault(t, c.prepare, []string{"Revoke", "Revoke", "SignCRL", "SaveCRL"}, func(s *stage) {
		key, reason := publicKey(s.t, c.key), int(pki.KeyCompromise)
		s.revoke(issue.Revocation{Connector: s.connector, Key: &key, Certificate: c.first.Certificate.DER, Reason: &reason})
		s.insist("the list", func() error {
			_, err := s.server.PublishLists(s.t.Context())
			s.tolerate(err)
			return err
		})
		s.recover()
		s.revokedAre(c.first, c.second)
		blocked, err := s.Store.KeyBlocked(s.t.Context(), c.first.Certificate.KeyHash)
		check(s.t, err)
		if !blocked {
			s.t.Error("the key is not blocked")
		}
	})
}

// Proves K-11, K-14.
func TestEveryFaultOfAKeyChange(t *testing.T) {
	var c scene
	everyFault(t, c.prepare, []string{"ChangeKey"}, func(s *stage) {
		fresh := publicKey(s.t, newKey(s.t))
		s.insist("keyChange", func() error {
			_, err := s.server.ChangeKey(s.t.Context(), c.owner, fresh)
			if fault.Is(err, fault.Conflict) { // the client looks which key it has by now
				a, err := s.Store.AccountByKey(s.t.Context(), s.connector.ID, fresh.Thumbprint())
				if err == nil && a.ID == c.owner.Account.ID {
					return nil
				}
				return err
			}
			s.tolerate(err)
			return err
		})
		a, err := s.Store.Account(s.t.Context(), c.owner.Account.ID)
		check(s.t, err)
		_, err = s.Store.AccountByKey(s.t.Context(), s.connector.ID, c.owner.Account.Key.Thumbprint())
		if !a.Key.Equal(fresh) || !fault.Is(err, fault.NotFound) {
			s.t.Errorf("the account has the new key: %v; the old key still has an account: %v", a.Key.Equal(fresh), err)
		}
	})
}

// Proves A-12.
func TestEveryFaultOfADeactivation(t *testing.T) {
	var c scene
	var open issue.OrderView
	everyFault(t, func(s *stage) {
		c.prepare(s)
		var err error
		open, err = s.server.NewOrder(s.t.Context(), c.owner, dns("open.example.com"))
		check(s.t, err)
	}, []string{"EndAccount"}, func(s *stage) {
		s.insist("deactivation", func() error {
			_, err := s.server.DeactivateAccount(s.t.Context(), c.owner)
			s.tolerate(err)
			return err
		})
		order, parts, err := s.Store.Order(s.t.Context(), open.ID)
		check(s.t, err)
		if status := order.Status(parts, s.Clock.Now()); status != acme.Invalid {
			s.t.Errorf("the open order is %s", status)
		}
		s.revokedAre()
	})
}
