package manage_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

func TestOrganisations(t *testing.T) {
	i := newReady(t)
	if _, err := i.CreateOrganisation(t.Context(), operator, "garden"); err != nil {
		t.Fatal(err)
	}
	_, err := i.CreateOrganisation(t.Context(), operator, "garden")
	expect(t, err, fault.Conflict, "garden")
	for _, name := range []string{"", "Garden", "-a", "a-", "a.b", "a/b", "ä", strings.Repeat("a", 49)} {
		_, err := i.CreateOrganisation(t.Context(), operator, name)
		expect(t, err, fault.Malformed, "cannot be the name of an organisation")
	}
	all, err := i.Organisations(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("organisations %v (%v)", all, err)
	}
}

func TestConnectors(t *testing.T) {
	i := newReady(t)
	made, err := i.CreateConnector(t.Context(), operator, manage.NewConnector{Name: "web"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(policy.DefaultRules(manage.Default), made.Rules); diff != "" || made.OrganisationName != manage.Default {
		t.Errorf("organisation %q, rules (-want +got):\n%s", made.OrganisationName, diff)
	}
	all, err := i.Connectors(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("connectors %v (%v)", all, err)
	}

	_, err = i.CreateConnector(t.Context(), operator, manage.NewConnector{Name: "web"}, nil)
	expect(t, err, fault.Conflict, "web")
	_, err = i.CreateConnector(t.Context(), operator, manage.NewConnector{Name: "Web"}, nil)
	expect(t, err, fault.Malformed, "cannot be the name of a connector")
	_, err = i.CreateConnector(t.Context(), operator, manage.NewConnector{Name: "est", Kind: "est"}, nil)
	expect(t, err, fault.Malformed, `"est" is no kind of connector`)
	_, err = i.CreateConnector(t.Context(), operator, manage.NewConnector{Name: "x", Organisation: "garden"}, nil)
	expect(t, err, fault.NotFound, `no organisation "garden"; there are: default`)
	_, err = i.Connector(t.Context(), "wen")
	expect(t, err, fault.NotFound, `no connector "wen"; there are: default, web`)
}

func TestSetRules(t *testing.T) {
	i := newReady(t)
	want := policy.Rules{
		Profiles: []string{"shortlived"}, Names: []string{".example.com", "*.example.net", "192.0.2.1", "*"},
		Methods: []acme.Method{acme.DNS01}, ExternalBinding: true, TermsOfService: "https://ca.test/terms", Website: "http://ca.test",
		CAAIdentities: []string{"ca.test"}, MaxIdentifiers: 7,
		Addresses: policy.Addresses{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Deny: []netip.Prefix{netip.MustParsePrefix("::/0")}},
		OrderLife: span.Day, ReuseLife: span.Of(10 * time.Minute),
	}
	view, err := i.SetRules(t.Context(), operator, manage.Default, func(r *policy.Rules) error { *r = want; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, view.Rules, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	stored, err := i.Connector(t.Context(), manage.Default)
	if err != nil || !stored.Rules.ExternalBinding {
		t.Errorf("the stored rules do not require a binding (%v)", err)
	}
	events, _, err := i.Events(t.Context(), view.ID, manage.Page{})
	if err != nil || len(events) != 2 || events[0].Actor != string(operator) || events[0].OrganisationName != manage.Default {
		t.Errorf("events of the connector: %+v (%v)", events, err)
	}

	failed := errors.New("failed")
	if _, err := i.SetRules(t.Context(), operator, manage.Default, func(*policy.Rules) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("error %v, want that of the change", err)
	}
	_, err = i.SetRules(t.Context(), operator, "nobody", nil)
	expect(t, err, fault.NotFound, "there are: default")
}

// TestSetRulesTogether lets other operators save between the reading and the writing of one.
func TestSetRulesTogether(t *testing.T) {
	i := newReady(t)
	others := 0
	add := func(name string) manage.Change[policy.Rules] {
		return func(r *policy.Rules) error { // as a decoder does it: into the list that is there
			r.Names = append(r.Names[:0], append([]string{name}, r.Names...)...)
			return nil
		}
	}
	slow := func(most int) manage.Change[policy.Rules] {
		return func(r *policy.Rules) error {
			if others < most {
				others++
				if _, err := i.SetRules(t.Context(), operator, manage.Default, add(fmt.Sprintf("other%d.example.com", others))); err != nil {
					t.Error(err)
				}
			}
			return add(fmt.Sprintf("mine%d.example.com", most))(r)
		}
	}
	view, err := i.SetRules(t.Context(), operator, manage.Default, slow(2))
	want := []string{"mine2.example.com", "other2.example.com", "other1.example.com"}
	if diff := cmp.Diff(want, view.Rules.Names); diff != "" || err != nil {
		t.Errorf("%v, names (-want +got):\n%s", err, diff)
	}
	_, err = i.SetRules(t.Context(), operator, manage.Default, slow(1000))
	expect(t, err, fault.Conflict, "The connector default has other rules by now")
	if others > 10 {
		t.Errorf("%d tries", others)
	}
}

func TestSetRulesRefuses(t *testing.T) {
	i := newReady(t)
	many := make([]string, 1001)
	tests := map[string]struct {
		change func(*policy.Rules)
		part   string
	}{
		"no profile":           {func(r *policy.Rules) { r.Profiles = nil }, "profiles: name at least one; there are: default, shortlived."},
		"unknown profile":      {func(r *policy.Rules) { r.Profiles = []string{"long"} }, `profiles: "long": there is none of this name`},
		"a profile twice":      {func(r *policy.Rules) { r.Profiles = []string{"default", "default"} }, `profiles: "default" stands there twice.`},
		"an unknown validator": {func(r *policy.Rules) { r.Quorum.Perspectives = []string{policy.Here, "moon"} }, `quorum.perspectives: "moon": there is none`},
		"need of the absent":   {func(r *policy.Rules) { r.Quorum.Need = 1 }, "quorum.need: 1 is not from 0 (all) to 0"},
		"regions of nobody":    {func(r *policy.Rules) { r.Quorum.Regions = 1 }, "quorum.regions: 1 is not from 0 (any) to 0"},
		"a public suffix":      {func(r *policy.Rules) { r.Names = []string{"co.uk"} }, `names: "co.uk": is a public suffix`},
		"an address range":     {func(r *policy.Rules) { r.Names = []string{"10.1.0.0/8"} }, `names: "10.1.0.0/8": it has bits beyond its length`},
		"a long IPv6 address":  {func(r *policy.Rules) { r.Names = []string{"0:0::1"} }, `names: "0:0::1"`},
		"two dots":             {func(r *policy.Rules) { r.Names = []string{"..example.com"} }, "no name below it can be certified"},
		"only a dot":           {func(r *policy.Rules) { r.Names = []string{"."} }, "no name below it can be certified"},
		"too many names":       {func(r *policy.Rules) { r.Names = many }, "names: 1001 elements are more than 1000."},
		"unknown method":       {func(r *policy.Rules) { r.Methods = []acme.Method{"http-02"} }, `methods: "http-02"`},
		"terms by mail":        {func(r *policy.Rules) { r.TermsOfService = "mailto:a@b.test" }, "terms_of_service:"},
		"website with user":    {func(r *policy.Rules) { r.Website = "https://me@b.test/" }, "website:"},
		"CAA in capitals":      {func(r *policy.Rules) { r.CAAIdentities = []string{"CA.test"} }, "caa_identities:"},
		"CAA wildcard":         {func(r *policy.Rules) { r.CAAIdentities = []string{"*.ca.test"} }, "caa_identities:"},
		"CAA nonsense":         {func(r *policy.Rules) { r.CAAIdentities = []string{"a b"} }, "caa_identities:"},
		"no identifiers":       {func(r *policy.Rules) { r.MaxIdentifiers = 0 }, "max_identifiers: 0 is not from 1 to 1000."},
		"too many":             {func(r *policy.Rules) { r.MaxIdentifiers = 1001 }, "max_identifiers:"},
		"short orders":         {func(r *policy.Rules) { r.OrderLife = span.Of(time.Minute - time.Second) }, "order_life:"},
		"long orders":          {func(r *policy.Rules) { r.OrderLife = 30*span.Day + span.Of(time.Second) }, "order_life:"},
		"no reuse":             {func(r *policy.Rules) { r.ReuseLife = 0 }, "reuse_life:"},
		"reuse for 399 days":   {func(r *policy.Rules) { r.ReuseLife = 399 * span.Day }, "reuse_life:"},
		"half a second":        {func(r *policy.Rules) { r.ReuseLife = span.Of(time.Hour + time.Second/2) }, "reuse_life:"},
		"no prefix":            {func(r *policy.Rules) { r.Addresses.Allow = []netip.Prefix{{}} }, "addresses.allow:"},
		"bits beyond": {func(r *policy.Rules) {
			r.Addresses.Deny = []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("10.1.1.1"), 8)}
		}, "addresses.deny: \"10.1.1.1/8\": it has bits beyond its length; it would be 10.0.0.0/8."},
		"mapped": {func(r *policy.Rules) {
			r.Addresses.Deny = []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 104)}
		}, "write an IPv4 network as such"},
	}
	before, err := i.Connector(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := i.SetRules(t.Context(), operator, manage.Default, func(r *policy.Rules) error { test.change(r); return nil })
			expect(t, err, fault.Malformed, test.part)
		})
	}
	_, err = i.SetRules(t.Context(), operator, manage.Default, func(r *policy.Rules) error {
		r.Profiles, r.MaxIdentifiers = nil, -1
		return nil
	})
	expect(t, err, fault.Malformed, "profiles: name at least one; there are: default, shortlived. max_identifiers: -1")
	if after, err := i.Connector(t.Context(), manage.Default); err != nil || !cmp.Equal(before.Rules, after.Rules) {
		t.Errorf("refused changes were stored: %+v (%v)", after.Rules, err)
	}
}

