package manage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// account records an account at the default connector.
func (i *installation) account(t *testing.T) acme.Account {
	t.Helper()
	connector, err := i.Connector(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jws.KeyFromPublic(newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	a := acme.Account{ID: i.NewID(), Connector: connector.ID, Key: key, Contacts: []string{"mailto:a@example.com"}, Created: i.Clock.Now()}
	a, _, err = i.Store.CreateAccount(t.Context(), a, i.Event(event.AccountCreated, a.ID))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// order records an order of an account with one authorization that is pending.
func (i *installation) order(t *testing.T, a acme.Account, name string) acme.Order {
	t.Helper()
	profile, err := i.Profile(t.Context(), "", manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	identifier := mustDNS(t, name)
	authorization := acme.Authorization{
		ID: i.NewID(), Account: a.ID, Connector: a.Connector, Identifier: identifier.Base(), Created: i.Clock.Now(), Expires: i.Clock.Now().Add(day),
		Challenges: []acme.Challenge{{Method: acme.HTTP01, Token: "token-1"}, {Method: acme.DNS01, Token: "token-2"}},
	}
	o := acme.Order{
		ID: i.NewID(), Account: a.ID, Connector: a.Connector, Profile: profile.ID, ProfileName: profile.Name,
		Created: i.Clock.Now(), Expires: i.Clock.Now().Add(day), Authorizations: []string{authorization.ID},
	}
	o.Identifiers = append(o.Identifiers, identifier)
	if err := i.Store.CreateOrder(t.Context(), o, []acme.Authorization{authorization}, i.Event(event.OrderCreated, o.ID)); err != nil {
		t.Fatal(err)
	}
	return o
}

// conclude records what a look at the http-01 challenge of an order found.
func (i *installation) conclude(t *testing.T, o acme.Order, outcome acme.Outcome) {
	t.Helper()
	c := acme.Conclusion{
		Authorization: o.Authorizations[0], Method: acme.HTTP01, KeyAuthorization: "token-1.thumbprint",
		Outcome: outcome, Now: i.Clock.Now(), ValidUntil: i.Clock.Now().Add(day),
	}
	if _, err := i.Store.Conclude(t.Context(), c, i.Event(event.AuthorizationInvalid, c.Authorization)); err != nil {
		t.Fatal(err)
	}
}

func TestAccounts(t *testing.T) {
	i := newReady(t)
	a := i.account(t)
	view, err := i.Account(t.Context(), a.ID)
	if err != nil || view.ConnectorName != manage.Default || view.Status() != acme.Valid {
		t.Fatalf("account %+v (%v)", view, err)
	}
	o := i.order(t, a, "a.example.com")
	for range 2 { // the second changes nothing
		view, err = i.RevokeAccount(t.Context(), operator, a.ID)
		if err != nil || view.Status() != acme.Revoked {
			t.Fatalf("after the revocation: %s (%v)", view.Status(), err)
		}
	}
	if shown, err := i.Order(t.Context(), o.ID); err != nil || shown.Status != acme.Invalid {
		t.Errorf("the open order of a revoked account is %s (%v)", shown.Status, err)
	}
	events, _, err := i.Events(t.Context(), a.ID, manage.Page{})
	if err != nil || len(events) != 2 || events[0].Actor != string(operator) || events[0].OrganisationName != manage.Default {
		t.Errorf("events %+v (%v)", events, err)
	}
	_, err = i.Account(t.Context(), "nobody")
	expect(t, err, fault.NotFound, `There is no account "nobody"; list the accounts for their ids.`)
	_, err = i.RevokeAccount(t.Context(), operator, "nobody")
	expect(t, err, fault.NotFound, "There is no account")
	_, _, err = i.Accounts(t.Context(), "nobody", manage.Page{})
	expect(t, err, fault.NotFound, "there are: default")
}

func TestPages(t *testing.T) {
	i := newReady(t)
	var want []string
	for range 5 {
		i.Clock.Advance(time.Second)
		want = append([]string{i.account(t).ID}, want...)
	}
	for _, size := range []int{1, 2, 4, 5, 6, 0} {
		var got []string
		page := manage.Page{Limit: size}
		for pages := 1; ; pages++ {
			found, next, err := i.Accounts(t.Context(), manage.Default, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range found {
				got = append(got, a.ID)
			}
			if page.Before = next; next == "" {
				if size > 0 && pages != (5+size-1)/size {
					t.Errorf("%d pages of %d", pages, size)
				}
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}
	for _, page := range []manage.Page{{Limit: -1}, {Limit: 1001}, {Before: "start"}, {Before: strings.Repeat("1", 20)}} {
		_, _, err := i.Accounts(t.Context(), "", page)
		expect(t, err, fault.Malformed, "page")
		_, _, err = i.Events(t.Context(), "", page)
		expect(t, err, fault.Malformed, "page")
	}
}

func TestOrders(t *testing.T) {
	i := newReady(t)
	a := i.account(t)
	pending := i.order(t, a, "pending.example.com")
	i.Clock.Advance(time.Second)
	ready := i.order(t, a, "ready.example.com")
	i.conclude(t, ready, acme.Outcome{Attempts: []acme.Attempt{{At: i.Clock.Now(), Seen: "body matches the key authorization"}}})
	i.Clock.Advance(time.Second)
	invalid := i.order(t, a, "invalid.example.com")
	attempt := acme.Attempt{
		At: i.Clock.Now(), Duration: 12, Lookups: []acme.Lookup{{Name: "invalid.example.com", Type: "A", Result: "NOERROR", Answers: []string{"192.0.2.1"}}},
		Hops: []acme.Hop{{URL: "http://invalid.example.com/", Address: "192.0.2.1:80", Status: 404}}, Seen: "status 404",
	}
	failure := &acme.Failure{Kind: string(fault.IncorrectResponse), Public: "The answer was wrong."}
	i.conclude(t, invalid, acme.Outcome{Failure: failure, Attempts: []acme.Attempt{attempt}})

	found, next, err := i.Orders(t.Context(), manage.Default, manage.Page{})
	if err != nil || next != "" {
		t.Fatalf("next %q (%v)", next, err)
	}
	var got []string
	for _, o := range found {
		got = append(got, fmt.Sprint(o.ID, o.Status, o.ConnectorName))
	}
	want := []string{
		fmt.Sprint(invalid.ID, acme.Invalid, "default"), fmt.Sprint(ready.ID, acme.Ready, "default"), fmt.Sprint(pending.ID, acme.Pending, "default"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}

	shown, err := i.Order(t.Context(), invalid.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(shown.Authorizations) != 1 || shown.Authorizations[0].Status != acme.Invalid {
		t.Fatalf("authorizations %+v", shown.Authorizations)
	}
	if diff := cmp.Diff([]acme.Attempt{attempt}, shown.Authorizations[0].Challenges[0].Attempts); diff != "" {
		t.Errorf("evidence (-recorded +shown):\n%s", diff)
	}
	i.Clock.Advance(2 * day)
	if late, err := i.Order(t.Context(), ready.ID); err != nil || late.Status != acme.Invalid {
		t.Errorf("an order that was never finalized is %s after its end (%v)", late.Status, err)
	}
	_, err = i.Order(t.Context(), "nothing")
	expect(t, err, fault.NotFound, `There is no order "nothing"; list the orders for their ids.`)
	_, _, err = i.Orders(t.Context(), "nobody", manage.Page{})
	expect(t, err, fault.NotFound, "there are: default")
}

func TestFindCertificates(t *testing.T) {
	i := newReady(t)
	first := i.issue(t, "a.example.com")
	i.Clock.Advance(day)
	second := i.issue(t, "b.example.com", "c.example.net")
	if _, _, err := i.RevokeCertificate(t.Context(), operator, first.ID, ""); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		filter manage.CertificateFilter
		want   []string
	}{
		"all":            {manage.CertificateFilter{}, []string{second.ID, first.ID}},
		"a name":         {manage.CertificateFilter{Name: "A.example.COM"}, []string{first.ID}},
		"a second name":  {manage.CertificateFilter{Name: "c.example.net"}, []string{second.ID}},
		"below":          {manage.CertificateFilter{Name: ".example.com"}, []string{second.ID, first.ID}},
		"no such name":   {manage.CertificateFilter{Name: "example.com"}, nil},
		"revoked":        {manage.CertificateFilter{Revoked: true}, []string{first.ID}},
		"expires before": {manage.CertificateFilter{ExpiresBefore: first.NotAfter.Add(time.Second)}, []string{first.ID}},
		"expires after":  {manage.CertificateFilter{ExpiresAfter: first.NotAfter.Add(time.Second)}, []string{second.ID}},
		"a connector":    {manage.CertificateFilter{Connector: manage.Default}, nil}, // these were issued by none
		"an account":     {manage.CertificateFilter{Account: "nobody"}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found, _, err := i.Certificates(t.Context(), test.filter, manage.Page{})
			var got []string
			for _, c := range found {
				got = append(got, c.ID)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	for _, name := range []string{"*", "a b", "..", "https://a.example.com"} {
		_, _, err := i.Certificates(t.Context(), manage.CertificateFilter{Name: name}, manage.Page{})
		expect(t, err, fault.Malformed, "selects no certificate")
	}
	_, _, err := i.Certificates(t.Context(), manage.CertificateFilter{Connector: "nobody"}, manage.Page{})
	expect(t, err, fault.NotFound, "there are: default")
}

func TestShowCertificate(t *testing.T) {
	i := newReady(t)
	c := i.issue(t, "a.example.com")
	text := strings.ToUpper(string(c.Serial))
	colons := text[:2]
	for n := 2; n < len(text); n += 2 {
		colons += ":" + text[n:n+2]
	}
	for _, ref := range []string{c.ID, string(c.Serial), "0x" + text, colons} {
		view, err := i.Certificate(t.Context(), ref)
		if err != nil || view.ID != c.ID {
			t.Fatalf("%q finds %s (%v)", ref, view.ID, err)
		}
		if view.Status != manage.CertificateValid || view.IssuerName != manage.Default || len(view.Chain) != 2 {
			t.Errorf("%s by %s with %d above it", view.Status, view.IssuerName, len(view.Chain))
		}
	}
	for moment, want := range map[time.Time]manage.CertificateStatus{
		c.NotAfter: manage.CertificateValid, c.NotAfter.Add(time.Second): manage.CertificateExpired,
	} {
		i.Clock.Set(moment)
		if view, err := i.Certificate(t.Context(), c.ID); err != nil || view.Status != want {
			t.Errorf("at %s it is %s (%v), want %s", moment, view.Status, err, want)
		}
	}
	_, err := i.Certificate(t.Context(), "a.example.com")
	expect(t, err, fault.Malformed, "neither a serial number in hexadecimal nor the id")
	_, err = i.Certificate(t.Context(), i.NewID())
	expect(t, err, fault.NotFound, "no certificate with the id")
	_, err = i.Certificate(t.Context(), "4711")
	expect(t, err, fault.NotFound, "no certificate with the serial number 4711")

	twin := c // another issuer used the same number
	twin.ID, twin.Issuer, twin.Shard, twin.DER = i.NewID(), i.issuers(t, manage.Root)[0].ID, 0, nil
	if err := i.Store.BeginIssuance(t.Context(), pki.Intent{Certificate: twin, TBS: []byte{0x30, 0}, Begun: i.Clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := i.Store.CompleteIssuance(t.Context(), twin.ID, c.DER, i.Clock.Now(), i.Event(event.CertificateIssued, twin.ID)); err != nil {
		t.Fatal(err)
	}
	_, err = i.Certificate(t.Context(), string(c.Serial))
	expect(t, err, fault.Conflict, "Several issuers used the serial number "+string(c.Serial))
}

func TestRevokeCertificate(t *testing.T) {
	i := newReady(t)
	reasons := map[string]pki.Reason{
		"": 0, "0": 0, "unspecified": 0, "1": pki.KeyCompromise, "keyCompromise": pki.KeyCompromise, "KEYCOMPROMISE": pki.KeyCompromise,
		"3": pki.AffiliationChanged, "superseded": pki.Superseded, "5": pki.CessationOfOperation, "privilegeWithdrawn": pki.PrivilegeWithdrawn,
	}
	for text, want := range reasons {
		c := i.issue(t, "a.example.com")
		view, changed, err := i.RevokeCertificate(t.Context(), operator, string(c.Serial), text)
		if err != nil || !changed || view.Reason != want || !view.Revoked.Equal(i.Clock.Now()) || view.Status != manage.CertificateRevoked {
			t.Errorf("reason %q: %+v (%v)", text, view.Status, err)
		}
		if blocked, err := i.Store.KeyBlocked(t.Context(), c.KeyHash); err != nil || blocked != (want == pki.KeyCompromise) {
			t.Errorf("reason %q: the key is blocked: %t (%v)", text, blocked, err)
		}
		events, _, err := i.Events(t.Context(), c.ID, manage.Page{})
		if err != nil || events[0].Action != event.CertificateRevoked || events[0].Detail != want.String() || events[0].Actor != string(operator) {
			t.Errorf("reason %q: event %+v (%v)", text, events[0], err)
		}
	}
}

// TestRevokeRefuses covers STANDARDS V-04, V-05 and BR-17 as far as an operator meets them.
func TestRevokeRefuses(t *testing.T) {
	i := newReady(t)
	c := i.issue(t, "a.example.com")
	for _, reason := range []string{"2", "cACompromise", "6", "7", "8", "10", "11", "-1", "1.5", "certificateHold", "because"} {
		_, _, err := i.RevokeCertificate(t.Context(), operator, c.ID, reason)
		expect(t, err, fault.BadRevocationReason, "")
		if !strings.Contains(fault.Sentence(err), "9") {
			t.Errorf("reason %q: %q does not name what is allowed", reason, fault.Sentence(err))
		}
	}
	_, _, err := i.RevokeCertificate(t.Context(), operator, "4711", "")
	expect(t, err, fault.NotFound, "serial number 4711")
}

// TestRevokeAgain: what is revoked keeps its date and its reason; only a compromise found later changes the reason.
func TestRevokeAgain(t *testing.T) {
	i := newReady(t)
	c := i.issue(t, "a.example.com")
	first := i.Clock.Now()
	for _, step := range []struct {
		asked   string
		changed bool
		reason  pki.Reason
		events  int
	}{
		{"superseded", true, pki.Superseded, 2},
		{"superseded", false, pki.Superseded, 2},
		{"cessationOfOperation", false, pki.Superseded, 2},
		{"keyCompromise", true, pki.KeyCompromise, 3},
		{"keyCompromise", false, pki.KeyCompromise, 3},
		{"", false, pki.KeyCompromise, 3},
	} {
		view, changed, err := i.RevokeCertificate(t.Context(), operator, c.ID, step.asked)
		if err != nil || changed != step.changed || view.Reason != step.reason || !view.Revoked.Equal(first) || view.Status != manage.CertificateRevoked {
			t.Errorf("%q: changed %t, reason %s since %s (%v)", step.asked, changed, view.Reason, view.Revoked, err)
		}
		if events, _, err := i.Events(t.Context(), c.ID, manage.Page{}); err != nil || len(events) != step.events {
			t.Errorf("%q: %d events (%v), want %d", step.asked, len(events), err, step.events)
		}
		i.Clock.Advance(time.Hour)
	}
}
