package issue_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// bound makes a credential with a scope, and an account that came in by it.
func (h *house) bound(scope policy.Scope) issue.Requester {
	h.t.Helper()
	view, secret, err := h.manage.CreateCredential(h.t.Context(), manageActor, manage.NewCredential{Name: "web " + h.NewID(), Scope: scope})
	check(h.t, err)
	a, err := h.bind(view.ID, secret)
	check(h.t, err)
	return h.admit(a)
}

// bind asks for an account with a new key.
func (h *house) bind(kid string, secret []byte) (acme.Account, error) {
	h.t.Helper()
	key := publicKey(h.t, newKey(h.t))
	a, _, err := h.issue.NewAccount(h.t.Context(), h.connector, issue.NewAccount{
		Key: key, URL: newAccountURL, Binding: binding(h.t, key, kid, secret, newAccountURL),
	})
	return a, err
}

// admit admits an account as a new request would.
func (h *house) admit(a acme.Account) issue.Requester {
	h.t.Helper()
	r, err := h.issue.Admit(h.t.Context(), h.connector, a)
	check(h.t, err)
	return r
}

// rescope changes the scope of a requester's credential and admits the requester anew.
func (h *house) rescope(r issue.Requester, change func(*policy.Scope)) issue.Requester {
	h.t.Helper()
	_, err := h.manage.SetTerms(h.t.Context(), manageActor, r.Credential.ID, func(terms *policy.Terms) error {
		change(&terms.Scope)
		return nil
	})
	check(h.t, err)
	return h.admit(r.Account)
}

// ends are the ways in which a credential stops.
func ends() map[string]func(*house, issue.Requester) {
	return map[string]func(*house, issue.Requester){
		"suspended": func(h *house, r issue.Requester) {
			_, err := h.manage.SuspendCredential(h.t.Context(), manageActor, r.Credential.ID, nil)
			check(h.t, err)
		},
		"deleted": func(h *house, r issue.Requester) {
			_, err := h.manage.DeleteCredential(h.t.Context(), manageActor, r.Credential.ID, nil)
			check(h.t, err)
		},
		"expired": func(h *house, r issue.Requester) {
			_, err := h.manage.SetTerms(h.t.Context(), manageActor, r.Credential.ID, func(t *policy.Terms) error {
				t.Expires = h.Clock.Now().Add(time.Second)
				return nil
			})
			check(h.t, err)
			h.Clock.Advance(time.Second)
		},
	}
}

// Proves EAB-08, INC-65: a request that was admitted just before its credential stopped gets nothing any more.
func TestAStopBetweenAdmissionAndWrite(t *testing.T) {
	for what, stop := range ends() {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t)
			ctx, r := t.Context(), h.bound(policy.Scope{})
			ready, pending := h.ready(r, dns("a.example.com")), h.pending(r, 2)
			csr := request(t, newKey(t), "a.example.com")
			stop(h, r)
			for name, err := range map[string]error{
				"newOrder":   second(h.issue.NewOrder(ctx, r, dns("b.example.com"))),
				"newAuthz":   second(h.issue.NewAuthorization(ctx, r, issue.Name{Type: "dns", Value: "b.example.com"})),
				"finalize":   second(h.issue.Finalize(ctx, r, ready.ID, csr)),
				"contacts":   second(h.issue.UpdateContacts(ctx, r, nil)),
				"key change": second(h.issue.ChangeKey(ctx, r, publicKey(t, newKey(t)))),
			} {
				if !fault.Is(err, fault.Unauthorized) {
					t.Errorf("%s: %v", name, err)
				}
			}
			looks := len(h.Validator.Looks())
			a, err := h.issue.Respond(ctx, r, pending[0], acme.HTTP01)
			check(t, err)
			if a.Status != acme.Invalid || len(h.Validator.Looks()) != looks {
				t.Errorf("the challenge: %s after %d looks", a.Status, len(h.Validator.Looks())-looks)
			}
			wantKind(t, second(h.issue.Admit(ctx, h.connector, r.Account)), fault.Unauthorized)
		})
	}
}