func TestSuspendConnector(t *testing.T) {
	i := newReady(t)
	first := i.Clock.Now()
	for range 2 { // the second changes nothing
		view, err := i.SuspendConnector(t.Context(), operator, manage.Default)
		if err != nil || !view.Suspended.Equal(first) {
			t.Fatalf("suspended at %s (%v), want %s", view.Suspended, err, first)
		}
		i.Clock.Advance(time.Hour)
	}
	for range 2 {
		view, err := i.ResumeConnector(t.Context(), operator, manage.Default)
		if err != nil || !view.Suspended.IsZero() {
			t.Fatalf("suspended at %s after resuming (%v)", view.Suspended, err)
		}
	}
	view, err := i.Connector(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	events, _, err := i.Events(t.Context(), view.ID, manage.Page{})
	if err != nil || len(events) != 3 || events[0].Detail != "resumed" || events[1].Detail != "suspended" {
		t.Errorf("events %+v (%v)", events, err)
	}
	_, err = i.SuspendConnector(t.Context(), operator, "nobody")
	expect(t, err, fault.NotFound, "there are: default")
}

func TestCreateCredential(t *testing.T) {
	i := newReady(t)
	expires := i.Clock.Now().Add(time.Second)
	view, key, err := i.CreateCredential(t.Context(), operator, manage.NewCredential{Name: "web 1", MaxAccounts: 3, Expires: expires})
	if err != nil {
		t.Fatal(err)
	}
	if len(key) != 32 || view.ConnectorName != manage.Default || !view.Usable || view.MaxAccounts != 3 || !view.Expires.Equal(expires) {
		t.Errorf("key of %d octets for %+v", len(key), view)
	}
	_, other, err := i.CreateCredential(t.Context(), operator, manage.NewCredential{Name: "web 2"})
	if err != nil || bytes.Equal(key, other) {
		t.Errorf("two credentials have the same key (%v)", err)
	}
	opened, err := i.Sealer.Open(view.Sealed, []byte(view.ID))
	if err != nil || !bytes.Equal(opened, key) {
		t.Errorf("the sealed key does not open to the key that was returned (%v)", err)
	}
	if _, err := i.Sealer.Open(view.Sealed, []byte("another")); err == nil {
		t.Error("the sealed key opens for another credential")
	}

	i.Clock.Set(expires)
	if late, err := i.Credential(t.Context(), view.ID); err != nil || late.Usable {
		t.Errorf("usable at the moment of its expiry (%v)", err)
	}
}

// TestSecretIsNowhere looks for the key in the files of the database (INCIDENTS 54, STANDARDS EAB-10).
// Proves EAB-10, INC-54.
func TestSecretIsNowhere(t *testing.T) {
	i := newReady(t)
	view, key, err := i.CreateCredential(t.Context(), operator, manage.NewCredential{Name: "canary"})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(i.Database() + suffix)
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(content, []byte(view.ID))
		if bytes.Contains(content, key) {
			t.Errorf("the key stands in the database%s", suffix)
		}
	}
	if !found {
		t.Error("the credential itself was not found: the test looks in the wrong place")
	}
}

