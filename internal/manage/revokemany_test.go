package manage_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// revokeMany takes steps of two until there is no other, and returns how many were found and changed.
func revokeMany(t *testing.T, s *manage.Service, m manage.ManyRevocations) (found, changed int) {
	t.Helper()
	page := manage.Page{Limit: 2}
	for {
		step, err := s.RevokeMany(t.Context(), operator, m, page)
		if err != nil {
			t.Fatal(err)
		}
		found, changed = found+step.Found, changed+step.Changed
		if step.Next == "" {
			return found, changed
		}
		page.Before = step.Next
	}
}

func (i *installation) wantRevoked(t *testing.T, about string, c pki.Certificate, want string) {
	t.Helper()
	got, err := i.Store.Certificate(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	status := "good"
	if !got.Revoked.IsZero() {
		status = got.Reason.String()
	}
	if status != want {
		t.Errorf("%s: %s, want %s", about, status, want)
	}
}

// Proves INC-40: however many there are, they are revoked in bounded steps, and the same command goes on with the rest.
func TestRevokeManyBySearch(t *testing.T) {
	i := newReady(t)
	expired := i.issue(t, "old.shop.example.com")
	i.Clock.Advance(91 * day)
	var shop []pki.Certificate
	for n := range 5 {
		i.Clock.Advance(time.Second)
		shop = append(shop, i.issue(t, fmt.Sprintf("n%d.shop.example.com", n)))
	}
	other := i.issue(t, "a.example.com")
	m := manage.ManyRevocations{Set: manage.CertificateFilter{Name: ".shop.example.com"}, Reason: "superseded", DryRun: true}
	if found, changed := revokeMany(t, i.Service, m); found != 5 || changed != 5 {
		t.Errorf("a dry run: %d found, %d to change", found, changed)
	}
	i.wantRevoked(t, "after a dry run", shop[0], "good")
	m.DryRun = false
	if step, err := i.RevokeMany(t.Context(), operator, m, manage.Page{Limit: 2}); err != nil || step.Changed != 2 || len(step.Sample) != 2 || step.Next == "" {
		t.Errorf("the first step: %+v (%v)", step, err)
	}
	if found, changed := revokeMany(t, i.Service, m); found != 5 || changed != 3 {
		t.Errorf("again: %d found, %d changed", found, changed)
	}
	for _, c := range shop {
		i.wantRevoked(t, "found", c, "superseded")
	}
	i.wantRevoked(t, "another name", other, "good")
	i.wantRevoked(t, "expired", expired, "good")
	events, _, err := i.Events(t.Context(), shop[0].ID, manage.Page{})
	if err != nil || len(events) != 2 || events[0].Action != event.CertificateRevoked || events[0].Actor != string(operator) {
		t.Errorf("the events: %+v (%v)", events, err)
	}
	m.Reason = "keyCompromise" // replaces another reason
	if _, changed := revokeMany(t, i.Service, m); changed != 5 {
		t.Errorf("keyCompromise changed %d", changed)
	}
	i.wantRevoked(t, "after keyCompromise", shop[0], "keyCompromise")
}

// Proves V-09, INC-20.
func TestRevokeManyByKey(t *testing.T) {
	i := newReady(t)
	c, other := i.issue(t, "a.example.com"), i.issue(t, "b.example.com")
	again := i.withKeyOf(t, c)
	for name, key := range map[string]string{
		"by serial number": string(c.Serial), "by id": again.ID, "by hash": hex.EncodeToString(c.KeyHash[:]),
	} {
		step, err := i.RevokeMany(t.Context(), operator, manage.ManyRevocations{Key: key, DryRun: true}, manage.Page{})
		if err != nil || step.Found != 2 || step.Changed != 2 {
			t.Errorf("%s: %+v (%v)", name, step, err)
		}
	}
	if _, changed := revokeMany(t, i.Service, manage.ManyRevocations{Key: string(c.Serial), Reason: "keyCompromise"}); changed != 2 {
		t.Errorf("%d were changed", changed)
	}
	i.wantRevoked(t, "the named one", c, "keyCompromise")
	i.wantRevoked(t, "the other of the key", again, "keyCompromise")
	i.wantRevoked(t, "of another key", other, "good")
	if blocked, err := i.Store.KeyBlocked(t.Context(), c.KeyHash); !blocked || err != nil {
		t.Errorf("the key is blocked: %v (%v)", blocked, err)
	}
}

// An account that claims keyCompromise blocks nothing; an operator who says so after it does.
// Proves V-09.
func TestRevokeManyBlocksTheKeyOfWhatAnAccountRevoked(t *testing.T) {
	i := newReady(t)
	c := i.issue(t, "a.example.com")
	if _, err := i.Store.Revoke(t.Context(), c.ID, i.Clock.Now(), pki.KeyCompromise, false, i.Event(event.CertificateRevoked, c.ID)); err != nil {
		t.Fatal(err)
	}
	m := manage.ManyRevocations{Key: string(c.Serial), Reason: "keyCompromise"}
	for _, want := range []int{1, 0} {
		if found, changed := revokeMany(t, i.Service, m); found != 1 || changed != want {
			t.Errorf("%d found, %d changed; want %d", found, changed, want)
		}
	}
	if blocked, err := i.Store.KeyBlocked(t.Context(), c.KeyHash); !blocked || err != nil {
		t.Errorf("the key is blocked: %v (%v)", blocked, err)
	}
}

// withKeyOf records another certificate with the key of c.
func (i *installation) withKeyOf(t *testing.T, c pki.Certificate) pki.Certificate {
	t.Helper()
	i.Clock.Advance(time.Second)
	der := c.DER
	last := pki.Serial("ff")
	if c.Serial[30:] == last {
		last = "fe"
	}
	c.ID, c.Serial, c.Issued, c.DER = i.NewID(), c.Serial[:30]+last, i.Clock.Now(), nil
	err := i.Store.BeginIssuance(t.Context(), pki.Intent{Certificate: c, TBS: []byte{0x30, 0}, Begun: c.Issued})
	if err == nil {
		err = i.Store.CompleteIssuance(t.Context(), c.ID, der, c.Issued, i.Event(event.CertificateIssued, c.ID))
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRevokeManyRefuses(t *testing.T) {
	i := newReady(t)
	for sentence, m := range map[string]manage.ManyRevocations{
		"Say which certificates":           {Reason: "superseded"},
		`"nobody" is neither a serial`:     {Key: "nobody"},
		"there are: default":               {Set: manage.CertificateFilter{Connector: "nobody"}},
		`"whatever" is no reason`:          {Set: manage.CertificateFilter{Name: "a.example.com"}, Reason: "whatever"},
		`"*" selects no certificate`:       {Set: manage.CertificateFilter{Name: "*"}},
		"There is no certificate with the": {Key: "4a5b"},
	} {
		_, err := i.RevokeMany(t.Context(), operator, m, manage.Page{})
		expect(t, err, fault.KindOf(err), sentence)
	}
}

// full is a store that refuses one revocation.
type full struct {
	manage.Store
	one string
}

var errFull = errors.New("the disk is full")

func (f full) Revoke(ctx context.Context, id string, at time.Time, reason pki.Reason, block bool, e event.Event) (pki.Certificate, error) {
	if id == f.one {
		return pki.Certificate{}, errFull
	}
	return f.Store.Revoke(ctx, id, at, reason, block, e)
}

func TestOneThatCannotBeRevokedHoldsUpNoOther(t *testing.T) {
	i := newReady(t)
	first, second, third := i.issue(t, "a.example.com"), i.issue(t, "b.example.com"), i.issue(t, "c.example.com")
	m := manage.ManyRevocations{Set: manage.CertificateFilter{Name: ".example.com"}}
	if _, err := i.on(full{i.Store, second.ID}).RevokeMany(t.Context(), operator, m, manage.Page{}); !errors.Is(err, errFull) {
		t.Errorf("the error is %v", err)
	}
	i.wantRevoked(t, "before it", first, "unspecified")
	i.wantRevoked(t, "itself", second, "good")
	i.wantRevoked(t, "behind it", third, "unspecified")
	if _, changed := revokeMany(t, i.Service, m); changed != 1 {
		t.Errorf("again: %d were changed", changed)
	}
}