// Proves EAB-08: what is proven while the credential stops is not recorded as proven, and does not stay open.
func TestAStopWhileALookFlies(t *testing.T) {
	for what, stop := range ends() {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t)
			r := h.bound(policy.Scope{})
			id := h.pending(r, 1)[0]
			h.Validator.Decide(func(context.Context, policy.Look) acme.Outcome {
				stop(h, r)
				return acme.Outcome{Attempts: []acme.Attempt{{Seen: "as told"}}}
			})
			a, err := h.issue.Respond(t.Context(), r, id, acme.HTTP01)
			check(t, err)
			c, _ := a.Challenge(acme.HTTP01)
			if a.Status != acme.Invalid || c.Failure == nil || c.Failure.Kind != string(fault.Unauthorized) || len(c.Attempts) != 1 {
				t.Errorf("%s %+v", a.Status, c)
			}
		})
	}
}

// Proves EAB-08: an issuance that an error left between its intent and its signature is not finished for who was stopped.
func TestAStopBetweenIntentAndSignature(t *testing.T) {
	for what, stop := range ends() {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t)
			r := h.bound(policy.Scope{})
			order, intent := h.begun(r, newKey(t), "a.example.com")
			stop(h, r)
			if ended, err := h.resume(h.issue); ended != 1 || err != nil {
				t.Fatalf("%d %v", ended, err)
			}
			o := h.order(r, order.ID)
			if o.Status != acme.Invalid || o.Failure == nil || o.Failure.Kind != string(fault.Unauthorized) {
				t.Errorf("%s %+v", o.Status, o.Failure)
			}
			if _, err := h.Store.Certificate(t.Context(), intent.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("it was signed: %v", err)
			}
		})
	}
}

// An issuance of an account without a credential, and one whose credential is in force, are finished as ever.
func TestIntentsOfWhoMayAreFinished(t *testing.T) {
	h := newHouse(t)
	for _, r := range []issue.Requester{h.requester(), h.bound(policy.Scope{})} {
		order, _ := h.begun(r, newKey(t), "a.example.com")
		if ended, err := h.resume(h.issue); ended != 1 || err != nil {
			t.Fatalf("%d %v", ended, err)
		}
		if o := h.order(r, order.ID); o.Status != acme.Valid {
			t.Errorf("%s %+v", o.Status, o.Failure)
		}
	}
}

// Proves EAB-08: every write is judged by the scope of now.
func TestTheScopeOfNow(t *testing.T) {
	for what, c := range map[string]struct {
		change func(*policy.Scope)
		kind   fault.Kind
	}{
		"a name taken away":    {func(s *policy.Scope) { s.Names = []string{"b.example.com"} }, fault.RejectedIdentifier},
		"the profile as well":  {func(s *policy.Scope) { s.Profiles = []string{"shortlived"} }, fault.InvalidProfile},
		"names are all others": {func(s *policy.Scope) { s.Names = []string{".a.example.com", "10.0.0.0/8"} }, fault.RejectedIdentifier},
	} {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t)
			ctx, r := t.Context(), h.bound(policy.Scope{Names: []string{".example.com"}})
			ready := h.ready(r, dns("a.example.com"))
			pending, err := h.issue.NewAuthorization(ctx, r, issue.Name{Type: "dns", Value: "a.example.com"})
			check(t, err)
			csr := request(t, newKey(t), "a.example.com")
			narrow := h.rescope(r, c.change)
			wantKind(t, second(h.issue.Finalize(ctx, narrow, ready.ID, csr)), c.kind)
			if c.kind == fault.RejectedIdentifier {
				wantKind(t, second(h.issue.NewOrder(ctx, narrow, dns("a.example.com"))), c.kind)
				wantKind(t, second(h.issue.NewAuthorization(ctx, narrow, issue.Name{Type: "dns", Value: "a.example.com"})), c.kind)
				wantKind(t, second(h.issue.Respond(ctx, narrow, pending.ID, acme.HTTP01)), c.kind)
			}
			wide := h.rescope(r, func(s *policy.Scope) { *s = policy.Scope{} })
			if view, err := h.issue.Finalize(ctx, wide, ready.ID, csr); err != nil || view.Status != acme.Valid {
				t.Errorf("allowed again: %s %v", view.Status, err)
			}
		})
	}
}

// The error of a client says what it may not have, by which credential, and whom to ask.
func TestWhatARequesterOutsideItsScopeIsTold(t *testing.T) {
	h := newHouse(t)
	r := h.bound(policy.Scope{Names: []string{".example.com"}})
	_, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com", "b.example.org"))
	sentence := fault.Sentence(err)
	for _, part := range []string{"b.example.org", "scope of the credential", r.Credential.ID, "ask the operator"} {
		if !strings.Contains(sentence, part) {
			t.Errorf("%q is not in %q", part, sentence)
		}
	}
	if got := refusedIn(err); len(got) != 1 || got[0] != "b.example.org" {
		t.Errorf("subproblems for %v", got)
	}
	look := h.rescope(r, func(*policy.Scope) {})
	id := h.pending(look, 1)[0]
	_, err = h.issue.Respond(t.Context(), look, id, acme.HTTP01)
	check(t, err)
	if got := h.Validator.Looks()[0].Scope.Names; len(got) != 1 || got[0] != ".example.com" {
		t.Errorf("the look may be led to %v", got)
	}
}

