package storetest

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func testSearch(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"by serial number": testBySerial,
		"by name":          testByName,
		"by other fields":  testByFields,
		"pages":            testCertificatePages,
		"keys":             testKeys,
	})
}

func testBySerial(t *testing.T, w *World) {
	account := w.NewAccount()
	c := w.Issue(account.ID, "example.com")
	w.Issue(account.ID, "example.org")
	for _, issuer := range []string{"", w.Issuer.ID} {
		got, err := w.Store.CertificateBySerial(background(), issuer, c.Serial)
		must(t, err)
		same(t, "the certificate", got, c)
	}
	twin, der := w.Intent(acme.Order{Identifiers: w.Names("example.net")})
	twin.Serial, twin.Issuer = c.Serial, w.secondIssuer().ID
	w.Begin(twin)
	w.Complete(twin, der)
	got, err := w.Store.CertificateBySerial(background(), w.Issuer.ID, c.Serial)
	must(t, err)
	same(t, "the certificate of one issuer", got, c)
	_, err = w.Store.CertificateBySerial(background(), "", c.Serial)
	wantKind(t, err, fault.Conflict)

	for _, serial := range []pki.Serial{"", "00", "xyz", c.Serial + "00"} {
		for _, issuer := range []string{"", w.Issuer.ID} {
			_, err := w.Store.CertificateBySerial(background(), issuer, serial)
			wantKind(t, err, fault.NotFound)
		}
	}
	_, err = w.Store.CertificateBySerial(background(), w.ID(), c.Serial)
	wantKind(t, err, fault.NotFound)
}

func testByName(t *testing.T, w *World) {
	account := w.NewAccount()
	ids := map[string]string{} // certificate id -> names
	for _, names := range [][]string{
		{"example.com"},
		{"www.example.com", "shop.example.com"},
		{"*.example.com"},
		{"a.b.example.com"},
		{"badexample.com"},
		{"example.com.evil.test"},
		{"example-x.com"},
		{"192.0.2.1", "mixed.example.org"},
		{"192.0.2.11"},
		{"2001:db8::1"},
		{"example.com"},
	} {
		label := names[0]
		if len(ids) == 10 {
			label = "renewed"
		}
		ids[w.Issue(account.ID, names...).ID] = label
	}
	cases := map[string][]string{ // newest first
		"example.com":       {"renewed", "example.com"},
		"EXAMPLE.com":       {"renewed", "example.com"},
		"shop.example.com":  {"www.example.com"},
		"*.example.com":     {"*.example.com"},
		".example.com":      {"a.b.example.com", "*.example.com", "www.example.com"},
		".b.example.com":    {"a.b.example.com"},
		".com":              {"renewed", "example-x.com", "badexample.com", "a.b.example.com", "*.example.com", "www.example.com", "example.com"},
		".evil.test":        {"example.com.evil.test"},
		"192.0.2.1":         {"192.0.2.1"},
		"2001:db8::1":       {"2001:db8::1"},
		"mixed.example.org": {"192.0.2.1"},
		"1.2.0.192":         nil,
		".0.2.1":            nil,
		"com":               nil,
		"%":                 nil,
		"example._om":       nil,
		".":                 nil,
		".nothing.test":     nil,
	}
	for name, want := range cases {
		list, err := w.Store.FindCertificates(background(), pki.Filter{Name: name})
		must(t, err)
		w.agrees(pki.Filter{Name: name}, list)
		var got []string
		for _, c := range list {
			got = append(got, ids[c.ID])
		}
		same(t, "certificates for "+name, got, want)
	}
}

