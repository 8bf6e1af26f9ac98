package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// scoped returns who came in by a credential with a scope at a connector with the default rules.
func scoped(scope Scope) Authority {
	return Authority{
		Connector:  Connector{Name: "shops", Rules: DefaultRules("default", "shortlived")},
		Credential: Credential{ID: "kid", Terms: Terms{Name: "web", Scope: scope}},
	}
}

// Proves INC-86, Z-07: what a rule of a scope covers, as a limit and as a pre-approval, and nothing beside it.
func TestScopeMatrix(t *testing.T) {
	const exact, wildcard, child, deep, parent, sibling, suffix, other = "shop.example.org", "*.shop.example.org", "a.shop.example.org",
		"b.a.shop.example.org", "example.org", "badshop.example.org", "shop.example.org.evil.net", "other.example"
	names := []string{exact, wildcard, child, deep, "*.a.shop.example.org", parent, "*.example.org", sibling, suffix, other, "10.1.2.3", "10.2.0.0", "192.0.2.1", "2001:db8::5", "2001:db9::5"}
	for rule, covered := range map[string][]string{
		exact:                     {exact},
		"SHOP.example.org":        {exact},
		wildcard:                  {wildcard},
		"." + exact:               {wildcard, child, deep, "*.a.shop.example.org"},
		".example.org":            {exact, wildcard, child, deep, "*.a.shop.example.org", "*.example.org", sibling},
		"10.1.2.3":                {"10.1.2.3"},
		"10.1.0.0/16":             {"10.1.2.3"},
		"10.0.0.0/8":              {"10.1.2.3", "10.2.0.0"},
		"2001:db8::/32":           {"2001:db8::5"},
		"::ffff:10.1.2.0/120":     {},
		".org":                    {exact, wildcard, child, deep, "*.a.shop.example.org", parent, "*.example.org", sibling},
		".0.2.1":                  {},
		"no.such.example":         {},
		"not a network/not a bit": {},
	} {
		t.Run(rule, func(t *testing.T) {
			limit, approval := scoped(Scope{Names: []string{rule}}), scoped(Scope{PreApproved: []string{rule}})
			both := scoped(Scope{Names: []string{"no.such.example"}, PreApproved: []string{rule}})
			outside := approval
			outside.Connector.Rules.Names = []string{"no.such.example"}
			for _, text := range names {
				id, want := name(t, text), slices.Contains(covered, text)
				if got := limit.Judge([]ident.Identifier{id}) == nil; got != want {
					t.Errorf("as a limit it covers %s: %t", text, got)
				}
				if got := approval.PreApproves(id); got != want {
					t.Errorf("as a pre-approval it covers %s: %t", text, got)
				}
				if rule != "no.such.example" && (both.PreApproves(id) || outside.PreApproves(id)) {
					t.Errorf("%s is pre-approved outside the names of the scope or of the connector", text)
				}
			}
		})
	}
	for _, suffix := range []string{"org", "co.uk"} { // nobody's rule admits a public suffix: there is no such identifier
		if _, err := ident.Parse("dns", suffix); err == nil {
			t.Errorf("%s is an identifier", suffix)
		}
	}
}

// Proves EAB-08: an empty scope limits nothing, and no scope widens the rules of the connector.
func TestAScopeOnlyNarrows(t *testing.T) {
	open := scoped(Scope{})
	for _, text := range []string{"a.example", "*.a.example", "192.0.2.1"} {
		if err := open.Judge([]ident.Identifier{name(t, text)}); err != nil {
			t.Error(err)
		}
		if open.PreApproves(name(t, text)) {
			t.Errorf("%s is pre-approved by nobody", text)
		}
	}
	wide := scoped(Scope{Names: []string{"*"}, Profiles: []string{"default", "other"}})
	wide.Connector.Rules.Names = []string{".shop.example"}
	if err := wide.Judge([]ident.Identifier{name(t, "a.example")}); !fault.Is(err, fault.RejectedIdentifier) {
		t.Errorf("a name that the connector does not certify: %v", err)
	}
	if _, err := wide.Profile("other"); !fault.Is(err, fault.InvalidProfile) {
		t.Errorf("a profile that the connector does not offer: %v", err)
	}
	wide.Connector.Rules.MaxIdentifiers = 1
	err := wide.Judge([]ident.Identifier{name(t, "a.shop.example"), name(t, "b.shop.example")})
	if refused, ok := errors.AsType[*fault.Error](err); !ok || refused.Kind != fault.RejectedIdentifier || len(refused.Subs) > 0 {
		t.Errorf("more names than the connector allows are refused together: %+v", err)
	}
}

