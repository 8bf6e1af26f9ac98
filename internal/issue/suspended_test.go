package issue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

func TestConnectorsAreFoundByKindAndName(t *testing.T) {
	h := newHouse(t)
	_, err := h.issue.Connector(t.Context(), policy.KindACME, "unknown")
	wantKind(t, err, fault.NotFound)
	_, err = h.issue.Connector(t.Context(), "scep", "default")
	wantKind(t, err, fault.NotFound)
}

// suspend suspends the connector and admits the requester anew, as a request after it would be.
func (h *house) suspend(r issue.Requester) issue.Requester {
	h.t.Helper()
	_, err := h.manage.SuspendConnector(h.t.Context(), manageActor, "default")
	check(h.t, err)
	h.connector, err = h.issue.Connector(h.t.Context(), policy.KindACME, "default")
	check(h.t, err)
	r, err = h.issue.Admit(h.t.Context(), h.connector, r.Account)
	check(h.t, err)
	return r
}

func TestASuspendedConnectorCreatesAndProvesNothing(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	key := newKey(t)
	r := h.requesterWith(key)
	ready := h.ready(r, dns("a.example.com"))
	pending := h.pending(r, 1)[0]
	r = h.suspend(r)
	looks := len(h.Validator.Looks())
	fresh := issue.NewAccount{Key: publicKey(t, newKey(t))}
	_, _, newAccount := h.issue.NewAccount(ctx, h.connector, fresh)
	for what, err := range map[string]error{
		"new account":       newAccount,
		"new order":         second(h.issue.NewOrder(ctx, r, dns("a.example.com"))),
		"new authorization": second(h.issue.NewAuthorization(ctx, r, issue.Name{Type: "dns", Value: "b.example.com"})),
		"challenge":         second(h.issue.Respond(ctx, r, pending, acme.HTTP01)),
		"finalize":          second(h.issue.Finalize(ctx, r, ready.ID, request(t, newKey(t), "a.example.com"))),
	} {
		if !fault.Is(err, fault.Unauthorized) || fault.Sentence(err) != "This connector is suspended; ask the operator of the CA." {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(h.Validator.Looks()) != looks {
		t.Error("the validator looked")
	}
	fresh.OnlyExisting = true
	_, _, err := h.issue.NewAccount(ctx, h.connector, fresh)
	wantKind(t, err, fault.NoAccount)

	_, err = h.manage.ResumeConnector(ctx, manageActor, "default")
	check(t, err)
	h.connector, err = h.issue.Connector(ctx, policy.KindACME, "default")
	check(t, err)
	r, err = h.issue.Admit(ctx, h.connector, r.Account)
	check(t, err)
	view, err := h.issue.Finalize(ctx, r, ready.ID, request(t, newKey(t), "a.example.com"))
	if err != nil || view.Status != acme.Valid {
		t.Errorf("after it was resumed the order is %s, %v", view.Status, err)
	}
}

func TestASuspendedConnectorLetsReadGiveBackAndRevoke(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	key := newKey(t)
	r := h.requesterWith(key)
	d := h.issued(r, newKey(t), "a.example.com")
	order, err := h.issue.NewOrder(ctx, r, dns("b.example.com"))
	check(t, err)
	r = h.suspend(r)
	for what, err := range map[string]error{
		"order":         second(h.issue.Order(ctx, r, order.ID)),
		"authorization": second(h.issue.Authorization(ctx, r, order.Parts[0].ID)),
		"certificate":   second(h.issue.Certificate(ctx, r, d.Certificate.ID)),
		"profiles":      second(h.issue.Profiles(ctx, h.connector)),
		"contacts":      second(h.issue.UpdateContacts(ctx, r, []string{"mailto:a@example.com"})),
		"give back":     second(h.issue.DeactivateAuthorization(ctx, r, order.Parts[0].ID)),
		"revocation":    h.issue.Revoke(ctx, issue.Revocation{Connector: h.connector, Account: &r, Certificate: d.Certificate.DER}),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	known, created, err := h.issue.NewAccount(ctx, h.connector, issue.NewAccount{Key: publicKey(t, key)})
	if err != nil || created || known.ID != r.Account.ID {
		t.Errorf("A-02: %v %t %v", known.ID, created, err)
	}
	r.Account, err = h.issue.ChangeKey(ctx, r, publicKey(t, newKey(t)))
	check(t, err)
	_, err = h.issue.DeactivateAccount(ctx, r)
	check(t, err)
}

// TestAnInterruptedLookOfASuspendedConnectorEnds: it proves nothing, and it does not stay processing for ever.
func TestAnInterruptedLookOfASuspendedConnectorEnds(t *testing.T) {
	h := newHouse(t)
	decide, release := held()
	defer release()
	h.Validator.Decide(decide)
	r, stopped := h.requester(), h.impatient()
	id := h.pending(r, 1)[0]
	_, err := stopped.Respond(t.Context(), r, id, acme.HTTP01)
	check(t, err)
	stopped.Close()
	looks := len(h.Validator.Looks())
	r = h.suspend(r)
	resumed, err := h.issue.ResumeLooks(t.Context(), h.Clock.Now().Add(time.Second), 10)
	if resumed != 1 || err != nil {
		t.Fatalf("%d %v", resumed, err)
	}
	a, err := h.issueWaits(h.issue, r, id)
	check(t, err)
	c, _ := a.Challenge(acme.HTTP01)
	if a.Status != acme.Invalid || c.Failure == nil || c.Failure.Kind != string(fault.Unauthorized) || len(h.Validator.Looks()) != looks {
		t.Errorf("%s %+v after %d looks", a.Status, c.Failure, len(h.Validator.Looks())-looks)
	}
}

// An issuance that a crash left behind is not finished at a connector that is suspended: who suspends it, as when the issuer's
// key is in doubt, has stopped it.
func TestAnIntentAtASuspendedConnectorIsAbandonedUnsigned(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order, _ := h.begun(r, newKey(t), "a.example.com")
	r = h.suspend(r)
	ended, err := h.resume(h.issue)
	check(t, err)
	if view := h.order(r, order.ID); ended != 1 || view.Status != acme.Invalid || !strings.Contains(view.Failure.Public, "its connector was stopped") {
		t.Errorf("%d ended, the order is %s: %+v", ended, view.Status, view.Failure)
	}
}

// Nothing slips in beside the suspension: who was let in before it begins no issuance after it.
func TestAConnectorThatIsSuspendedMeanwhileIssuesNothing(t *testing.T) {
	h := newHouse(t)
	r := h.requester()
	order := h.ready(r, dns("a.example.com"))
	h.suspend(r)
	_, err := h.issue.Finalize(t.Context(), r, order.ID, request(t, newKey(t), "a.example.com"))
	wantKind(t, err, fault.Unauthorized)
}
