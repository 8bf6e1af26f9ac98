package policy

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
)

func TestAddressesOf(t *testing.T) {
	opened := Addresses{
		Loopback: true, Private: true,
		Allow: []netip.Prefix{netip.MustParsePrefix("169.254.7.0/24")}, Deny: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")},
	}
	rules := DefaultRules("default")
	rules.Names = []string{".corp.example", "192.0.2.7"}
	for _, c := range []struct {
		what             string
		identifier, host string
		rules            Rules
		open             bool
	}{
		{"the identifier", "www.corp.example", "www.corp.example", rules, true},
		{"the identifier, no longer certified", "www.other.example", "www.other.example", rules, true},
		{"another that may be certified", "www.corp.example", "db.corp.example", rules, true},
		{"a stranger", "www.corp.example", "metadata.internal", rules, false},
		{"a stranger with the same end", "www.corp.example", "badcorp.example", rules, false},
		{"an address that may be certified", "www.corp.example", "192.0.2.7", rules, true},
		{"another address", "192.0.2.7", "192.0.2.8", rules, false},
		{"no rules", "www.corp.example", "db.corp.example", Rules{}, false},
		{"every name", "www.corp.example", "metadata.internal", DefaultRules("default"), true},
		{"no challenge for it", "www.corp.example", "db.corp.example", Rules{Names: rules.Names, MaxIdentifiers: 1, Methods: []acme.Method{"none"}}, false},
	} {
		got := Look{Identifier: name(t, c.identifier), Addresses: opened, Rules: c.rules}.AddressesOf(name(t, c.host))
		want := Addresses{Deny: opened.Deny}
		if c.open {
			want = opened
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", c.what, got)
		}
	}
}
