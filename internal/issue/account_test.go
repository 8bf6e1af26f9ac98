package issue_test

import (
	"context"
	"encoding/base64"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

const manageActor = manage.System

const newAccountURL = "https://ca.test/acme/default/new-account"

// binding makes an external account binding for key.
func binding(t *testing.T, key jws.Key, kid string, secret []byte, url string) []byte {
	t.Helper()
	signed, err := jws.SignMAC(secret, "HS256", jws.SignOptions{KeyID: kid, URL: url}, key.JWK())
	check(t, err)
	return signed
}

// credential makes an EAB credential and lets the connector require one.
func (h *house) credential(most int, expires time.Time) (kid string, secret []byte) {
	h.t.Helper()
	view, secret, err := h.manage.CreateCredential(h.t.Context(), manageActor, manage.NewCredential{Name: "c", Connector: "default", MaxAccounts: most, Expires: expires})
	check(h.t, err)
	_, err = h.manage.SetRules(h.t.Context(), manageActor, "default", func(r *policy.Rules) error { r.ExternalBinding = true; return nil })
	check(h.t, err)
	h.connector, err = h.issue.Connector(h.t.Context(), policy.KindACME, "default")
	check(h.t, err)
	return view.ID, secret
}

func TestOneKeyHasOneAccount(t *testing.T) {
	h := newHouse(t)
	key := publicKey(t, newKey(t))
	var made atomic.Int32
	ids := make(chan string, 20)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			a, created, err := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: key})
			if err != nil {
				t.Error(err)
			}
			if created {
				made.Add(1)
			}
			ids <- a.ID
		})
	}
	wait.Wait()
	close(ids)
	first := <-ids
	for id := range ids {
		if id != first {
			t.Error("A-03: two accounts for one key")
		}
	}
	if made.Load() != 1 {
		t.Errorf("A-03: %d answers say that they made the account", made.Load())
	}
}

func TestAKnownKeyIgnoresTheRestOfTheRequest(t *testing.T) {
	h := newHouse(t)
	key := publicKey(t, newKey(t))
	first, _, err := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: key, Contacts: []string{"mailto:a@example.com"}})
	check(t, err)
	again, created, err := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: key, Contacts: []string{"nonsense"}, Binding: []byte("nonsense")})
	if err != nil || created || again.ID != first.ID || len(again.Contacts) != 1 {
		t.Errorf("A-02: %+v %t %v", again, created, err)
	}
}

func TestOnlyReturnExisting(t *testing.T) {
	h := newHouse(t)
	key := publicKey(t, newKey(t))
	_, _, err := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: key, OnlyExisting: true, Contacts: []string{"nonsense"}})
	wantKind(t, err, fault.NoAccount)
	if _, err := h.Store.AccountByKey(t.Context(), h.connector.ID, key.Thumbprint()); !fault.Is(err, fault.NotFound) {
		t.Errorf("A-04: the refusal left something behind: %v", err)
	}
}

func TestContacts(t *testing.T) {
	h := newHouse(t)
	for contact, kind := range map[string]fault.Kind{
		"mailto:admin@example.com":                    "",
		"MAILTO:admin@example.com":                    "",
		"mailto:first.last+tag@example.co.uk":         "",
		"mailto: admin@example.com":                   "",
		"mailto:  admin@example.com":                  fault.InvalidContact,
		"tel:+41000000000":                            fault.UnsupportedContact,
		"https://example.com":                         fault.UnsupportedContact,
		"mailto:":                                     fault.InvalidContact,
		"mailto:a@example.com,b@example.com":          fault.InvalidContact,
		"mailto:a@example.com?subject=q":              fault.InvalidContact,
		"mailto:a@example.com%0d%0aBcc:b@c.d":         fault.InvalidContact,
		"mailto:a@example.com\r\nBcc: b@c.d":          fault.InvalidContact,
		"mailto:nobody":                               fault.InvalidContact,
		"mailto:Admin <a@example.com>":                fault.InvalidContact,
		"admin@example.com":                           fault.UnsupportedContact,
		"mailto:" + strings.Repeat("a", 400) + "@b.c": fault.InvalidContact,
	} {
		a, _, err := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: publicKey(t, newKey(t)), Contacts: []string{contact}})
		if fault.KindOf(err) != kind || (err != nil) != (kind != "") {
			t.Errorf("A-07 %q: %v, want %q", contact, err, kind)
		}
		if err == nil && a.Contacts[0] != strings.ReplaceAll(contact, " ", "") {
			t.Errorf("A-07 %q is kept as %q", contact, a.Contacts[0])
		}
	}
	many := make([]string, 11)
	for i := range many {
		many[i] = "mailto:a@example.com"
	}
	_, _, err := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: publicKey(t, newKey(t)), Contacts: many})
	wantKind(t, err, fault.InvalidContact)
}

