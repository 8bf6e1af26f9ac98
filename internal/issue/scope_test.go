package issue_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
)

// everyMethod lets a connector accept all that it can, names below included.
func everyMethod(r *policy.Rules) {
	r.Methods = acme.Methods()
	r.Persist = policy.Persist{Draft: persist.Draft02, Issuers: []string{"ca.test"}}
	r.Subdomains = policy.AllBelow
}

// known returns a house whose server has an external URL, and whose connector has the rules as change makes them.
func known(t *testing.T, change func(*policy.Rules)) *house {
	t.Helper()
	h := newHouse(t)
	h.issue = h.service(func(_ *issue.Engines, o *issue.Options) { o.AccountURL = accountURL })
	h.setRules(change)
	return h
}

func accountURL(c policy.Connector, account string) string {
	return "https://ca.test/acme/" + c.Name + "/account/" + account
}

// proven makes the requester prove example.org and nothing else, by one method. With subdomains it asks for the names
// below too.
func (h *house) proven(r issue.Requester, m acme.Method, subdomains bool) (issue.AuthorizationView, error) {
	h.t.Helper()
	a, err := h.issue.NewAuthorization(h.t.Context(), r, issue.Name{Type: "dns", Value: "example.org", SubdomainAuthAllowed: subdomains})
	if err != nil {
		return a, err
	}
	return h.issue.Respond(h.t.Context(), r, a.ID, m)
}

// scope is what is proven at example.org, and how.
type scope struct {
	name       string
	method     acme.Method
	subdomains bool
	policy     bool // the record of dns-persist-01 has policy=wildcard
}

// world answers looks by one record at _validation-persist.example.org, and all other looks with success, as hosts and
// zones would that are the requester's.
func world(withPolicy bool) func(context.Context, policy.Look) acme.Outcome {
	return func(_ context.Context, l policy.Look) acme.Outcome {
		if l.Method != acme.DNSPersist01 {
			return acme.Outcome{}
		}
		domain := l.Identifier.Value()
		record := persist.Record("ca.test", l.Account.URI(l.Rules.Persist.Draft, domain), withPolicy)
		if domain != "example.org" {
			record = "nothing"
		}
		g, err := persist.Wanted{Offer: l.Rules.Persist.Offer(), Domain: domain, Beyond: l.Beyond, Account: l.Account, Now: time.Now()}.Judge([]string{record})
		if err != nil {
			return acme.Outcome{Failure: &acme.Failure{Kind: string(fault.KindOf(err)), Public: fault.Sentence(err)}}
		}
		return acme.Outcome{Attempts: []acme.Attempt{{Grant: &g}}}
	}
}

// TestScope: for which names an order is ready at once after example.org
// was proven, by every method and in every manner.
//
// Proves INC-86, SD-03, SD-04, SD-05, DP-05, Z-07.
func TestScope(t *testing.T) {
	names := []string{"example.org", "*.example.org", "www.example.org", "a.b.example.org", "*.www.example.org", "badexample.org", "*.badexample.org", "example.com"}
	exact := []string{"example.org"}
	below := names[:5]
	never := []string(nil)
	for _, test := range []struct {
		scope
		refused bool // example.org itself cannot be proven in this manner
		ready   []string
	}{
		{scope{"http-01", acme.HTTP01, false, false}, false, exact},
		{scope{"dns-01", acme.DNS01, false, false}, false, exact},
		{scope{"tls-alpn-01", acme.TLSALPN01, false, false}, false, exact},
		{scope{"dns-account-01", acme.DNSAccount01, false, false}, false, exact},
		{scope{"dns-persist-01", acme.DNSPersist01, false, false}, false, exact},
		{scope{"dns-persist-01 with policy", acme.DNSPersist01, false, true}, false, exact},
		{scope{"ancestor by http-01", acme.HTTP01, true, false}, true, never},
		{scope{"ancestor by dns-01", acme.DNS01, true, false}, false, below},
		{scope{"ancestor by tls-alpn-01", acme.TLSALPN01, true, false}, true, never},
		{scope{"ancestor by dns-account-01", acme.DNSAccount01, true, false}, false, below},
		{scope{"ancestor by dns-persist-01", acme.DNSPersist01, true, false}, true, never},
		{scope{"ancestor by dns-persist-01 with policy", acme.DNSPersist01, true, true}, false, below},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := known(t, everyMethod)
			h.Validator.Decide(world(test.policy))
			r, stranger := h.requester(), h.requester()
			a, err := h.proven(r, test.method, test.subdomains)
			if refused := err != nil || a.Status != acme.Valid; refused != test.refused {
				t.Fatalf("example.org is %s, %v", a.Status, err)
			}
			var ready []string
			for _, name := range names {
				if h.orderStatus(r, name) == acme.Ready {
					ready = append(ready, name)
				}
				if h.orderStatus(stranger, name) == acme.Ready {
					t.Errorf("%s is proven for another account", name)
				}
			}
			if !slices.Equal(ready, test.ready) {
				t.Errorf("proven: %q\nwant:   %q", ready, test.ready)
			}
		})
	}
}