func TestProfilesOfAScope(t *testing.T) {
	for _, c := range []struct {
		allowed     []string
		asked, want string // "" is refused
	}{
		{nil, "", "default"},
		{nil, "shortlived", "shortlived"},
		{[]string{"shortlived"}, "", "shortlived"},
		{[]string{"shortlived"}, "shortlived", "shortlived"},
		{[]string{"shortlived"}, "default", ""},
		{[]string{"shortlived", "default"}, "", "default"}, // in the sequence of the connector
		{[]string{"other"}, "", ""},
		{[]string{"other"}, "other", ""},
	} {
		got, err := scoped(Scope{Profiles: c.allowed}).Profile(c.asked)
		if got != c.want || (err != nil) != (c.want == "") || err != nil && !fault.Is(err, fault.InvalidProfile) {
			t.Errorf("%v, asked for %q: %q, %v", c.allowed, c.asked, got, err)
		}
	}
}

// Where no challenge on offer fits, only the word of the operator helps.
func TestAPreApprovedNameNeedsNoMethod(t *testing.T) {
	a := scoped(Scope{PreApproved: []string{"*.a.example"}})
	a.Connector.Rules.Methods = []acme.Method{acme.HTTP01}
	if err := a.Judge([]ident.Identifier{name(t, "*.a.example")}); err != nil {
		t.Error(err)
	}
	if err := a.Judge([]ident.Identifier{name(t, "*.b.example")}); !fault.Is(err, fault.RejectedIdentifier) {
		t.Errorf("a wildcard that nothing can prove: %v", err)
	}
}

// Decide tells whose rule refuses what, all of them.
func TestDecideNamesEveryRule(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	a := scoped(Scope{Names: []string{".a.example"}, Profiles: []string{"shortlived"}})
	if found := a.Decide([]ident.Identifier{name(t, "x.a.example")}, "", now); found != nil {
		t.Errorf("against what is allowed stands %+v", found)
	}
	a.Connector.Rules.Names, a.Connector.Suspended, a.Credential.Expires = []string{".b.example"}, now, now
	var rules []string
	for _, o := range a.Decide([]ident.Identifier{name(t, "x.a.example"), name(t, "x.c.example")}, "default", now) {
		rules = append(rules, strings.TrimSpace(o.By+" "+o.Name+" "+o.Rule+" "+o.Identifier.Value()))
		if o.Kind == fault.Internal || !strings.HasSuffix(o.Reason, ".") {
			t.Errorf("%+v", o)
		}
	}
	want := []string{
		"connector shops suspended", "credential web expires", "connector shops names x.a.example",
		"connector shops names x.c.example", "credential web scope.names x.c.example", "credential web scope.profiles",
	}
	if !slices.Equal(rules, want) {
		t.Errorf("got %q, want %q", rules, want)
	}
	refused, ok := a.Judge([]ident.Identifier{name(t, "x.a.example"), name(t, "x.c.example")}).(*fault.Error) //nolint:errorlint // Judge returns it bare
	if !ok || len(refused.Subs) != 2 {
		t.Errorf("a name that two rules refuse is told twice: %+v", refused)
	}
	a.Credential.Suspended = now
	if found := a.Decide(nil, "shortlived", now); len(found) != 3 || found[1].Rule != "suspended" || found[2].Rule != "max_identifiers" {
		t.Errorf("%+v", found)
	}
}

func TestSecretsOfARotatedCredential(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for want, former := range map[int]Former{1: {}, 2: {Sealed: []byte("old"), Until: now.Add(time.Second)}} {
		if got := (Credential{Sealed: []byte("new"), Former: former}).Secrets(now); len(got) != want || string(got[0]) != "new" {
			t.Errorf("%+v: %q", former, got)
		}
	}
	if got := (Credential{Sealed: []byte("new"), Former: Former{Sealed: []byte("old"), Until: now}}).Secrets(now); len(got) != 1 {
		t.Errorf("at the end of the grace: %q", got)
	}
}
