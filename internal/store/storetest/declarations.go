package storetest

import (
	"net/netip"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/core/span"
)

func testDeclarations(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"organisations":                 testOrganisations,
		"issuers":                       testIssuers,
		"profiles":                      testProfiles,
		"parallel versions":             testProfileRace,
		"connectors":                    testConnectors,
		"connectors: rules, suspension": testConnectorChanges,
		"credentials":                   testCredentials,
		"credentials: changes":          testCredentialChanges,
		"perspectives":                  testPerspectives,
		"settings":                      testSettings,
	})
}

func testOrganisations(t *testing.T, w *World) {
	o := policy.Organisation{ID: w.ID(), Name: "another", Created: Noon.Add(time.Hour)}
	e := w.Event(event.OrganisationCreated, o.ID)
	w.tells(e, func() { must(t, w.Store.CreateOrganisation(background(), o, e)) })
	got, err := w.Store.Organisations(background())
	must(t, err)
	same(t, "the organisations", got, []policy.Organisation{o, w.Organisation})
	o.ID = w.ID()
	_ = w.refuses(fault.Conflict, func() error {
		return w.Store.CreateOrganisation(background(), o, w.Event(event.OrganisationCreated, o.ID))
	})
}

func testIssuers(t *testing.T, w *World) {
	root := w.Issuer
	got, err := w.Store.Issuer(background(), root.ID)
	must(t, err)
	same(t, "the root", got, root)
	intermediate := root // issuers of one name succeed each other
	intermediate.ID, intermediate.Parent, intermediate.Key, intermediate.Created = w.ID(), root.ID, "", Noon.Add(time.Hour)
	intermediate.Shard = pki.Shard{Number: 1, URL: "http://ca.test/other.crl"}
	e := w.Event(event.IssuerCreated, intermediate.ID)
	w.tells(e, func() { must(t, w.Store.CreateIssuer(background(), intermediate, e)) })
	all, err := w.Store.Issuers(background())
	must(t, err)
	same(t, "the issuers", all, []pki.Issuer{intermediate, root})
	_, err = w.Store.Issuer(background(), w.ID())
	wantKind(t, err, fault.NotFound)

	create := func(change func(*pki.Issuer)) func() error {
		i := intermediate
		i.ID = w.ID()
		change(&i)
		return func() error { return w.Store.CreateIssuer(background(), i, w.Event(event.IssuerCreated, i.ID)) }
	}
	_ = w.refuses(fault.NotFound, create(func(i *pki.Issuer) { i.Parent = w.ID() }))
	_ = w.refuses(fault.NotFound, create(func(i *pki.Issuer) { i.Organisation = w.ID() }))
	_ = w.refuses(fault.Conflict, create(func(i *pki.Issuer) { i.ID = root.ID }))
}

func testProfiles(t *testing.T, w *World) {
	first := w.Profile
	second := first
	second.ID, second.Version, second.Created = w.ID(), 2, Noon.Add(time.Hour)
	second.Spec = pki.Spec{
		Description: "everything", Issuer: "default", Lifetime: 160 * span.Of(time.Hour), Backdate: span.Of(time.Hour),
		Keys: []pki.KeyType{pki.ECDSAP384, pki.RSA}, Usages: []pki.Usage{pki.ServerAuth, pki.ClientAuth}, CommonName: true, NoCRL: true,
	}
	save := func(p pki.Profile) error {
		return w.Store.SaveProfile(background(), p, w.Event(event.ProfileSaved, p.ID))
	}
	e := w.Event(event.ProfileSaved, second.ID)
	w.tells(e, func() { must(t, w.Store.SaveProfile(background(), second, e)) })
	short := first
	short.ID, short.Name = w.ID(), "a-short-one"
	must(t, save(short))
	for _, want := range []pki.Profile{first, second, short} { // versions never change
		got, err := w.Store.Profile(background(), want.ID)
		must(t, err)
		same(t, "the version", got, want)
	}
	for _, organisation := range []string{"", w.Organisation.ID} {
		newest, err := w.Store.Profiles(background(), organisation)
		must(t, err)
		same(t, "the newest versions", newest, []pki.Profile{short, second})
	}
	none, err := w.Store.Profiles(background(), w.ID())
	must(t, err)
	same(t, "another organisation's", none, []pki.Profile(nil))
	_, err = w.Store.Profile(background(), w.ID())
	wantKind(t, err, fault.NotFound)

	for _, version := range []int{0, 1, 2, 4} {
		p := second
		p.ID, p.Version = w.ID(), version
		_ = w.refuses(fault.Conflict, func() error { return save(p) })
	}
	lost := first
	lost.ID, lost.Organisation = w.ID(), w.ID()
	_ = w.refuses(fault.NotFound, func() error { return save(lost) })
}

