package acme

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

const exampleAccount = "https://example.com/acme/acct/ExampleAccount"

func parse(t *testing.T, kind ident.Type, value string) ident.Identifier {
	t.Helper()
	id, err := ident.Parse(string(kind), value)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestRecordName: every label that is ever published, by the vector of the draft where there
// is one.
//
// Proves DA-01, DN-05, INC-22.
func TestRecordName(t *testing.T) {
	golden := map[Method]string{
		HTTP01: "", TLSALPN01: "",
		DNS01:        "_acme-challenge.example.org",
		DNSAccount01: "_ujmmovf2vn55tgye._acme-challenge.example.org",
		DNSPersist01: "_validation-persist.example.org",
	}
	if len(golden) != len(Methods()) {
		t.Errorf("%d names for %d methods", len(golden), len(Methods()))
	}
	for m, want := range golden {
		for _, name := range []string{"example.org", "*.example.org"} {
			if got := m.RecordName(parse(t, ident.DNS, name), exampleAccount); got != want {
				t.Errorf("%s of %s: %q, want %q", m, name, got, want)
			}
		}
	}
}

// TestRecordNameIsNoHost: whatever the account and the name, a record stands directly below an
// underscore label, where nobody can be given a host name.
//
// Proves INC-22, DN-05.
func TestRecordNameIsNoHost(t *testing.T) {
	hostname := regexp.MustCompile(`^[a-z0-9]`)
	for _, name := range []string{"a.example.org", "*.a.example.org", "xn--bcher-kva.example"} {
		id := parse(t, ident.DNS, name)
		for i := range 100 {
			for _, m := range MethodsFor(id) {
				got := m.RecordName(id, fmt.Sprintf("https://ca.example/account/%d", i))
				label, ok := strings.CutSuffix(got, "."+id.Base().Value())
				if m.InDNS() && (!ok || label == "" || hostname.MatchString(label)) || !m.InDNS() && got != "" {
					t.Errorf("%s of %s: %q", m, name, got)
				}
			}
		}
	}
}

// TestAccountLabels: accounts do not share a name, and one URL has one.
//
// Proves DA-02.
func TestAccountLabels(t *testing.T) {
	id := parse(t, ident.DNS, "example.org")
	seen := map[string]bool{}
	for i := range 1000 {
		seen[DNSAccount01.RecordName(id, fmt.Sprintf("https://ca.example/account/%d", i))] = true
	}
	if len(seen) != 1000 {
		t.Errorf("1000 accounts have %d names", len(seen))
	}
	if DNSAccount01.RecordName(id, exampleAccount) == DNSAccount01.RecordName(id, exampleAccount+"/") {
		t.Error("two URLs share a name")
	}
}

// TestMethodsFor: INTEROP wants the challenge without a token after the others.
//
// Proves O-09, SD-04.
func TestMethodsFor(t *testing.T) {
	for _, test := range []struct {
		id   ident.Identifier
		want string
	}{
		{parse(t, ident.DNS, "example.org"), "[http-01 dns-01 tls-alpn-01 dns-account-01 dns-persist-01]"},
		{parse(t, ident.DNS, "*.example.org"), "[dns-01 dns-account-01 dns-persist-01]"},
		{parse(t, ident.IP, "192.0.2.1"), "[http-01 tls-alpn-01]"},
	} {
		if got := fmt.Sprint(MethodsFor(test.id)); got != test.want {
			t.Errorf("%s: %s", test.id, got)
		}
	}
	for i, m := range Methods() {
		if !m.HasToken() && i != len(Methods())-1 {
			t.Errorf("%s has no token and stands before %s", m, Methods()[i+1])
		}
	}
}

// TestProves: what an authorization says about other names.
//
// Proves SD-03, SD-05, INC-86.
func TestProves(t *testing.T) {
	name := parse(t, ident.DNS, "example.org")
	exact, wildcard, subdomains := Authorization{Identifier: name}, Authorization{Identifier: name, Wildcard: true}, Authorization{Identifier: name, Subdomains: true}
	for value, want := range map[string][3]bool{
		"example.org":       {true, false, true},
		"*.example.org":     {false, true, true},
		"www.example.org":   {false, false, true},
		"a.b.example.org":   {false, false, true},
		"*.www.example.org": {false, false, true},
		"badexample.org":    {false, false, false},
		"example.com":       {false, false, false},
	} {
		id := parse(t, ident.DNS, value)
		if got := [3]bool{exact.Proves(id), wildcard.Proves(id), subdomains.Proves(id)}; got != want {
			t.Errorf("%s: %v, want %v", value, got, want)
		}
	}
}
