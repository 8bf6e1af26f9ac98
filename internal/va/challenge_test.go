package va_test

import (
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/persist"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/probe"
	"github.com/everleaf-pki/everleaf/internal/va"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// requester is who asks for a look.
type requester struct {
	keyAuthorization string
	account          persist.Account
}

// TestChallenges decides each kind of challenge on a real network: right for the account that responded, wrong for
// another account with the same token, also where the other has the record of the first under its own label.
// Proves INC-46, DA-02.
func TestChallenges(t *testing.T) {
	const token = "token"
	mine := requester{"token.mine", persist.Account{URL: "https://ca.test/account/1", HashPrefix: "https://ca.test/account/", Thumbprints: []string{"mine"}}}
	other := requester{"token.other", persist.Account{URL: "https://ca.test/account/2", HashPrefix: "https://ca.test/account/", Thumbprints: []string{"other"}}}
	id, err := ident.ParseDNS("a.test")
	if err != nil {
		t.Fatal(err)
	}
	for _, draft := range persist.Drafts() {
		rules := policy.Rules{Persist: policy.Persist{Draft: draft, Issuers: []string{"ca.test"}}}
		validator := answering(t, id, token, mine, rules, other.account.URL)
		for _, method := range acme.MethodsFor(id) {
			refused := fault.IncorrectResponse
			if method == acme.DNSPersist01 {
				refused = fault.Unauthorized
			}
			for who, want := range map[*requester]fault.Kind{&mine: "", &other: refused} {
				outcome := validator.Validate(t.Context(), policy.Look{
					Identifier: id, Method: method, Token: token, KeyAuthorization: who.keyAuthorization, Account: who.account,
					Addresses: policy.Addresses{Loopback: true}, Rules: rules,
				})
				var got fault.Kind
				if outcome.Failure != nil {
					got = fault.Kind(outcome.Failure.Kind)
				}
				if got != want || len(outcome.Attempts) != 1 {
					t.Errorf("%s (%s) with %s: failure %q after %d attempts, want %q after 1", method, draft, who.keyAuthorization, got, len(outcome.Attempts), want)
				}
			}
		}
	}
}

// answering returns a validator of a network in which everything answers for one account, at the label of another one too.
func answering(t *testing.T, id ident.Identifier, token string, r requester, rules policy.Rules, otherURL string) *va.Validator {
	t.Helper()
	dns, http, tls := chaltest.NewDNS(t), chaltest.NewHTTP(t), chaltest.NewTLSALPN(t)
	digest := sha256.Sum256([]byte(r.keyAuthorization))
	value := base64.RawURLEncoding.EncodeToString(digest[:])
	dns.SetTXT(acme.DNS01.RecordName(id, ""), value)
	dns.SetTXT(acme.DNSAccount01.RecordName(id, r.account.URL), value)
	dns.SetTXT(acme.DNSAccount01.RecordName(id, otherURL), value)
	dns.SetTXT(acme.DNSPersist01.RecordName(id, ""), persist.Record("ca.test", r.account.URI(rules.Persist.Draft, id.Value()), false))
	http.Set(token, r.keyAuthorization)
	tls.Set(id.Value(), r.keyAuthorization)
	resolver, err := probe.NewResolver(probe.ResolverOptions{Upstreams: []string{dns.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	prober := probe.New(probe.Options{Resolver: resolver, HTTPPort: http.Port(), TLSPort: tls.Port()})
	return va.New(prober, nil, va.DefaultOptions())
}
