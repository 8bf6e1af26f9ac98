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
}

func (f Finding) String() string { return f.Rule + ": " + f.Text }

// Source is a set of rules for leaves: ours is Leaf, others come from outside. A certificate with a finding is not
// signed.
type Source func(certificate, issuer *x509.Certificate, request pki.Request) []Finding

// Join writes findings as one text.
func Join(findings []Finding) string {
	texts := make([]string, len(findings))
	for i, f := range findings {
		texts[i] = f.String()
	}
	return strings.Join(texts, "; ")
}

// report collects findings.
type report []Finding

// check notes a broken rule that is the operator's affair.
func (r *report) check(ok bool, rule, text string) { r.checkFor(fault.Internal, ok, rule, text) }

// checkFor notes a broken rule of a kind.
func (r *report) checkFor(kind fault.Kind, ok bool, rule, text string) {
	if !ok {
		*r = append(*r, Finding{rule, text, kind})
	}
}
