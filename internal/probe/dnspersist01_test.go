package probe

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

const accountURL = "https://ca.test/acme/default/account/1"

// persistLook is a look for a record of the constants above, in the form of draft-01.
func persistLook(host string, beyond bool) policy.Look {
	l := lookFor(acme.DNSPersist01, name(host))
	l.Rules.Persist = policy.Persist{Draft: persist.Draft01, Issuers: []string{"ca.test"}}
	l.Account, l.Beyond = persist.Account{URL: accountURL, HashPrefix: "https://ca.test/acme/default/account/", Thumbprints: []string{"t"}}, beyond
	return l
}

// TestDNSPersist01 asks a real name server.
// Proves DP-01, DP-05, DP-06, DP-07.
func TestDNSPersist01(t *testing.T) {
	p, server := proberAt(t, 0, 0)
	server.SetDefault()
	good := persist.Record("ca.test", accountURL, false)
	wide := persist.Record("ca.test", accountURL, true)
	at := func(host string) string { return "_validation-persist." + host }
	server.SetTXT(at("a.test"), "v=spf1 "+canary, good)
	server.SetTXT(at("wide.test"), wide)
	server.SetTXT(at("long.test"), strings.Replace(good, "; ", strings.Repeat(" ", 300)+"; ", 1)) // several strings
	server.SetTXT(at("broken.test"), good+"; policy=wildcard; policy="+canary)
	server.SetTXT(at("other.test"), persist.Record("ca.test", accountURL+canary, false))
	server.SetTXT(at("over.test"), good+"; persistUntil=1000000000")
	server.SetTXT("bare.test", good)
	server.SetCNAME(at("delegated.test"), "records.example.test")
	server.SetTXT("records.example.test", good)
	server.SetCNAME("alias.test", "a.test")
	server.SetRcode(at("bogus.test"), "SERVFAIL")
	for _, test := range []struct {
		look policy.Look
		want string
	}{
		{persistLook("a.test", false), "valid"},
		{persistLook("a.test", true), "unauthorized: None of the 2 TXT records at _validation-persist.a.test allows this account; of the nearest: it lacks policy=wildcard"},
		{persistLook("*.a.test", false), "unauthorized"}, // a wildcard is beyond its base, whoever forgets to say so
		{persistLook("wide.test", false), "valid"},
		{persistLook("wide.test", true), "valid"},
		{persistLook("long.test", false), "valid"},
		{persistLook("delegated.test", false), "valid"},
		{persistLook("alias.test", false), "dns: _validation-persist.alias.test does not exist"},
		{persistLook("bare.test", false), "dns: _validation-persist.bare.test does not exist"},
		{persistLook("www.wide.test", false), "dns: _validation-persist.www.wide.test does not exist"},
		{persistLook("badwide.test", false), "dns: _validation-persist.badwide.test does not exist"},
		{persistLook("broken.test", false), "malformed"},
		{persistLook("other.test", false), "unauthorized"},
		{persistLook("over.test", false), "unauthorized"},
		{persistLook("bogus.test", false), "dns"},
	} {
		attempt := look(t, p, test.look)
		wantVerdict(t, attempt, test.want)
		if got := attempt.Grant != nil; got != (test.want == "valid") {
			t.Errorf("%s: a grant %t", test.look.Identifier, got)
		}
	}
}

// TestDNSPersist01Until keeps when the record ends as evidence: the proof ends with it.
// Proves DP-07.
func TestDNSPersist01Until(t *testing.T) {
	p, server := proberAt(t, 0, 0)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	server.SetTXT("_validation-persist.a.test", persist.Record("ca.test", accountURL, false)+fmt.Sprintf("; persistUntil=%d", until.Unix()))
	attempt := look(t, p, persistLook("a.test", false))
	wantVerdict(t, attempt, "valid")
	if g := attempt.Grant; g == nil || g.AccountURI != accountURL || !g.Until.Equal(until) {
		t.Errorf("%+v", attempt.Grant)
	}
}

// TestDNSAccount01: two accounts prove one name at once, each at its own label, which may be an alias.
// Proves DA-01, DA-02.
func TestDNSAccount01(t *testing.T) {
	p, server := proberAt(t, 0, 0)
	server.SetDefault()
	digest := sha256.Sum256([]byte(keyAuthorization))
	value := base64.RawURLEncoding.EncodeToString(digest[:])
	lookOf := func(url string) policy.Look {
		l := lookFor(acme.DNSAccount01, name("a.test"))
		l.Account.URL = url
		return l
	}
	mine, other, third := lookOf(accountURL), lookOf(accountURL+"1"), lookOf("https://example.com/acme/acct/ExampleAccount")
	server.SetTXT("_ujmmovf2vn55tgye._acme-challenge.a.test", canary)
	server.SetTXT(acme.DNSAccount01.RecordName(mine.Identifier, mine.Account.URL), value)
	server.SetTXT("_acme-challenge.a.test", value)
	server.SetCNAME(acme.DNSAccount01.RecordName(other.Identifier, other.Account.URL), "other.acme-dns.test")
	server.SetTXT("other.acme-dns.test", value)
	wantVerdict(t, look(t, p, mine), "valid")
	wantVerdict(t, look(t, p, other), "valid")
	wantVerdict(t, look(t, p, third), "incorrect response: None of the 1 TXT records at _ujmmovf2vn55tgye._acme-challenge.a.test")
	wantVerdict(t, look(t, p, lookOf(accountURL+"2")), "dns: ")
	wantVerdict(t, look(t, p, lookOf("")), "unauthorized: dns-account-01 names the account by its URL")
}
