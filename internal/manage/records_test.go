package manage_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

const accountsURL = "https://ca.test/acme/default/account/"

// publishing returns the use cases of a server with an external URL.
func (i *installation) publishing() *manage.Service {
	return manage.New(manage.Engines{Store: i.Store}, manage.Options{AccountURL: func(_ policy.Connector, account string) string { return accountsURL + account }})
}

func (i *installation) setRules(t *testing.T, change func(*policy.Rules)) error {
	t.Helper()
	_, err := i.SetRules(t.Context(), operator, manage.Default, func(r *policy.Rules) error { change(r); return nil })
	return err
}

// TestRecords prints what a look finds good, for either form and for wildcards.
// Proves DP-02, DP-05, DA-01.
func TestRecords(t *testing.T) {
	i := newReady(t)
	a := i.account(t)
	url := accountsURL + a.ID
	for draft, uri := range map[persist.Draft]string{
		persist.Draft01: url,
		persist.Draft02: persist.Account{URL: url, HashPrefix: accountsURL, Thumbprints: a.Thumbprints()}.URI(persist.Draft02, "example.com"),
	} {
		if err := i.setRules(t, func(r *policy.Rules) {
			r.Methods, r.Persist = acme.Methods(), policy.Persist{Draft: draft, Issuers: []string{"ca.example", "ca.test"}}
		}); err != nil {
			t.Fatal(err)
		}
		for name, terms := range map[string]string{"example.com": "", "*.example.com": "; policy=wildcard"} {
			got, err := i.publishing().Records(t.Context(), a.ID, name)
			want := []manage.Record{
				{Method: acme.DNSAccount01, Name: acme.DNSAccount01.RecordName(mustDNS(t, name), url)},
				{Method: acme.DNSPersist01, Name: "_validation-persist.example.com", Value: "ca.example; accounturi=" + uri + terms},
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s %s: %v\n%s", draft, name, err, diff)
			}
		}
	}
}

func TestNoRecords(t *testing.T) {
	i := newReady(t)
	a := i.account(t)
	for name, test := range map[string]struct {
		service       *manage.Service
		account, name string
		kind          fault.Kind
		says          string
	}{
		"no such account":    {i.publishing(), "a", "example.com", fault.NotFound, `no account "a"`},
		"no name":            {i.publishing(), a.ID, "example", fault.Conflict, "offers neither"},
		"no DNS name":        {i.publishing(), a.ID, "exa mple.com", fault.Malformed, "exa mple.com"},
		"no external URL":    {i.Service, a.ID, "example.com", fault.Conflict, "no external URL"},
		"no such challenges": {i.publishing(), a.ID, "example.com", fault.Conflict, "offers neither"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := test.service.Records(t.Context(), test.account, test.name)
			expect(t, err, test.kind, test.says)
		})
	}
}

// TestRulesOfProofs: what cannot be declared.
// Proves DP-02, DP-07, SD-03.
func TestRulesOfProofs(t *testing.T) {
	i := newReady(t)
	good := policy.Persist{Draft: persist.Draft02, Issuers: []string{"ca.example"}}
	for want, change := range map[string]func(*policy.Rules){
		"methods: dns-persist-01 needs": func(r *policy.Rules) { r.Methods = []acme.Method{acme.DNSPersist01} },
		"persist.draft":                 func(r *policy.Rules) { r.Persist = good; r.Persist.Draft = "draft-03" },
		"persist.issuers: name 1 to 10 domain names that mean this CA in records; there are 0": func(r *policy.Rules) { r.Persist = good; r.Persist.Issuers = nil },
		"there are 11": func(r *policy.Rules) {
			r.Persist = good
			for c := range 10 {
				r.Persist.Issuers = append(r.Persist.Issuers, string(rune('a'+c))+".example")
			}
		},
		"in lower case":      func(r *policy.Rules) { r.Persist = good; r.Persist.Issuers = []string{"CA.example"} },
		"ends in a dot":      func(r *policy.Rules) { r.Persist = good; r.Persist.Issuers = []string{"ca.example."} },
		"persist.reuse_life": func(r *policy.Rules) { r.Persist = good; r.Persist.ReuseLife = 11 * 24 * 3600e9 },
		"subdomains":         func(r *policy.Rules) { r.Subdomains = "all" },
	} {
		if err := i.setRules(t, change); !fault.Is(err, fault.Malformed) || !strings.Contains(fault.Sentence(err), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := i.setRules(t, func(r *policy.Rules) { r.Methods, r.Persist, r.Subdomains = acme.Methods(), good, policy.AllBelow }); err != nil {
		t.Error(err)
	}
}
