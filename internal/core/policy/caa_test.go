package policy_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/caa"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Proves CAA-07, INC-1. Every DNS name is asked for, wildcards too, where the CA has an identity.
func TestAskCAA(t *testing.T) {
	name, err := ident.ParseDNS("*.example.com")
	if err != nil {
		t.Fatal(err)
	}
	rules := policy.Rules{CAAIdentities: []string{"ca.example.net"}, CAAMayFail: true}
	q, ask := rules.AskCAA(name, acme.DNS01, "https://ca.example.net/account/1")
	want := caa.Question{Name: name, Identities: rules.CAAIdentities, AccountURL: "https://ca.example.net/account/1", Method: acme.DNS01, MayFail: true}
	if diff := cmp.Diff(want, q, cmp.AllowUnexported(ident.Identifier{})); !ask || diff != "" {
		t.Errorf("asked %t (-want +got):\n%s", ask, diff)
	}
	if _, ask := rules.AskCAA(ident.FromAddr(netip.MustParseAddr("192.0.2.1")), acme.HTTP01, ""); ask {
		t.Error("an address is asked for")
	}
	if _, ask := (policy.Rules{}).AskCAA(name, acme.DNS01, ""); ask {
		t.Error("a CA that no record can name asks")
	}
}
