package ca_test

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// The rules of the CA/Browser Forum judge what the profile calls public and nothing else, and what breaks one meets no
// key.
//
// Proves BR-16.
func TestPublicRulesJudgePublicProfiles(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	watched := &watchedKey{Signer: a.store.keys["first"]}
	a.store.keys["first"] = watched
	request := a.request(t, newKey(t, pki.ECDSAP256).Public(), "host.internal", "10.0.0.7")
	if _, err := a.engine.Prepare(t.Context(), request); err != nil {
		t.Errorf("a private profile: %v", err)
	}
	request.Spec.Public = true
	_, err := a.engine.Prepare(t.Context(), request)
	if !fault.Is(err, fault.Internal) || err == nil {
		t.Fatalf("a public profile: %v", err)
	}
	for _, rule := range []string{"e_sub_cert_certificate_policies_missing", "e_dnsname_not_valid_tld", "e_ext_san_contains_reserved_ip"} {
		if !strings.Contains(err.Error(), rule) {
			t.Errorf("%s is not in: %v", rule, err)
		}
	}
	if n := watched.signatures.Load(); n != 0 {
		t.Errorf("the key made %d signatures", n)
	}
}

// Warnings do not refuse; they come with the token.
//
// Proves BR-16.
func TestWarningsComeWithTheToken(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	a.engine = ca.New(a.store, func(_, _ *x509.Certificate, _ pki.Request) []lint.Finding {
		return []lint.Finding{{Rule: "w_odd", Text: "it is odd", Warning: true}}
	})
	request := a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com")
	prepared, err := a.engine.Prepare(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if got := prepared.Warnings(); !slices.Equal(got, []string{"w_odd: it is odd"}) {
		t.Errorf("warnings %q", got)
	}
}

// CA certificates pass the rules of others, and what breaks one is told to the operator with the rule.
//
// Proves BR-16, INC-11.
func TestCACertificatesMeetTheRulesOfOthers(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	watched := &watchedKey{Signer: a.store.keys["root"]}
	request := caRequest(watched.Public(), "Everleaf &amp; Root")
	_, err := a.engine.SignRoot(t.Context(), request, watched)
	if !fault.Is(err, fault.Malformed) || !strings.Contains(fault.Sentence(err), "e_subj_contains_html_entities") {
		t.Errorf("root: %v", err)
	}
	request.Usages = []pki.Usage{pki.ServerAuth}
	_, err = a.engine.SignIntermediate(t.Context(), request, a.rootIssuer, watched)
	if !fault.Is(err, fault.Malformed) || !strings.Contains(fault.Sentence(err), "e_subj_contains_html_entities") {
		t.Errorf("intermediate: %v", err)
	}
	if n := watched.signatures.Load(); n != 0 {
		t.Errorf("the key made %d signatures", n)
	}
}

// A list that breaks a rule meets no key.
//
// Proves BR-16.
func TestListsMeetTheRulesOfOthers(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	watched := &watchedKey{Signer: a.store.keys["first"]}
	a.store.keys["first"] = watched
	for rule, change := range map[string]func(*pki.CRLRequest){
		"e_crl_revocation_time_after_this_update": func(r *pki.CRLRequest) {
			r.Entries = []pki.Entry{{Serial: newSerial(), At: r.ThisUpdate.Add(time.Second)}}
		},
		"e_crl_next_update_invalid": func(r *pki.CRLRequest) { r.NextUpdate = r.ThisUpdate.AddDate(2, 0, 0) },
	} {
		request := a.listRequest(1)
		change(&request)
		if _, err := a.engine.SignCRL(t.Context(), request); !fault.Is(err, fault.Internal) || err == nil || !strings.Contains(err.Error(), rule) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if n := watched.signatures.Load(); n != 0 {
		t.Errorf("the key made %d signatures", n)
	}
}