// orderStatus returns the status of a new order for one name.
func (h *house) orderStatus(r issue.Requester, name string) acme.Status {
	h.t.Helper()
	o, err := h.issue.NewOrder(h.t.Context(), r, dns(name))
	check(h.t, err)
	return o.Status
}

// TestScopeOfWildcards: which methods prove a wildcard, and that it proves nothing else.
//
// Proves INC-86, O-09, DP-05, Z-07.
func TestScopeOfWildcards(t *testing.T) {
	for _, test := range []struct {
		scope
		want acme.Status // of the authorization; "": no such challenge
	}{
		{scope{"http-01", acme.HTTP01, false, false}, ""},
		{scope{"dns-01", acme.DNS01, false, false}, acme.Valid},
		{scope{"tls-alpn-01", acme.TLSALPN01, false, false}, ""},
		{scope{"dns-account-01", acme.DNSAccount01, false, false}, acme.Valid},
		{scope{"dns-persist-01", acme.DNSPersist01, false, false}, acme.Invalid},
		{scope{"dns-persist-01 with policy", acme.DNSPersist01, false, true}, acme.Valid},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := known(t, everyMethod)
			h.Validator.Decide(world(test.policy))
			r := h.requester()
			o, err := h.issue.NewOrder(t.Context(), r, dns("*.example.org"))
			check(t, err)
			a, err := h.issue.Respond(t.Context(), r, o.Parts[0].ID, test.method)
			if test.want == "" {
				wantKind(t, err, fault.NotFound)
				return
			}
			check(t, err)
			if a.Status != test.want {
				t.Fatalf("it is %s", a.Status)
			}
			for _, name := range []string{"example.org", "www.example.org", "*.www.example.org", "badexample.org"} {
				if h.orderStatus(r, name) == acme.Ready {
					t.Errorf("*.example.org proves %s", name)
				}
			}
		})
	}
}

// TestScopeOfPublicSuffixes: nothing is proven for a registry.
//
// Proves INC-86, SD-03.
func TestScopeOfPublicSuffixes(t *testing.T) {
	h := known(t, everyMethod)
	r := h.requester()
	for _, suffix := range []string{"org", "co.uk"} {
		_, err := h.issue.NewAuthorization(t.Context(), r, issue.Name{Type: "dns", Value: suffix, SubdomainAuthAllowed: true})
		wantKind(t, err, fault.RejectedIdentifier)
		for _, name := range []string{suffix, "*." + suffix} {
			_, err := h.issue.NewOrder(t.Context(), r, dns(name))
			wantKind(t, err, fault.RejectedIdentifier)
		}
		_, err = h.issue.NewOrder(t.Context(), r, below("www.example."+suffix, suffix))
		wantKind(t, err, fault.RejectedIdentifier)
	}
}

// below orders one name that may be proven at another above it.
func below(name, ancestor string) issue.NewOrder {
	return issue.NewOrder{Names: []issue.Name{{Type: "dns", Value: name, AncestorDomain: ancestor}}}
}

// TestAncestorOfAnOrder: at which names an order that names an ancestor is proven.
//
// Proves SD-02, SD-03, SD-04, INC-86.
func TestAncestorOfAnOrder(t *testing.T) {
	for _, test := range []struct {
		rule           policy.Subdomains
		name, ancestor string
		want           string // where it is proven, or the kind of the refusal
	}{
		{policy.NamesBelow, "www.example.org", "example.org", "names below example.org"},
		{policy.NamesBelow, "a.b.example.org", "example.org", "names below example.org"},
		{policy.NamesBelow, "a.b.example.org", "B.Example.ORG", "names below b.example.org"},
		{policy.NamesBelow, "*.www.example.org", "example.org", "*.www.example.org"},
		{policy.AllBelow, "*.www.example.org", "example.org", "names below example.org"},
		{policy.AllBelow, "*.example.org", "example.org", "names below example.org"},
		{policy.NoSubdomains, "www.example.org", "example.org", "www.example.org"},
		{policy.NoSubdomains, "www.example.org", "badexample.com", "www.example.org"},
		{policy.NamesBelow, "badexample.org", "example.org", "malformed"},
		{policy.NamesBelow, "example.org", "example.org", "malformed"},
		{policy.NamesBelow, "example.org", "www.example.org", "malformed"},
		{policy.NamesBelow, "www.example.org", "*.example.org", "malformed"},
		{policy.NamesBelow, "www.example.org", "example.org.", "rejected identifier"},
		{policy.NamesBelow, "www.example.org", "org", "rejected identifier"},
		{policy.NamesBelow, "www.example.org", ".org", "rejected identifier"},
		{policy.NamesBelow, "www.example.org", "exämple.org", "rejected identifier"},
	} {
		t.Run(fmt.Sprintf("%s %s below %s", test.rule, test.name, test.ancestor), func(t *testing.T) {
			h := known(t, func(r *policy.Rules) { everyMethod(r); r.Subdomains = test.rule })
			o, err := h.issue.NewOrder(t.Context(), h.requester(), below(test.name, test.ancestor))
			got := string(fault.KindOf(err))
			if err == nil {
				a := o.Parts[0]
				if got = a.Covers().Value(); a.Subdomains {
					got = "names below " + got
				}
				for _, c := range a.Challenges {
					if a.Subdomains && !c.Method.InDNS() {
						t.Errorf("SD-04: %s may prove it", c.Method)
					}
				}
			}
			if got != test.want {
				t.Errorf("proven at %s (%v); want %s", got, err, test.want)
			}
		})
	}
}