func testByFields(t *testing.T, w *World) {
	first, second := w.NewAccount(), w.NewAccount()
	other := w.NewConnector("other")
	issue := func(account acme.Account, days int, issuer string, issued time.Time) pki.Certificate {
		o := w.NewReadyOrder(account.ID, "example.com")
		o.Connector = []string{w.Connector.ID, other.ID}[days%2]
		i, _ := w.Intent(o)
		i.NotAfter = Noon.AddDate(0, 0, days)
		i.Issuer, i.Issued = issuer, issued
		i.DER = w.sign(&i, w.newSubject())
		w.Begin(i)
		must(t, w.Store.CompleteIssuance(background(), i.ID, i.DER, issued, w.Event(event.CertificateIssued, i.ID)))
		return i.Certificate
	}
	a := issue(first, 10, w.Issuer.ID, Noon.Add(-time.Second))
	b, c := issue(first, 21, w.Issuer.ID, Noon), issue(second, 30, w.secondIssuer().ID, Noon)
	b, err := w.Store.Revoke(background(), b.ID, Noon, pki.Superseded, false, w.Event(event.CertificateRevoked, b.ID))
	must(t, err)
	cases := []struct {
		filter pki.Filter
		want   []pki.Certificate
	}{
		{pki.Filter{}, []pki.Certificate{c, b, a}},
		{pki.Filter{Account: first.ID}, []pki.Certificate{b, a}},
		{pki.Filter{Account: w.ID()}, nil},
		{pki.Filter{Connector: w.Connector.ID}, []pki.Certificate{c, a}},
		{pki.Filter{Connector: other.ID}, []pki.Certificate{b}},
		{pki.Filter{Order: c.Order}, []pki.Certificate{c}},
		{pki.Filter{Order: w.ID()}, nil},
		{pki.Filter{KeyHash: a.KeyHash}, []pki.Certificate{a}},
		{pki.Filter{KeyHash: pki.KeyHash{1}}, nil},
		{pki.Filter{Revoked: true}, []pki.Certificate{b}},
		{pki.Filter{Profile: w.Profile.Name}, []pki.Certificate{c, b, a}},
		{pki.Filter{Profile: "other"}, nil},
		{pki.Filter{Issuers: []string{w.Issuer.ID}}, []pki.Certificate{b, a}},
		{pki.Filter{Issuers: []string{w.ID(), c.Issuer}}, []pki.Certificate{c}},
		{pki.Filter{Issuers: []string{w.ID(), c.Issuer, w.Issuer.ID}}, []pki.Certificate{c, b, a}},
		{pki.Filter{IssuedBefore: Noon}, []pki.Certificate{a}},
		{pki.Filter{IssuedBefore: Noon.Add(time.Second)}, []pki.Certificate{c, b, a}},
		{pki.Filter{IssuedAfter: Noon}, []pki.Certificate{c, b}},
		{pki.Filter{IssuedAfter: Noon.Add(time.Second)}, nil},
		{pki.Filter{ExpiresBefore: b.NotAfter}, []pki.Certificate{a}},
		{pki.Filter{ExpiresBefore: b.NotAfter.Add(time.Second)}, []pki.Certificate{b, a}},
		{pki.Filter{ExpiresAfter: b.NotAfter}, []pki.Certificate{c, b}}, // the last second is a valid one
		{pki.Filter{ExpiresAfter: b.NotAfter.Add(time.Second)}, []pki.Certificate{c}},
		{pki.Filter{ExpiresAfter: a.NotAfter.Add(time.Second), ExpiresBefore: c.NotAfter}, []pki.Certificate{b}},
		{pki.Filter{Account: first.ID, Revoked: true, Name: "example.com"}, []pki.Certificate{b}},
		{pki.Filter{Account: second.ID, Revoked: true}, nil},
		{pki.Filter{Before: c.ID}, []pki.Certificate{b, a}},
		{pki.Filter{Before: c.ID, Limit: 1}, []pki.Certificate{b}},
	}
	for _, test := range cases {
		got, err := w.Store.FindCertificates(background(), test.filter)
		must(t, err)
		same(t, "certificates", got, test.want)
		if test.filter.Before == "" {
			w.agrees(test.filter, got)
		}
	}
}

// agrees checks that the filter itself selects what the store selected by it.
func (w *World) agrees(f pki.Filter, found []pki.Certificate) {
	w.Helper()
	all, err := w.Store.FindCertificates(background(), pki.Filter{Limit: everything})
	must(w, err)
	same(w, "what the filter matches", slices.DeleteFunc(all, func(c pki.Certificate) bool { return !f.Matches(c) }), found)
}

func testCertificatePages(t *testing.T, w *World) {
	account := w.NewAccount()
	pattern, der := w.Intent(acme.Order{Account: account.ID, Identifiers: w.Names("example.com")})
	var newestFirst []pki.Certificate
	for n := range int64(101) {
		i := pattern
		i.ID, i.Serial = w.ID(), pki.SerialOf(big.NewInt(n))
		w.Begin(i)
		newestFirst = append([]pki.Certificate{w.Complete(i, der)}, newestFirst...)
	}
	got, err := w.Store.FindCertificates(background(), pki.Filter{})
	must(t, err)
	same(t, "without a limit", got, newestFirst[:100])
	for _, filter := range []pki.Filter{{Limit: 40}, {Limit: 40, Name: "example.com"}, {Limit: 40, Account: account.ID}} {
		var all []pki.Certificate
		for len(all) < len(newestFirst) {
			page, err := w.Store.FindCertificates(background(), filter)
			must(t, err)
			if len(page) == 0 || len(page) > filter.Limit {
				t.Fatalf("a page of %d has %d certificates", filter.Limit, len(page))
			}
			all, filter.Before = append(all, page...), page[len(page)-1].ID
		}
		same(t, "all pages together", all, newestFirst)
	}
}

func testKeys(t *testing.T, w *World) {
	account := w.NewAccount()
	c := w.Issue(account.ID, "example.com")
	begun, _ := w.Intent(w.NewReadyOrder(account.ID, "example.com"))
	w.Begin(begun)
	almost := c.KeyHash // the same in its first half
	almost[31]++
	for key, want := range map[pki.KeyHash]bool{c.KeyHash: true, almost: false, {}: false} {
		got, err := w.Store.KeyHasCertificate(background(), key)
		must(t, err)
		if got != want {
			t.Errorf("KeyHasCertificate is %v; want %v", got, want)
		}
		blocked, err := w.Store.KeyBlocked(background(), key)
		must(t, err)
		if blocked {
			t.Error("a key is blocked that nobody blocked")
		}
	}
}