func TestCreateCredentialRefuses(t *testing.T) {
	i := newReady(t)
	if _, _, err := i.CreateCredential(t.Context(), operator, manage.NewCredential{Name: "taken"}); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		in   manage.NewCredential
		kind fault.Kind
		part string
	}{
		"no name":         {manage.NewCredential{}, fault.Malformed, "cannot be the name of a credential"},
		"two lines":       {manage.NewCredential{Name: "a\nb"}, fault.Malformed, "cannot be the name of a credential"},
		"space at an end": {manage.NewCredential{Name: "a "}, fault.Malformed, "cannot be the name of a credential"},
		"too long":        {manage.NewCredential{Name: strings.Repeat("a", 65)}, fault.Malformed, "cannot be the name of a credential"},
		"no UTF-8":        {manage.NewCredential{Name: "\xff"}, fault.Malformed, "cannot be the name of a credential"},
		"taken":           {manage.NewCredential{Name: "taken"}, fault.Conflict, "taken"},
		"connector":       {manage.NewCredential{Name: "a", Connector: "web"}, fault.NotFound, `no connector "web"; there are: default`},
		"accounts":        {manage.NewCredential{Name: "a", MaxAccounts: -1}, fault.Malformed, "1 to 1000000 accounts"},
		"expired":         {manage.NewCredential{Name: "a", Expires: i.Clock.Now()}, fault.Malformed, "expired already"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, key, err := i.CreateCredential(t.Context(), operator, test.in)
			expect(t, err, test.kind, test.part)
			if key != nil {
				t.Error("a refusal returned a key")
			}
		})
	}
}