// TestAncestorIsAllowed: names at which a connector may not look are no ancestors either, and some challenge must be in DNS.
func TestAncestorIsAllowed(t *testing.T) {
	h := known(t, func(r *policy.Rules) { everyMethod(r); r.Names = []string{".example.org"} })
	r := h.requester()
	_, err := h.issue.NewOrder(t.Context(), r, below("www.a.example.org", "a.example.org"))
	check(t, err)
	_, err = h.issue.NewOrder(t.Context(), r, below("www.example.org", "example.org"))
	wantKind(t, err, fault.RejectedIdentifier)

	h.setRules(func(r *policy.Rules) { r.Methods = []acme.Method{acme.HTTP01, acme.TLSALPN01} })
	r.Connector = h.connector
	_, err = h.issue.NewOrder(t.Context(), r, below("www.a.example.org", "a.example.org"))
	wantKind(t, err, fault.RejectedIdentifier)
	if !strings.Contains(fault.Sentence(err), "ancestorDomain") {
		t.Errorf("it says %q", fault.Sentence(err))
	}
}

// TestOneProofForSeveralNames of an order, and the certificate that rests on it.
func TestOneProofForSeveralNames(t *testing.T) {
	h := known(t, everyMethod)
	r := h.requester()
	names := []string{"a.example.org", "b.example.org", "example.com"}
	wanted := dns(names...)
	wanted.Names[0].AncestorDomain, wanted.Names[1].AncestorDomain = "example.org", "example.org"
	o, err := h.issue.NewOrder(t.Context(), r, wanted)
	check(t, err)
	if len(o.Authorizations) != 2 {
		t.Fatalf("%d authorizations", len(o.Authorizations))
	}
	for _, a := range o.Parts {
		_, err := h.issue.Respond(t.Context(), r, a.ID, acme.DNS01)
		check(t, err)
	}
	o, err = h.issue.Finalize(t.Context(), r, o.ID, request(t, newKey(t), names...))
	check(t, err)
	if o.Status != acme.Valid {
		t.Errorf("the order is %s", o.Status)
	}
}

// TestAncestorGivenBack: it ends with its order and for later ones, before and after they are ready.
//
// Proves SD-05.
func TestAncestorGivenBack(t *testing.T) {
	h := known(t, everyMethod)
	r := h.requester()
	a, err := h.proven(r, acme.DNS01, true)
	check(t, err)
	o, err := h.issue.NewOrder(t.Context(), r, dns("www.example.org"))
	check(t, err)
	if o.Status != acme.Ready || o.Parts[0].ID != a.ID {
		t.Fatalf("the order is %s", o.Status)
	}
	_, err = h.issue.DeactivateAuthorization(t.Context(), r, a.ID)
	check(t, err)
	_, err = h.issue.Finalize(t.Context(), r, o.ID, request(t, newKey(t), "www.example.org"))
	wantKind(t, err, fault.NotReady)
	if got := h.orderStatus(r, "www.example.org"); got != acme.Pending {
		t.Errorf("a later order is %s", got)
	}
}

// TestAncestorNotAcceptedAnyMore: the rules of now decide on a ready order too.
//
// Proves SD-05.
func TestAncestorNotAcceptedAnyMore(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*policy.Rules)
		ok     bool
	}{
		{"none below", func(r *policy.Rules) { r.Subdomains = policy.NoSubdomains }, false},
		{"no wildcards below", func(r *policy.Rules) { r.Subdomains = policy.NamesBelow }, false},
		{"no proof of this kind", func(r *policy.Rules) { r.Methods = []acme.Method{acme.HTTP01, acme.DNSAccount01} }, false},
		{"as before", func(*policy.Rules) {}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := known(t, everyMethod)
			r := h.requester()
			_, err := h.proven(r, acme.DNS01, true)
			check(t, err)
			o, err := h.issue.NewOrder(t.Context(), r, dns("*.www.example.org"))
			check(t, err)
			h.setRules(test.change)
			r.Connector = h.connector
			if got := h.orderStatus(r, "*.www.example.org") == acme.Ready; got != test.ok {
				t.Errorf("a new order is ready: %t", got)
			}
			if _, err = h.issue.Finalize(t.Context(), r, o.ID, request(t, newKey(t), "*.www.example.org")); test.ok != (err == nil) {
				t.Fatalf("finalize: %v", err)
			}
			if !test.ok {
				wantKind(t, err, fault.Unauthorized)
			}
		})
	}
}

// names are identifiers as the store keeps them, also such as nobody may order.
func names(t *testing.T, values ...string) (ids []ident.Identifier) {
	t.Helper()
	for _, value := range values {
		var id ident.Identifier
		check(t, id.UnmarshalText([]byte("dns:"+value)))
		ids = append(ids, id)
	}
	return ids
}
