// Package ca is the engine that holds issuers' keys: it builds certificates and revocation lists, lints them, and signs.
//
// Its guarantees. An issuer's key signs only bytes that were linted under the same issuer with a throw-away key:
// leaves, CA certificates and revocation lists. A token
// signs at most once. A recorded body can be resumed and signed again, since nobody knows whether the first signature was
// made: keys in memory sign deterministically (ECDSA by RFC 6979, RSA by PKCS#1 v1.5), so both certificates are the same
// bytes. A key in a device may sign otherwise: then one serial number has one body and perhaps two signatures, of
// which the recorded one leaves. What was signed is parsed again and verified under the issuer before it leaves, which
// also keeps in what a fault in a deterministic signature would tell of the key. A private key never leaves its
// crypto.Signer.
package ca

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"sync"

	"github.com/everleaf-pki/everleaf/internal/ca/zlint"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// KeyStore gives access to private keys by name. It must be safe for concurrent use, and so must its keys.
type KeyStore interface {
	Load(name string) (crypto.Signer, error)
}

// Engine signs for the issuers whose keys are in its key store. It is safe for concurrent use.
type Engine struct {
	keys    KeyStore
	rules   *zlint.Rules
	sources []lint.Source

	mu      sync.Mutex
	issuers map[issuerKey]*slot

	responders responders

	testsMu sync.Mutex
	tests   map[x509.SignatureAlgorithm]crypto.Signer // throw-away keys
}

// slot holds an issuer once its key is loaded. Each has its own lock: loading takes long, and for a key that cannot be
// opened it is tried again by everyone who asks, which must not hold up other issuers.
type slot struct {
	mu     sync.Mutex
	opened *issuer // nil: not yet
}

// issuerKey is what an issuer's signatures depend on.
type issuerKey struct{ certificate, key string }

// issuer is an issuer that can sign.
type issuer struct {
	certificate *x509.Certificate
	algorithm   x509.SignatureAlgorithm
	key         crypto.Signer
	rehearsal   rehearsal
}

// New returns an engine over a key store. What it signs is judged by the rules of package lint, then by those of package
// zlint; every leaf then by sources.
func New(keys KeyStore, sources ...lint.Source) *Engine {
	rules := zlint.New()
	foreign := func(certificate, _ *x509.Certificate, request pki.Request) []lint.Finding {
		return rules.Certificate(certificate, request.Spec.Public)
	}
	return &Engine{
		keys:    keys,
		rules:   rules,
		sources: append([]lint.Source{lint.Leaf, foreign}, sources...),
		issuers: map[issuerKey]*slot{},
		tests:   map[x509.SignatureAlgorithm]crypto.Signer{},
	}
}

// CanSign reports why the engine cannot sign for an issuer: its key is not here, cannot be opened, or is another key
// than the certificate's. The error is Unavailable.
func (e *Engine) CanSign(i pki.Issuer) error {
	_, err := e.issuer(i)
	return err
}

// issuer returns an issuer with its key, which is loaded once.
func (e *Engine) issuer(i pki.Issuer) (*issuer, error) {
	s := e.slot(issuerKey{string(i.Certificate), i.Key})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened == nil {
		opened, err := e.open(i)
		if err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "The issuer %q cannot sign at present; the operator has to look at its key.", i.Name)
		}
		s.opened = opened
	}
	return s.opened, nil
}

func (e *Engine) slot(id issuerKey) *slot {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, ok := e.issuers[id]
	if !ok {
		s = &slot{}
		e.issuers[id] = s
	}
	return s
}

func (e *Engine) open(i pki.Issuer) (*issuer, error) {
	if i.Key == "" {
		return nil, fmt.Errorf("the key of issuer %s is not on this machine", i.ID)
	}
	certificate, err := i.Parse()
	if err != nil {
		return nil, err
	}
	key, err := e.keys.Load(i.Key)
	if err != nil {
		return nil, fmt.Errorf("load key %q of issuer %s: %w", i.Key, i.ID, err)
	}
	algorithm, err := checkPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("key %q of issuer %s: %w", i.Key, i.ID, err)
	}
	test, err := e.throwAway(algorithm)
	if err != nil {
		return nil, err
	}
	return &issuer{certificate, algorithm, key, rehearse(certificate, test)}, nil
}

// throwAway returns the throw-away key of an algorithm, which is made once.
func (e *Engine) throwAway(algorithm x509.SignatureAlgorithm) (crypto.Signer, error) {
	e.testsMu.Lock()
	defer e.testsMu.Unlock()
	test, ok := e.tests[algorithm]
	if !ok {
		var err error
		if test, err = throwAwayKey(algorithm); err != nil {
			return nil, err
		}
		e.tests[algorithm] = test
	}
	return test, nil
}

// checkPair returns the algorithm of a key that belongs to a CA certificate.
func checkPair(certificate *x509.Certificate, key crypto.Signer) (x509.SignatureAlgorithm, error) {
	algorithm, err := pki.SignatureAlgorithm(certificate.PublicKey)
	if err != nil {
		return 0, err
	}
	own, ok := certificate.PublicKey.(interface{ Equal(x crypto.PublicKey) bool })
	if !ok || !own.Equal(key.Public()) {
		return 0, fmt.Errorf("it does not belong to the certificate of %q", certificate.Subject)
	}
	return algorithm, nil
}
