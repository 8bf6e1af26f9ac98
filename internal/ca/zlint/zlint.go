// Package zlint judges certificates and revocation lists by the rules that the zlint project writes down from the RFCs
// and from what the root programs demand. It is the only place that knows the library.
//
// The rules are chosen once: those of the RFCs and of the community for everything, those of the CA/Browser Forum and
// of the root programs for certificates that are public, since private names break them by nature, and for every
// revocation list. The rules for code signing, e-mail and extended validation are not linked in.
package zlint

import (
	"crypto/x509"
	"fmt"
	"slices"

	parsed "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3/lint"
	_ "github.com/zmap/zlint/v3/lints/apple"     // rules register themselves
	_ "github.com/zmap/zlint/v3/lints/cabf_br"   //
	_ "github.com/zmap/zlint/v3/lints/chrome"    //
	_ "github.com/zmap/zlint/v3/lints/community" //
	_ "github.com/zmap/zlint/v3/lints/mozilla"   //
	_ "github.com/zmap/zlint/v3/lints/rfc"       //

	rules "github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// excluded are the rules that are not asked, each with its reason.
func excluded() map[string]string {
	return map[string]string{
		"e_cert_issued_by_compromised_emudhra_ca":       "it takes longer than all others together, to look for CAs of 2024 that cannot be ours",
		"w_ext_subject_key_identifier_missing_sub_cert": "BR section 7.1.2.7.6 recommends against what RFC 5280 section 4.2.1.2 recommends",
		"n_ct_sct_policy_count_unsatisfied":             "timestamps of logs join a certificate after its lint",
		"e_crl_empty_revoked_certificates":              "it reads the whole list anew, which takes half of the time, to find an empty sequence that crypto/x509 does not write",
		"e_cab_crl_has_valid_reason_code":               "it holds for lists of leaves only, and judges the list of a root, where RFC 5280 has cACompromise, as one",
	}
}

// Rules are the rules of the library, sorted by what they judge. They never change and may be used concurrently.
type Rules struct {
	private, public []*lint.CertificateLint
	lists           []*lint.RevocationListLint
	settings        lint.Configuration // of the rules that have any
}

// New sorts the rules. It takes as long as some certificates: make them once.
func New() *Rules {
	general := []lint.LintSource{lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC8813, lint.Community}
	public := append(slices.Clone(general),
		lint.CABFBaselineRequirements, lint.MozillaRootStorePolicy, lint.AppleRootStorePolicy, lint.ChromeRootStorePolicy)
	certificates, lists := lint.GlobalRegistry().CertificateLints(), lint.GlobalRegistry().RevocationListLints()
	return &Rules{
		private:  choose(general, certificates.BySource, func(l *lint.CertificateLint) string { return l.Name }),
		public:   choose(public, certificates.BySource, func(l *lint.CertificateLint) string { return l.Name }),
		lists:    choose(public, lists.BySource, func(l *lint.RevocationListLint) string { return l.Name }),
		settings: lint.NewEmptyConfig(),
	}
}

// choose returns the rules of some sources without the excluded ones.
func choose[T any](sources []lint.LintSource, of func(lint.LintSource) []T, name func(T) string) []T {
	left := excluded()
	var chosen []T
	for _, source := range sources {
		for _, rule := range of(source) {
			if left[name(rule)] == "" {
				chosen = append(chosen, rule)
			}
		}
	}
	return chosen
}

// Certificate judges a certificate of whatever kind; public adds the rules of the CA/Browser Forum and of the root
// programs.
func (r *Rules) Certificate(certificate *x509.Certificate, public bool) []rules.Finding {
	c, err := parsed.ParseCertificate(certificate.Raw)
	if err != nil {
		return unreadable(err)
	}
	var findings []rules.Finding
	book := r.private
	if public {
		book = r.public
	}
	for _, l := range book {
		findings = note(findings, l.LintMetadata, l.Execute(c, r.settings))
	}
	return findings
}

// List judges a revocation list in DER.
func (r *Rules) List(der []byte) []rules.Finding {
	l, err := parsed.ParseRevocationList(der)
	if err != nil {
		return unreadable(err)
	}
	var findings []rules.Finding
	for _, one := range r.lists {
		findings = note(findings, one.LintMetadata, one.Execute(l, r.settings))
	}
	return findings
}

func unreadable(err error) []rules.Finding {
	return []rules.Finding{{Rule: "zlint-readable", Text: "a second parser cannot read it: " + err.Error()}}
}

// note adds what a rule found. A rule that fails has judged nothing, and counts as broken.
func note(findings []rules.Finding, about lint.LintMetadata, result *lint.LintResult) []rules.Finding {
	if result.Status < lint.Warn {
		return findings
	}
	text := fmt.Sprintf("%s (%s)", about.Description, about.Citation)
	if result.Details != "" {
		text += ": " + result.Details
	}
	return append(findings, rules.Finding{Rule: about.Name, Text: text, Warning: result.Status == lint.Warn})
}
