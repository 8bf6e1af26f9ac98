package va_test

import (
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/probe"
	"github.com/everleaf-pki/everleaf/internal/va"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// TestChallenges decides each kind of challenge on a real network: right for the account that responded, wrong for
// another account with the same token (INCIDENTS 46).
// Proves INC-46.
func TestChallenges(t *testing.T) {
	const token, mine, other = "token", "token.mine", "token.other"
	dns, http, tls := chaltest.NewDNS(t), chaltest.NewHTTP(t), chaltest.NewTLSALPN(t)
	digest := sha256.Sum256([]byte(mine))
	dns.SetTXT("_acme-challenge.a.test", base64.RawURLEncoding.EncodeToString(digest[:]))
	http.Set(token, mine)
	tls.Set("a.test", mine)

	resolver, err := probe.NewResolver(probe.ResolverOptions{Upstreams: []string{dns.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	prober := probe.New(probe.Options{Resolver: resolver, HTTPPort: http.Port(), TLSPort: tls.Port()})
	validator := va.New(prober, nil, va.DefaultOptions())
	id, err := ident.ParseDNS("a.test")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range acme.MethodsFor(id) {
		for keyAuthorization, want := range map[string]string{mine: "", other: string(fault.IncorrectResponse)} {
			outcome := validator.Validate(t.Context(), policy.Look{
				Identifier: id, Method: method, Token: token, KeyAuthorization: keyAuthorization,
				Addresses: policy.Addresses{Loopback: true},
			})
			got := ""
			if outcome.Failure != nil {
				got = outcome.Failure.Kind
			}
			if got != want || len(outcome.Attempts) != 1 {
				t.Errorf("%s with %s: failure %q after %d attempts, want %q after 1", method, keyAuthorization, got, len(outcome.Attempts), want)
			}
		}
	}
}
