// Package lint judges certificates before they exist: on bytes that a throw-away key signed, so that what breaks a rule
// is never signed by an issuer. Each rule looks at the parsed certificate and at what was asked, and knows
// nothing of how the certificate was built.
package lint

import (
	"crypto/x509"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Finding is one broken rule.
type Finding struct {
	Rule string // stable name, such as "leaf-validity"
	Text string // what is wrong: one sentence without the final stop
	// Kind says whose affair it is: BadCSR can be mended with another key, RejectedIdentifier with other names. The zero
	// value, Internal, is for the operator: nothing that a requester sends would make a difference.
	Kind fault.Kind
	// Warning says that the rule only recommends: the certificate is signed, and the warning recorded with it.
	Warning bool
}

func (f Finding) String() string { return f.Rule + ": " + f.Text }

// Source is a set of rules for leaves: ours is Leaf, others come from outside. A certificate with a finding that is no
// warning is not signed.
type Source func(certificate, issuer *x509.Certificate, request pki.Request) []Finding

// Split divides findings into broken rules and warnings.
func Split(findings []Finding) (broken, warnings []Finding) {
	for _, f := range findings {
		if f.Warning {
			warnings = append(warnings, f)
		} else {
			broken = append(broken, f)
		}
	}
	return broken, warnings
}

// Texts writes each finding as "rule: sentence".
func Texts(findings []Finding) []string {
	var texts []string
	for _, f := range findings {
		texts = append(texts, f.String())
	}
	return texts
}

// Join writes findings as one text.
func Join(findings []Finding) string { return strings.Join(Texts(findings), "; ") }

// report collects findings.
type report []Finding

// check notes a broken rule that is the operator's affair.
func (r *report) check(ok bool, rule, text string) { r.checkFor(fault.Internal, ok, rule, text) }

// checkFor notes a broken rule of a kind.
func (r *report) checkFor(kind fault.Kind, ok bool, rule, text string) {
	if !ok {
		*r = append(*r, Finding{Rule: rule, Text: text, Kind: kind})
	}
}
