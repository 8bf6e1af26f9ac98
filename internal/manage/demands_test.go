package manage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// accountOf records an account that came in by a credential.
func (i *installation) accountOf(t *testing.T, c manage.CredentialView) acme.Account {
	t.Helper()
	key, err := jws.KeyFromPublic(newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	a := acme.Account{ID: i.NewID(), Connector: c.Connector, Key: key, Credential: c.ID, Binding: []byte(`{}`), Created: i.Clock.Now()}
	a, _, err = i.Store.CreateAccount(t.Context(), a, i.Event(event.AccountCreated, a.ID))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// issueTo records certificates of an account.
func (i *installation) issueTo(t *testing.T, a acme.Account, n int) {
	t.Helper()
	i.account(t) // another's stand beside
	i.issue(t, "another.example.com")
	for range n {
		i.issueFor(t, a.ID, "a.example.com")
	}
}

// unrevoked returns how many certificates of a credential are in force.
func (i *installation) unrevoked(t *testing.T, credential string) int {
	t.Helper()
	all, _, err := i.Certificates(t.Context(), manage.CertificateFilter{Credential: credential}, manage.Page{Limit: manage.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range all {
		if c.Status == manage.CertificateValid {
			n++
		}
	}
	return n
}

// Proves EAB-08: with its end, on request, everything that came in by a credential is revoked, and nothing else.
func TestRevokeEverythingOfACredential(t *testing.T) {
	for what, stop := range map[string]func(*installation, string, *manage.RevokeAll) error{
		"suspended": func(i *installation, id string, all *manage.RevokeAll) error {
			_, err := i.SuspendCredential(context.Background(), operator, id, all)
			return err
		},
		"deleted": func(i *installation, id string, all *manage.RevokeAll) error {
			_, err := i.DeleteCredential(context.Background(), operator, id, all)
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			i := newReady(t)
			view, other := i.credential(t, manage.NewCredential{Name: "web"}), i.credential(t, manage.NewCredential{Name: "other"})
			const many = 130 // more than one write takes
			i.issueTo(t, i.accountOf(t, view), many)
			i.issueTo(t, i.accountOf(t, other), 2)
			expect(t, stop(i, view.ID, &manage.RevokeAll{Reason: "no reason"}), fault.BadRevocationReason, "is no reason")
			if err := stop(i, view.ID, &manage.RevokeAll{Reason: "superseded"}); err != nil {
				t.Fatal(err)
			}
			d, err := i.ContinueRevocation(t.Context(), view.ID)
			if err != nil || d.Revoked != many || d.Ended.IsZero() || d.Reason != pki.Superseded || d.Actor != string(operator) {
				t.Errorf("%+v (%v)", d, err)
			}
			if left, others := i.unrevoked(t, view.ID), i.unrevoked(t, other.ID); left != 0 || others != 2 {
				t.Errorf("%d are left, and %d of the other", left, others)
			}
			if again, err := i.ContinueRevocation(t.Context(), view.ID); err != nil || again != d {
				t.Errorf("once more: %+v (%v)", again, err)
			}
			events, _, err := i.Events(t.Context(), view.ID, manage.Page{})
			if err != nil || events[0].Action != event.CredentialCleared || events[0].Detail != "web; 130 certificates were revoked" {
				t.Errorf("%+v (%v)", events[0], err)
			}
			if n, err := i.RevokeDemanded(t.Context()); n != 0 || err != nil {
				t.Errorf("the job does it again: %d %v", n, err)
			}
		})
	}
}

// failing is a store in which the revocations of a demand fail after so many writes.
type failing struct {
	manage.Store
	writes int
}

var errCrash = errors.New("crash")

func (f *failing) RevokeDemanded(ctx context.Context, credential string, events []event.Event) (int, error) {
	if f.writes--; f.writes < 0 {
		return 0, errCrash
	}
	return f.Store.RevokeDemanded(ctx, credential, events)
}

// A demand survives whoever works it off: a job goes on, and the credential stays stopped until it has ended.
func TestADemandIsTakenUpAgain(t *testing.T) {
	i := newReady(t)
	view, other := i.credential(t, manage.NewCredential{Name: "web"}), i.credential(t, manage.NewCredential{Name: "other"})
	i.issueTo(t, i.accountOf(t, view), 130)
	i.issueTo(t, i.accountOf(t, other), 1)
	for _, id := range []string{view.ID, other.ID} {
		if _, err := i.SuspendCredential(t.Context(), operator, id, &manage.RevokeAll{}); err != nil {
			t.Fatal(err)
		}
	}
	crashing := i.on(&failing{Store: i.Store, writes: 1})
	if _, err := crashing.ContinueRevocation(t.Context(), view.ID); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	d, err := i.Demand(t.Context(), view.ID)
	if err != nil || d.Revoked != 100 || !d.Ended.IsZero() {
		t.Errorf("after the crash %+v (%v)", d, err)
	}
	_, err = i.ResumeCredential(t.Context(), operator, view.ID)
	expect(t, err, fault.Conflict, "are being revoked, 100 so far")
	if n, err := i.RevokeDemanded(t.Context()); n != 31 || err != nil {
		t.Errorf("the job revoked %d (%v)", n, err)
	}
	if left := i.unrevoked(t, view.ID) + i.unrevoked(t, other.ID); left != 0 {
		t.Errorf("%d are left", left)
	}
	if d, err = i.Demand(t.Context(), view.ID); err != nil || d.Revoked != 130 || d.Ended.IsZero() {
		t.Errorf("in the end %+v (%v)", d, err)
	}
	if resumed, err := i.ResumeCredential(t.Context(), operator, view.ID); err != nil || !resumed.Usable {
		t.Errorf("%+v (%v)", resumed, err)
	}
	i.issueFor(t, i.accountOf(t, view).ID, "b.example.com")
	if _, err := i.SuspendCredential(t.Context(), operator, view.ID, &manage.RevokeAll{Reason: "keyCompromise"}); err != nil {
		t.Fatal(err)
	}
	if d, err = i.ContinueRevocation(t.Context(), view.ID); err != nil || d.Revoked != 1 || d.Reason != pki.KeyCompromise {
		t.Errorf("a second demand: %+v (%v)", d, err)
	}
}

// One demand that cannot be worked off does not hold up the others.
func TestAFailingDemandHoldsUpNoOther(t *testing.T) {
	i := newReady(t)
	for _, name := range []string{"a", "b"} {
		view := i.credential(t, manage.NewCredential{Name: name})
		i.issueTo(t, i.accountOf(t, view), 1)
		if _, err := i.SuspendCredential(t.Context(), operator, view.ID, &manage.RevokeAll{}); err != nil {
			t.Fatal(err)
		}
	}
	store := &failing{Store: i.Store}
	if n, err := i.on(store).RevokeDemanded(t.Context()); n != 0 || store.writes != -2 || !errors.Is(err, errCrash) {
		t.Errorf("%d in %d writes (%v)", n, -store.writes, err)
	}
}

// An issuance that had begun is waited for: its certificate is revoked too.
func TestADemandWaitsForWhatIsUnderWay(t *testing.T) {
	i := newReady(t)
	view := i.credential(t, manage.NewCredential{Name: "web"})
	sign := i.beginFor(t, i.accountOf(t, view).ID, "late.example.com")
	if _, err := i.SuspendCredential(t.Context(), operator, view.ID, &manage.RevokeAll{}); err != nil {
		t.Fatal(err)
	}
	if d, err := i.ContinueRevocation(t.Context(), view.ID); err != nil || d.Revoked != 0 || !d.Ended.IsZero() {
		t.Errorf("before the signature %+v (%v)", d, err)
	}
	sign()
	i.Clock.Advance(time.Second)
	if d, err := i.ContinueRevocation(t.Context(), view.ID); err != nil || d.Revoked != 1 || d.Ended.IsZero() {
		t.Errorf("after it %+v (%v)", d, err)
	}
}

func TestNobodyDemanded(t *testing.T) {
	i := newReady(t)
	_, err := i.Demand(t.Context(), "nobody")
	expect(t, err, fault.NotFound, "Nobody demanded")
	_, err = i.ContinueRevocation(t.Context(), "nobody")
	expect(t, err, fault.NotFound, "Nobody demanded")
}