func testProfileRace(t *testing.T, w *World) {
	errs := together(8, func(int) error {
		p := w.Profile
		p.ID, p.Version = w.ID(), 2
		return w.Store.SaveProfile(background(), p, w.Event(event.ProfileSaved, p.ID))
	})
	if succeeded(errs) != 1 || count(errs, fault.Conflict) != 7 {
		t.Errorf("of 8 second versions one is saved: %v", errs)
	}
}

func testConnectors(t *testing.T, w *World) {
	c := policy.Connector{ID: w.ID(), Organisation: w.Organisation.ID, Name: "another", Kind: policy.KindACME, Created: Noon, Rules: everyRule()}
	e := w.Event(event.ConnectorSaved, c.ID)
	w.tells(e, func() { must(t, w.Store.CreateConnector(background(), c, e)) })
	got, err := w.Store.Connector(background(), c.ID)
	must(t, err)
	same(t, "the connector", got, c)
	got, err = w.Store.ConnectorByName(background(), "another")
	must(t, err)
	same(t, "the connector by name", got, c)
	all, err := w.Store.Connectors(background())
	must(t, err)
	same(t, "the connectors", all, []policy.Connector{c, w.Connector})
	_, err = w.Store.Connector(background(), w.ID())
	wantKind(t, err, fault.NotFound)
	for _, name := range []string{"", "Another", "anothe", c.ID} {
		_, err = w.Store.ConnectorByName(background(), name)
		wantKind(t, err, fault.NotFound)
	}
	c.ID = w.ID() // the name is unique in the installation, not in the organisation
	o := policy.Organisation{ID: w.ID(), Name: "other", Created: Noon}
	must(t, w.Store.CreateOrganisation(background(), o, w.Event(event.OrganisationCreated, o.ID)))
	for organisation, kind := range map[string]fault.Kind{c.Organisation: fault.Conflict, o.ID: fault.Conflict} {
		c.Organisation = organisation
		_ = w.refuses(kind, func() error { return w.Store.CreateConnector(background(), c, w.Event(event.ConnectorSaved, c.ID)) })
	}
	c.Organisation, c.Name = w.ID(), "third"
	_ = w.refuses(fault.NotFound, func() error { return w.Store.CreateConnector(background(), c, w.Event(event.ConnectorSaved, c.ID)) })
}

// everyRule has a value other than the default in each field.
func everyRule() policy.Rules {
	return policy.Rules{
		Profiles: []string{"shortlived", "default"}, Names: []string{".example.com", "example.org"}, Methods: []acme.Method{acme.DNS01},
		ExternalBinding: true, TermsOfService: "https://example.com/terms", Website: "https://example.com", CAAIdentities: []string{"ca.test"}, CAAMayFail: true,
		Limits: limit.Limits{
			Rates:     map[limit.Kind]limit.Rate{limit.OrdersPerAccount: {Count: 300, Period: span.Of(3 * time.Hour)}, limit.FailuresInARow: {}},
			Overrides: []limit.Override{{Kind: limit.AccountsPerAddress, For: "10.0.0.0/8", Until: Noon}},
		},
		MaxIdentifiers: 7, OrderLife: span.Of(time.Hour), ReuseLife: 3 * span.Day, PreAuthorize: true, NotBeforeAfter: true,
		Addresses: policy.Addresses{
			Loopback: true, Private: true, Allow: []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16")},
			Deny: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")},
		},
	}
}

