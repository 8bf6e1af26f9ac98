package ca

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ocsp"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// responders are the keys with which OCSP replies are signed, by issuer. Each is made by this process, and never leaves its
// memory: a thief of the disk finds none, the issuer's key signs one certificate a week instead of every reply, and nodes
// share none.
type responders struct {
	mu       sync.Mutex
	byIssuer map[string]responder
}

type responder struct {
	certificate *x509.Certificate
	algorithm   []byte // DER of the AlgorithmIdentifier of its signatures
	hash        crypto.Hash
	key         crypto.Signer
}

func (r *responders) get(issuer string) (responder, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, found := r.byIssuer[issuer]
	return one, found
}

func (r *responders) put(issuer string, one responder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byIssuer == nil {
		r.byIssuer = map[string]responder{}
	}
	r.byIssuer[issuer] = one
}

// PrepareResponder makes a key of the issuer's type, and builds and lints its certificate, by the rules for public ones where
// the issuer is one of these. The request's PublicKey is that of
// the key. Unavailable says that the issuer cannot sign (see CanSign).
func (e *Engine) PrepareResponder(ctx context.Context, request pki.ResponderRequest) (crypto.Signer, pki.Prepared, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	signer, err := e.issuer(request.Issuer)
	if err != nil {
		return nil, nil, err
	}
	key, err := throwAwayKey(signer.algorithm)
	if err != nil {
		return nil, nil, err
	}
	request.PublicKey = key.Public()
	certificate, err := signer.rehearsal.build(request.Template(), request.PublicKey, signer.algorithm)
	if err != nil {
		return nil, nil, err
	}
	findings := append(lint.Responder(certificate, signer.certificate, request), e.rules.Certificate(certificate, pki.PermitsPolicy(signer.certificate, pki.PolicyDomainValidated))...)
	broken, warnings := lint.Split(findings)
	if len(broken) > 0 {
		return nil, nil, fmt.Errorf("lint refuses the certificate: %s", lint.Join(broken))
	}
	return key, &prepared{signer: signer, tbs: certificate.RawTBSCertificate, warnings: lint.Texts(warnings)}, nil
}

// UseResponder has the issuer's OCSP replies signed with a key from now on, whose certificate is this.
func (e *Engine) UseResponder(issuer pki.Issuer, key crypto.Signer, der []byte) error {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("certificate of an OCSP responder: %w", err)
	}
	algorithm, err := checkPair(certificate, key)
	if err != nil {
		return err
	}
	// The key is of the issuer's type, so the issuer's signature under the certificate names the algorithm of the replies.
	identifier, err := innerAlgorithm(certificate.RawTBSCertificate)
	if err != nil || certificate.SignatureAlgorithm != algorithm {
		return errors.Join(errors.New("the key of an OCSP responder is of another type than its issuer's"), err)
	}
	e.responders.put(issuer.ID, responder{certificate, identifier, hashOf(algorithm), key})
	return nil
}

// ResponderUntil returns when the certificate ends with which the issuer's OCSP replies are signed; the zero time when there is
// none that is valid at now. One that is not valid yet was made while the clock was ahead, and no client would believe it.
func (e *Engine) ResponderUntil(issuer string, now time.Time) time.Time {
	one, found := e.responders.get(issuer)
	if !found || now.Before(one.certificate.NotBefore) || now.After(one.certificate.NotAfter) {
		return time.Time{}
	}
	return one.certificate.NotAfter.UTC()
}

// SignOCSP signs an answer and returns the reply's DER, after it was read and verified under the issuer as clients do. The
// answer is valid no longer than the responder's certificate. Unavailable without a responder.
func (e *Engine) SignOCSP(ctx context.Context, issuer pki.Issuer, answer ocsp.Answer) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	one, found := e.responders.get(issuer.ID)
	if !found || answer.NextUpdate.After(one.certificate.NotAfter) {
		return nil, fault.New(fault.Unavailable, "The status of certificates of the issuer %q cannot be signed at present.", issuer.Name)
	}
	data, err := answer.Data(one.certificate.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, err
	}
	digest := one.hash.New()
	digest.Write(data)
	signature, err := one.key.Sign(randomness(one.key), digest.Sum(nil), one.hash)
	if err != nil {
		return nil, fmt.Errorf("sign OCSP reply: %w", err)
	}
	der, err := ocsp.Reply(data, one.algorithm, signature, one.certificate.Raw)
	if err != nil {
		return nil, err
	}
	if err := checkReply(der, issuer, answer); err != nil {
		return nil, fmt.Errorf("signed OCSP reply for %s: %w", answer.ID.Serial, err)
	}
	return der, nil
}

// checkReply reads a reply with other eyes than ours, and compares it with what was to be said.
func checkReply(der []byte, issuer pki.Issuer, answer ocsp.Answer) error {
	certificate, err := issuer.Parse()
	if err != nil {
		return err
	}
	said, err := xocsp.ParseResponse(der, certificate)
	if err != nil {
		return err
	}
	status := xocsp.Good
	if !answer.Revoked.IsZero() {
		status = xocsp.Revoked
	}
	if said.Status != status || pki.SerialOf(said.SerialNumber) != answer.ID.Serial || !said.RevokedAt.Equal(answer.Revoked) ||
		said.RevocationReason != int(answer.Reason) || !said.ThisUpdate.Equal(answer.ThisUpdate) || !said.NextUpdate.Equal(answer.NextUpdate) {
		return errors.New("it says something else")
	}
	return nil
}