func TestTheDefaultProfileOfAScope(t *testing.T) {
	h := newHouse(t)
	h.setRules(func(r *policy.Rules) { r.Profiles = []string{"default", "shortlived"} })
	r := h.bound(policy.Scope{Profiles: []string{"shortlived"}})
	order, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	if order.ProfileName != "shortlived" {
		t.Errorf("the order got the profile %s", order.ProfileName)
	}
	other := dns("a.example.com")
	other.Profile = "default"
	wantKind(t, second(h.issue.NewOrder(t.Context(), r, other)), fault.InvalidProfile)
}

// A binding of which one half is missing is nobody's: it must not pass for an account that needs none.
func TestAHalfBoundAccountIsStopped(t *testing.T) {
	h := newHouse(t)
	kid, _ := h.credential(0, time.Time{})
	h.connect("other")
	foreign, _, err := h.manage.CreateCredential(t.Context(), manageActor, manage.NewCredential{Name: "foreign", Connector: "other"})
	check(t, err)
	for what, a := range map[string]acme.Account{
		"no credential":                       {Binding: []byte(`{}`)},
		"no binding":                          {Credential: kid},
		"a credential that never was":         {Credential: "unknown", Binding: []byte(`{}`)},
		"a credential of another connector's": {Credential: foreign.ID, Binding: []byte(`{}`)},
	} {
		a.ID, a.Connector, a.Key, a.Created = h.NewID(), h.connector.ID, publicKey(t, newKey(t)), h.Clock.Now()
		if _, err := h.issue.Admit(t.Context(), h.connector, a); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func (h *house) connect(name string) {
	h.t.Helper()
	_, err := h.manage.CreateConnector(h.t.Context(), manageActor, manage.NewConnector{Name: name}, nil)
	check(h.t, err)
}

// Proves EAB-04: after a rotation the old key binds for as long as its grace lasts, and no account is orphaned.
func TestARotatedKeyBindsUntilItsGraceEnds(t *testing.T) {
	h := newHouse(t)
	kid, first := h.credential(0, time.Time{})
	early, err := h.bind(kid, first)
	check(t, err)
	_, secondKey, err := h.manage.RotateCredential(t.Context(), manageActor, kid, time.Hour)
	check(t, err)
	for _, key := range [][]byte{first, secondKey} {
		_, err := h.bind(kid, key)
		check(t, err)
	}
	h.Clock.Advance(time.Hour)
	wantKind(t, second(h.bind(kid, first)), fault.Unauthorized)
	_, err = h.bind(kid, secondKey)
	check(t, err)
	_, third, err := h.manage.RotateCredential(t.Context(), manageActor, kid, 0)
	check(t, err)
	wantKind(t, second(h.bind(kid, secondKey)), fault.Unauthorized)
	wantKind(t, second(h.bind(kid, first)), fault.Unauthorized)
	_, err = h.bind(kid, third)
	check(t, err)
	_, err = h.issue.NewOrder(t.Context(), h.admit(early), dns("a.example.com"))
	check(t, err)
}

// Proves Z-04: a name that the credential pre-approves is certified without a look, and it is on record by whose word.
func TestAPreApprovedName(t *testing.T) {
	h := newHouse(t)
	ctx, r := t.Context(), h.bound(policy.Scope{PreApproved: []string{".print.example.com", "10.3.0.0/16"}})
	asked := dns("a.print.example.com", "*.print.example.com")
	asked.Names = append(asked.Names, issue.Name{Type: "ip", Value: "10.3.4.5"})
	order, err := h.issue.NewOrder(ctx, r, asked)
	check(t, err)
	if order.Status != acme.Ready {
		t.Fatalf("the order is %s", order.Status)
	}
	for _, a := range order.Parts {
		if a.Status != acme.Valid || a.Approval.Credential != r.Credential.ID || a.Approval.Name != r.Credential.Name || !a.Approval.At.Equal(h.Clock.Now()) {
			t.Errorf("%s is %s by %+v", a.Covers(), a.Status, a.Approval)
		}
		if len(a.Challenges) == 0 {
			t.Errorf("%s has no challenge for clients that look for one first", a.Covers())
		}
		answered, err := h.issue.Respond(ctx, r, a.ID, a.Challenges[0].Method)
		if err != nil || answered.Status != acme.Valid {
			t.Errorf("an answer that nobody needs: %s %v", answered.Status, err)
		}
	}
	early, err := h.issue.NewAuthorization(ctx, r, issue.Name{Type: "dns", Value: "b.print.example.com"})
	if err != nil || early.Status != acme.Valid {
		t.Errorf("newAuthz: %s %v", early.Status, err)
	}
	view, err := h.issue.Finalize(ctx, r, order.ID, requestOf(t, asked))
	if err != nil || view.Status != acme.Valid || len(h.Validator.Looks()) != 0 {
		t.Errorf("%s %v after %d looks", view.Status, err, len(h.Validator.Looks()))
	}
	events, err := h.Store.Events(ctx, order.ID, "", 10)
	check(t, err)
	if len(events) != 1 || events[0].Action != event.OrderCreated || !strings.HasPrefix(events[0].Detail, "pre-approved: *.print.example.com, a.print.example.com") {
		t.Errorf("the log tells %+v", events)
	}
}

// Proves Z-05, Z-07, INC-86: the word of the operator counts for whom and for what it was given, and while it is given.
func TestWhatIsNotPreApproved(t *testing.T) {
	h := newHouse(t)
	h.setRules(func(r *policy.Rules) { r.Names = []string{".example.com"} })
	ctx, r := t.Context(), h.bound(policy.Scope{PreApproved: []string{"a.example.com", "x.example.org"}})
	status := func(r issue.Requester, name string) acme.Status {
		t.Helper()
		order, err := h.issue.NewOrder(ctx, r, dns(name))
		check(t, err)
		return order.Status
	}
	for what, got := range map[string]acme.Status{
		"the name itself, of an account without credential": status(h.requester(), "a.example.com"),
		"of an account by another credential":               status(h.bound(policy.Scope{}), "a.example.com"),
		"another name":                                      status(r, "b.example.com"),
		"a child":                                           status(r, "www.a.example.com"),
		"the wildcard":                                      status(r, "*.a.example.com"),
	} {
		if got != acme.Pending {
			t.Errorf("%s: %s", what, got)
		}
	}
	wantKind(t, second(h.issue.NewOrder(ctx, r, dns("x.example.org"))), fault.RejectedIdentifier)

	order, err := h.issue.NewOrder(ctx, r, dns("a.example.com"))
	check(t, err)
	withdrawn := h.rescope(r, func(s *policy.Scope) { s.PreApproved = nil })
	csr := request(t, newKey(t), "a.example.com")
	_, err = h.issue.Finalize(ctx, withdrawn, order.ID, csr)
	wantKind(t, err, fault.Unauthorized)
	if got := refusedIn(err); len(got) != 1 || got[0] != "a.example.com" {
		t.Errorf("after the withdrawal %v is refused", got)
	}
	if got := status(withdrawn, "a.example.com"); got != acme.Pending {
		t.Errorf("after the withdrawal a new order is %s", got)
	}
	again := h.rescope(r, func(s *policy.Scope) { s.PreApproved = []string{"a.example.com"} })
	_, err = h.issue.DeactivateAuthorization(ctx, again, order.Parts[0].ID)
	check(t, err)
	wantKind(t, second(h.issue.Finalize(ctx, again, order.ID, csr)), fault.NotReady)
}

// The word of an operator lets certify, and lets nobody revoke what another account ordered.
func TestAPreApprovalRevokesNothingOfOthers(t *testing.T) {
	h := newHouse(t)
	d := h.issued(h.requester(), newKey(t), "a.example.com")
	r := h.bound(policy.Scope{PreApproved: []string{"a.example.com"}})
	_, err := h.issue.NewOrder(t.Context(), r, dns("a.example.com"))
	check(t, err)
	wantKind(t, h.byAccount(r, d.Certificate.DER), fault.Unauthorized)
}

// requestOf returns a certificate request for everything that an order asks for.
func requestOf(t *testing.T, o issue.NewOrder) []byte {
	t.Helper()
	var template x509.CertificateRequest
	for _, n := range o.Names {
		if n.Type == "ip" {
			template.IPAddresses = append(template.IPAddresses, net.ParseIP(n.Value))
		} else {
			template.DNSNames = append(template.DNSNames, n.Value)
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, newKey(t))
	check(t, err)
	return der
}