func testConnectorChanges(t *testing.T, w *World) {
	old := w.Connector.Rules
	want := w.Connector
	want.Rules = everyRule()
	e := w.Event(event.ConnectorSaved, want.ID)
	w.tells(e, func() { must(t, w.Store.SetRules(background(), want.ID, old, want.Rules, e)) })
	check := func() {
		t.Helper()
		got, err := w.Store.Connector(background(), want.ID)
		must(t, err)
		same(t, "the connector", got, want)
	}
	check()
	for _, at := range []time.Time{Noon, Noon.Add(time.Hour), {}} {
		want.Suspended = at
		e := w.Event(event.ConnectorSaved, want.ID)
		w.tells(e, func() { must(t, w.Store.SuspendConnector(background(), want.ID, at, e)) })
		check()
	}
	_ = w.refuses(fault.NotFound, func() error {
		return w.Store.SetRules(background(), w.ID(), old, everyRule(), w.Event(event.ConnectorSaved, want.ID))
	})
	_ = w.refuses(fault.Conflict, func() error { // somebody else was faster
		return w.Store.SetRules(background(), want.ID, old, old, w.Event(event.ConnectorSaved, want.ID))
	})
	check()
	_ = w.refuses(fault.NotFound, func() error {
		return w.Store.SuspendConnector(background(), w.ID(), Noon, w.Event(event.ConnectorSaved, want.ID))
	})
}

func testCredentials(t *testing.T, w *World) {
	other := w.NewConnector("other")
	b, a := w.NewCredential("b", 0), w.NewCredential("a", 5)
	c := policy.Credential{
		ID: w.ID(), Organisation: w.Organisation.ID, Connector: other.ID, Kind: policy.CredentialEAB, Sealed: []byte{0, 1, 255},
		Terms: everyTerm(), Created: Noon, Suspended: Noon.Add(time.Minute),
		Former: policy.Former{Sealed: []byte{0, 2, 255}, Until: Noon.Add(time.Hour)},
	}
	e := w.Event(event.CredentialCreated, c.ID)
	w.tells(e, func() { must(t, w.Store.CreateCredential(background(), c, e)) })
	got, err := w.Store.Credential(background(), c.ID)
	must(t, err)
	same(t, "the credential", got, c)
	for connector, want := range map[string][]policy.Credential{w.Connector.ID: {a, b}, other.ID: {c}, "": {a, b, c}, w.ID(): nil} {
		got, err := w.Store.Credentials(background(), connector)
		must(t, err)
		same(t, "the credentials", got, want)
	}
	_, err = w.Store.Credential(background(), w.ID())
	wantKind(t, err, fault.NotFound)
	create := func(c policy.Credential) func() error {
		c.ID = w.ID()
		return func() error { return w.Store.CreateCredential(background(), c, w.Event(event.CredentialCreated, c.ID)) }
	}
	_ = w.refuses(fault.Conflict, create(a))
	a.Name, a.Connector = "new", w.ID()
	_ = w.refuses(fault.NotFound, create(a))
}