func TestTermsOfService(t *testing.T) {
	h := newHouse(t)
	_, err := h.manage.SetRules(t.Context(), manageActor, "default", func(r *policy.Rules) error {
		r.TermsOfService = "https://ca.test/terms"
		return nil
	})
	check(t, err)
	connector, err := h.issue.Connector(t.Context(), policy.KindACME, "default")
	check(t, err)
	key := publicKey(t, newKey(t))
	_, _, err = h.issue.NewAccount(t.Context(), connector, issue.NewAccount{Key: key})
	wantKind(t, err, fault.UserActionRequired)
	a, _, err := h.issue.NewAccount(t.Context(), connector, issue.NewAccount{Key: key, TermsAgreed: true})
	if err != nil || a.TermsAgreed.IsZero() {
		t.Errorf("%+v %v", a, err)
	}
}

func TestADeactivatedAccountIsOver(t *testing.T) {
	h := newHouse(t)
	key := newKey(t)
	r := h.requesterWith(key)
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	ended, err := h.issue.DeactivateAccount(t.Context(), r)
	check(t, err)
	_, err = h.issue.Admit(t.Context(), h.connector, ended)
	wantKind(t, err, fault.Unauthorized)
	_, _, err = h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: publicKey(t, key)})
	wantKind(t, err, fault.Unauthorized)
	_, err = h.issue.NewOrder(t.Context(), r, dns("b.example.com"))
	wantKind(t, err, fault.Unauthorized)
	o, parts, err := h.Store.Order(t.Context(), order.ID)
	check(t, err)
	if got := o.Status(parts, h.Clock.Now()); got != acme.Invalid {
		t.Errorf("A-12: its open order is %s", got)
	}
}

func TestDeactivationInTheMiddleOfAnOrderStopsTheCertificate(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order := h.ready(r, dns("a.example.com"))
	_, err := h.issue.DeactivateAccount(t.Context(), r)
	check(t, err)
	if view, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com")); err == nil {
		t.Errorf("a deactivated account got an order that is %s", view.Status)
	}
}

func TestExternalAccountBinding(t *testing.T) {
	h := newHouse(t)
	kid, secret := h.credential(0, time.Time{})
	key := publicKey(t, newKey(t))
	good := issue.NewAccount{Key: key, URL: newAccountURL, Binding: binding(t, key, kid, secret, newAccountURL)}

	for what, c := range map[string]struct {
		change func(*issue.NewAccount)
		kind   fault.Kind
	}{
		"EAB-01 absent":       {func(n *issue.NewAccount) { n.Binding = nil }, fault.ExternalAccountRequired},
		"EAB-03 another url":  {func(n *issue.NewAccount) { n.URL += "x" }, fault.Malformed},
		"EAB-04 wrong MAC":    {func(n *issue.NewAccount) { n.Binding = binding(t, key, kid, []byte("wrong"), newAccountURL) }, fault.Unauthorized},
		"EAB-04 unknown kid":  {func(n *issue.NewAccount) { n.Binding = binding(t, key, "unknown", secret, newAccountURL) }, fault.Unauthorized},
		"EAB-05 another key":  {func(n *issue.NewAccount) { n.Key = publicKey(t, newKey(t)) }, fault.Malformed},
		"EAB-02 not a JWS":    {func(n *issue.NewAccount) { n.Binding = []byte(`{}`) }, fault.Malformed},
		"EAB-02 wrong scheme": {func(n *issue.NewAccount) { n.Binding = []byte(base64.StdEncoding.EncodeToString(secret)) }, fault.Malformed},
	} {
		n := good
		c.change(&n)
		_, _, err := h.issue.NewAccount(t.Context(), h.connector, n)
		if !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := h.Store.AccountByKey(t.Context(), h.connector.ID, n.Key.Thumbprint()); !fault.Is(err, fault.NotFound) {
			t.Errorf("EAB-06 %s: an account stayed behind", what)
		}
	}
	a, created, err := h.issue.NewAccount(t.Context(), h.connector, good)
	if err != nil || !created || a.Credential != kid || string(a.Binding) != string(good.Binding) {
		t.Errorf("EAB-06: %+v %v", a, err)
	}
}

func TestTheSameAnswerForAnUnknownKeyIDAndAWrongMAC(t *testing.T) {
	h := newHouse(t)
	kid, secret := h.credential(0, time.Time{})
	key := publicKey(t, newKey(t))
	_, _, unknown := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: key, URL: newAccountURL, Binding: binding(t, key, "unknown", secret, newAccountURL)})
	_, _, wrong := h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: key, URL: newAccountURL, Binding: binding(t, key, kid, []byte("wrong"), newAccountURL)})
	if fault.Sentence(unknown) != fault.Sentence(wrong) || fault.Sentence(wrong) == "" {
		t.Errorf("EAB-04: %q and %q", fault.Sentence(unknown), fault.Sentence(wrong))
	}
}