func TestCredentialLife(t *testing.T) {
	i := newReady(t)
	view, _, err := i.CreateCredential(t.Context(), operator, manage.NewCredential{Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	first := i.Clock.Now()
	for range 2 {
		suspended, err := i.SuspendCredential(t.Context(), operator, view.ID, nil)
		if err != nil || !suspended.Suspended.Equal(first) || suspended.Usable {
			t.Fatalf("after suspending: %+v (%v)", suspended, err)
		}
		i.Clock.Advance(time.Minute)
	}
	for range 2 {
		resumed, err := i.ResumeCredential(t.Context(), operator, view.ID)
		if err != nil || !resumed.Usable {
			t.Fatalf("after resuming: %+v (%v)", resumed, err)
		}
	}
	if _, err := i.DeleteCredential(t.Context(), operator, view.ID, nil); err != nil {
		t.Fatal(err)
	}
	events, _, err := i.Events(t.Context(), view.ID, manage.Page{})
	if err != nil || len(events) != 4 {
		t.Errorf("events %+v (%v)", events, err)
	}
	for name, call := range map[string]func() error{
		"show":    func() error { _, err := i.Credential(t.Context(), view.ID); return err },
		"suspend": func() error { _, err := i.SuspendCredential(t.Context(), operator, view.ID, nil); return err },
		"resume":  func() error { _, err := i.ResumeCredential(t.Context(), operator, view.ID); return err },
		"delete":  func() error { _, err := i.DeleteCredential(t.Context(), operator, view.ID, nil); return err },
	} {
		t.Run(name, func(t *testing.T) { expect(t, call(), fault.NotFound, "There is no credential") })
	}
	if list, err := i.Credentials(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("after deleting there are %v (%v)", list, err)
	}
	_, err = i.Credentials(t.Context(), "nobody")
	expect(t, err, fault.NotFound, "there are: default")
}

func TestProfiles(t *testing.T) {
	i := newReady(t)
	save := func(name string, change func(*pki.Spec)) (manage.ProfileView, error) {
		return i.SaveProfile(t.Context(), operator, "", name, func(s *pki.Spec) error { change(s); return nil })
	}
	first, err := i.Profile(t.Context(), "", manage.Default)
	if err != nil || first.Version != 1 {
		t.Fatalf("version %d (%v)", first.Version, err)
	}
	same, err := save(manage.Default, func(s *pki.Spec) { s.Lifetime = 90 * span.Day })
	if err != nil || same.ID != first.ID || same.Version != 1 {
		t.Errorf("a change that changes nothing made version %d (%v)", same.Version, err)
	}
	// A change may write into the lists that it gets, as a JSON decoder does.
	swapped, err := save(manage.Default, func(s *pki.Spec) { s.Keys[0], s.Keys[1] = s.Keys[1], s.Keys[0] })
	if err != nil || swapped.Version != 2 || swapped.ID == first.ID || swapped.Spec.Keys[0] != first.Spec.Keys[1] {
		t.Errorf("a new sequence of keys is version %d with %v (%v)", swapped.Version, swapped.Spec.Keys, err)
	}
	if old, err := i.Store.Profile(t.Context(), first.ID); err != nil || !cmp.Equal(old.Spec, first.Spec) {
		t.Errorf("the first version is now %+v (%v)", old.Spec, err)
	}
	fresh, err := save("client", func(s *pki.Spec) { s.Usages = []pki.Usage{pki.ClientAuth} })
	if err != nil || fresh.Version != 1 || fresh.Spec.Lifetime != 90*span.Day {
		t.Errorf("a new profile is version %d with %+v (%v)", fresh.Version, fresh.Spec, err)
	}

	_, err = save("Client", func(*pki.Spec) {})
	expect(t, err, fault.Malformed, "cannot be the name of a profile")
	_, err = save("x", func(s *pki.Spec) { s.Lifetime = 0; s.Usages = nil })
	expect(t, err, fault.Malformed, "usages: name at least one")
	_, err = save("x", func(s *pki.Spec) { s.Names = []string{"https://example.com"} })
	expect(t, err, fault.Malformed, "names: ")
	_, err = save("x", func(s *pki.Spec) { s.Issuer = "nobody" })
	expect(t, err, fault.Malformed, `issuer: There is no issuer with its key on this machine "nobody"; there are: default, root.`)
	if _, err = i.CreateIssuer(t.Context(), operator, manage.NewIssuer{Name: "servers", Parent: manage.Root, Usages: []pki.Usage{pki.ServerAuth}}); err != nil {
		t.Fatal(err)
	}
	_, err = save("x", func(s *pki.Spec) { s.Issuer, s.Usages = "servers", []pki.Usage{pki.ClientAuth} })
	expect(t, err, fault.Malformed, "usages: the certificate of the issuer servers permits only its own")
	if err := i.importKeyless(t); err != nil {
		t.Fatal(err)
	}
	_, err = save("x", func(s *pki.Spec) { s.Issuer = "parent" })
	expect(t, err, fault.Malformed, `"parent"; there are: default, root, servers.`)
	_, err = i.Profile(t.Context(), "", "long")
	expect(t, err, fault.NotFound, `no profile "long"; there are: client, default, shortlived`)
	_, err = i.Profile(t.Context(), "garden", manage.Default)
	expect(t, err, fault.NotFound, "no organisation")
}

// importKeyless brings an issuer whose parents, named "parent" and "root", have no key here.
func (i *installation) importKeyless(t *testing.T) error {
	t.Helper()
	root := newForeign(t, nil, "Root", nil)
	middle := newForeign(t, root, "Policy", nil)
	lowest := newForeign(t, middle, "Issuing", nil)
	_, err := i.ImportIssuer(t.Context(), operator, "", manage.Import{Chain: chainOf(lowest, middle, root), Key: keyPEM(t, lowest.key)})
	return err
}