func testCredentialChanges(t *testing.T, w *World) {
	want := w.NewCredential("one", 0)
	a := w.Account()
	a.Credential = want.ID
	w.create(a)
	for _, at := range []time.Time{Noon, {}} {
		want.Suspended = at
		e := w.Event(event.CredentialSuspended, want.ID)
		w.tells(e, func() { must(t, w.Store.SuspendCredential(background(), want.ID, at, nil, e)) })
		got, err := w.Store.Credential(background(), want.ID)
		must(t, err)
		same(t, "the credential", got, want)
	}
	e := w.Event(event.CredentialDeleted, want.ID)
	w.tells(e, func() { must(t, w.Store.DeleteCredential(background(), want.ID, nil, e)) })
	_, err := w.Store.Credential(background(), want.ID)
	wantKind(t, err, fault.NotFound)
	got, err := w.Store.Account(background(), a.ID) // its accounts stay tied to it
	must(t, err)
	same(t, "the account", got, a)
	w.NewCredential("one", 0) // the name is free again
	_ = w.refuses(fault.NotFound, func() error {
		return w.Store.DeleteCredential(background(), want.ID, nil, w.Event(event.CredentialDeleted, want.ID))
	})
	_ = w.refuses(fault.NotFound, func() error {
		return w.Store.SuspendCredential(background(), want.ID, Noon, nil, w.Event(event.CredentialSuspended, want.ID))
	})
}

func testSettings(t *testing.T, w *World) {
	for _, want := range []string{"", "http://ca.test", "http://other.test", ""} {
		if want != "" || w.state().Setting != "" {
			must(t, w.Store.PutSetting(background(), aSetting, want))
		}
		got, err := w.Store.Setting(background(), aSetting)
		must(t, err)
		if got != want {
			t.Errorf("the setting is %q; want %q", got, want)
		}
	}
	other, err := w.Store.Setting(background(), "other")
	must(t, err)
	if other != "" {
		t.Errorf("another setting is %q", other)
	}
}

func testPerspectives(t *testing.T, w *World) {
	p := policy.Perspective{
		ID: w.ID(), Name: "west", URL: "https://west.example.com:8444", Key: pki.HashKey([]byte("west")), Region: "arin", Created: Noon,
	}
	e := w.Event(event.PerspectiveCreated, p.ID)
	w.tells(e, func() { must(t, w.Store.CreatePerspective(background(), p, e)) })
	got, err := w.Store.PerspectiveByName(background(), "west")
	must(t, err)
	same(t, "the perspective", got, p)
	_ = w.refuses(fault.Conflict, func() error {
		twin := p
		twin.ID = w.ID()
		return w.Store.CreatePerspective(background(), twin, w.Event(event.PerspectiveCreated, twin.ID))
	})
	east := policy.Perspective{ID: w.ID(), Name: "east", URL: "https://east.example.com:8444", Key: pki.HashKey([]byte("east")), Created: Noon}
	must(t, w.Store.CreatePerspective(background(), east, w.Event(event.PerspectiveCreated, east.ID)))
	all, err := w.Store.Perspectives(background())
	must(t, err)
	same(t, "the perspectives", all, []policy.Perspective{east, p})

	needing := w.Connector.Rules
	needing.Quorum = policy.Quorum{Perspectives: []string{policy.Here, "west"}}
	must(t, w.Store.SetRules(background(), w.Connector.ID, w.Connector.Rules, needing, w.Event(event.ConnectorSaved, w.Connector.ID)))
	_ = w.refuses(fault.Conflict, func() error {
		return w.Store.DeletePerspective(background(), p.ID, w.Event(event.PerspectiveDeleted, p.ID))
	})
	must(t, w.Store.SetRules(background(), w.Connector.ID, needing, w.Connector.Rules, w.Event(event.ConnectorSaved, w.Connector.ID)))
	e = w.Event(event.PerspectiveDeleted, p.ID)
	w.tells(e, func() { must(t, w.Store.DeletePerspective(background(), p.ID, e)) })
	_ = w.refuses(fault.NotFound, func() error {
		return w.Store.DeletePerspective(background(), p.ID, w.Event(event.PerspectiveDeleted, p.ID))
	})
	_ = w.refuses(fault.NotFound, func() error { _, err := w.Store.PerspectiveByName(background(), "west"); return err })
}
