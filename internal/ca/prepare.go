package ca

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// errUsed says that a token was used before.
var errUsed = errors.New("prepared certificate: signed already, or tried to; resume it from its record")

// Prepare builds the certificate of a request under a throw-away key of the issuer's algorithm and lints it. What lint
// refuses has the kind and the sentence of the first finding when the requester can mend all of them, and is Internal
// with all findings when an operator has to. Unavailable says that the issuer cannot sign (see CanSign).
func (e *Engine) Prepare(ctx context.Context, request pki.Request) (pki.Prepared, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	signer, err := e.issuer(request.Issuer)
	if err != nil {
		return nil, err
	}
	template, err := request.Template()
	if err != nil {
		return nil, err
	}
	certificate, err := signer.rehearsal.build(template, request.PublicKey, signer.algorithm)
	if err != nil {
		return nil, err
	}
	return e.lint(signer, certificate, request)
}

// Resume makes a token of a recorded intent whose token was lost: the recorded bytes are parsed and linted again,
// against the record and the profile version that made them, and the token signs exactly these. The key and the URLs
// are those in the recorded bytes, since settings may have changed in between.
func (e *Engine) Resume(ctx context.Context, i pki.Issuer, spec pki.Spec, intent pki.Intent) (pki.Prepared, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	signer, err := e.issuer(i)
	if err != nil {
		return nil, err
	}
	certificate, err := signer.rehearsal.wrap(intent.TBS, signer.algorithm)
	if err != nil {
		return nil, fmt.Errorf("recorded intent %s: %w", intent.ID, err)
	}
	if pki.HashKey(certificate.RawSubjectPublicKeyInfo) != intent.KeyHash {
		return nil, fmt.Errorf("recorded intent %s: its bytes hold another key", intent.ID)
	}
	request := pki.Request{
		Issuer: i, Spec: spec, Names: intent.Names, PublicKey: certificate.PublicKey,
		Subject: pki.SubjectOf(certificate), Serial: intent.Serial, NotBefore: intent.NotBefore, NotAfter: intent.NotAfter,
	}
	if len(certificate.IssuingCertificateURL) == 1 {
		request.IssuerURL = certificate.IssuingCertificateURL[0]
	}
	if len(certificate.OCSPServer) == 1 {
		request.OCSPURL = certificate.OCSPServer[0]
	}
	if len(certificate.CRLDistributionPoints) == 1 && intent.Shard != i.Shard.Number {
		request.Issuer.Shard = pki.Shard{Number: intent.Shard, URL: certificate.CRLDistributionPoints[0]}
	}
	return e.lint(signer, certificate, request)
}

func (e *Engine) lint(signer *issuer, certificate *x509.Certificate, request pki.Request) (pki.Prepared, error) {
	var findings []lint.Finding
	for _, source := range e.sources {
		findings = append(findings, source(certificate, signer.certificate, request)...)
	}
	broken, warnings := lint.Split(findings)
	if len(broken) > 0 {
		return nil, refusal(broken)
	}
	return &prepared{signer: signer, tbs: certificate.RawTBSCertificate, warnings: lint.Texts(warnings)}, nil
}

// refusal turns findings into an error. One that only an operator can mend hides the others from the requester, who
// would change a request in vain.
func refusal(findings []lint.Finding) error {
	cause := fmt.Errorf("lint refuses the certificate: %s", lint.Join(findings))
	if slices.ContainsFunc(findings, func(f lint.Finding) bool { return f.Kind == fault.Internal }) {
		return cause
	}
	first := findings[0]
	return fault.Wrap(cause, first.Kind, "The certificate would break a rule (%s): %s. Nothing was issued.", first.Rule, first.Text)
}

// prepared is the token of a linted certificate.
type prepared struct {
	signer   *issuer
	tbs      []byte
	warnings []string
	used     atomic.Bool
}

// TBS returns a copy: whatever the caller does to it, the linted bytes are signed.
func (p *prepared) TBS() []byte { return bytes.Clone(p.tbs) }

// Warnings returns what lint warns of.
func (p *prepared) Warnings() []string { return p.warnings }

// Sign spends the token even when the key fails: a key may have signed although its answer was lost.
func (p *prepared) Sign(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p.used.Swap(true) {
		return nil, errUsed
	}
	return finish(p.tbs, p.signer.certificate, p.signer.algorithm, p.signer.key)
}