func TestACredentialBindsNoMoreAccountsThanAllowed(t *testing.T) {
	h := newHouse(t)
	kid, secret := h.credential(3, time.Time{})
	var made atomic.Int32
	var wait sync.WaitGroup
	for range 20 {
		key := publicKey(t, newKey(t))
		n := issue.NewAccount{Key: key, URL: newAccountURL, Binding: binding(t, key, kid, secret, newAccountURL)}
		wait.Go(func() {
			_, created, err := h.issue.NewAccount(t.Context(), h.connector, n)
			if created {
				made.Add(1)
			} else if !fault.Is(err, fault.Unauthorized) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if made.Load() != 3 {
		t.Errorf("EAB-07: %d accounts", made.Load())
	}
}

func TestACredentialIsLive(t *testing.T) {
	h := newHouse(t)
	kid, secret := h.credential(0, h.Clock.Now().Add(time.Hour))
	key := publicKey(t, newKey(t))
	n := issue.NewAccount{Key: key, URL: newAccountURL, Binding: binding(t, key, kid, secret, newAccountURL)}
	a, _, err := h.issue.NewAccount(t.Context(), h.connector, n)
	check(t, err)
	admitted := func() error {
		_, err := h.issue.Admit(t.Context(), h.connector, a)
		return err
	}
	check(t, admitted())
	_, err = h.manage.SuspendCredential(t.Context(), manageActor, kid, nil)
	check(t, err)
	wantKind(t, admitted(), fault.Unauthorized)
	_, err = h.manage.ResumeCredential(t.Context(), manageActor, kid)
	check(t, err)
	check(t, admitted())
	h.Clock.Advance(2 * time.Hour)
	wantKind(t, admitted(), fault.Unauthorized)
	_, err = h.manage.DeleteCredential(t.Context(), manageActor, kid, nil)
	check(t, err)
	wantKind(t, admitted(), fault.Unauthorized)
}

func TestKeyChange(t *testing.T) {
	h := newHouse(t)
	r, other := h.requester(), h.requester()
	fresh := publicKey(t, newKey(t))
	_, err := h.issue.ChangeKey(t.Context(), r, other.Account.Key)
	wantKind(t, err, fault.Conflict)
	if e, ok := err.(*fault.Error); !ok || e.Location != other.Account.ID { //nolint:errorlint // the store returns it bare
		t.Errorf("K-12: %#v", err)
	}
	a, err := h.issue.ChangeKey(t.Context(), r, fresh)
	if err != nil || a.Key.Thumbprint() != fresh.Thumbprint() {
		t.Errorf("K-11: %v", err)
	}
	_, err = h.issue.ChangeKey(t.Context(), r, publicKey(t, newKey(t)))
	wantKind(t, err, fault.Conflict) // r still holds the old key: another change was first
	certified := newKey(t)
	r.Account = a
	h.issued(r, certified, "a.example.com")
	_, err = h.issue.ChangeKey(t.Context(), r, publicKey(t, certified))
	wantKind(t, err, fault.BadPublicKey)
	_, _, err = h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: publicKey(t, certified)})
	wantKind(t, err, fault.BadPublicKey)
}

func TestOneKeyIsNeverAccountKeyAndCertificateKey(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	for range 20 {
		key := newKey(t)
		order := h.ready(r, dns("a.example.com"))
		csr := request(t, key, "a.example.com")
		var certified, registered error
		var wait sync.WaitGroup
		wait.Go(func() { _, certified = h.issue.Finalize(t.Context(), r, order.ID, csr) })
		wait.Go(func() {
			_, _, registered = h.issue.NewAccount(t.Context(), h.connector, issue.NewAccount{Key: publicKey(t, key)})
		})
		wait.Wait()
		if (certified == nil) == (registered == nil) {
			t.Fatalf("O-17: certificate %v, account %v", certified, registered)
		}
	}
}

// latecomer is a store in which another request makes the account, and ends it, after this one looked for it.
type latecomer struct{ issue.Store }

func (latecomer) AccountByKey(context.Context, string, string) (acme.Account, error) {
	return acme.Account{}, fault.New(fault.NotFound, "not yet")
}

func TestAnAccountThatEndedMeanwhileIsNotReturnedAsValid(t *testing.T) {
	h := newHouse(t)
	key := newKey(t)
	r := h.requesterWith(key)
	s := h.service(func(e *issue.Engines, _ *issue.Options) { e.Store = latecomer{h.Store} })
	n := issue.NewAccount{Key: publicKey(t, key)}
	known, created, err := s.NewAccount(t.Context(), h.connector, n)
	if err != nil || created || known.ID != r.Account.ID {
		t.Errorf("A-03: %s %t %v", known.ID, created, err)
	}
	_, err = h.issue.DeactivateAccount(t.Context(), r)
	check(t, err)
	ended, created, err := s.NewAccount(t.Context(), h.connector, n)
	wantKind(t, err, fault.Unauthorized)
	if created || ended.Status() != acme.Deactivated {
		t.Errorf("A-12: %s %t", ended.Status(), created)
	}
}
