package issue

import (
	"bytes"
	"context"
	"crypto/x509"
	"log/slog"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// maxCertificate bounds the certificate in a revocation request, in octets.
const maxCertificate = 32 << 10

// Revocation is what a client asks for with revokeCert. It is signed by an account (Account set) or by the key of the
// certificate (Key set).
type Revocation struct {
	Connector   policy.Connector
	Account     *Requester
	Key         *jws.Key
	Certificate []byte // DER
	Reason      *int   // nil: none given
}

// Revoke revokes a certificate for one of the three who may (RFC 8555 section 7.6): the account that ordered it, an
// account that holds authorizations for all its names, the holder of its key. Errors: BadRevocationReason,
// NotFound for anything that is not byte for byte a certificate of this connector, Unauthorized, AlreadyRevoked.
//
// Only the key of the certificate proves that it is compromised: then it is certified never again, and its other
// certificates are revoked too (see RevokeCompromised), usually before Revoke returns. A claim by an account concerns
// the one certificate.
func (s *Service) Revoke(ctx context.Context, r Revocation) error {
	reason := pki.Unspecified
	if r.Reason != nil {
		parsed, err := pki.ParseReason(*r.Reason, true)
		if err != nil {
			return err
		}
		reason = parsed
	}
	c, err := s.known(ctx, r)
	if err != nil {
		return err
	}
	actor, err := s.mayRevoke(ctx, r, c)
	if err != nil {
		return err
	}
	proven := r.Key != nil && reason == pki.KeyCompromise
	if !c.Revoked.IsZero() && !proven {
		return fault.New(fault.AlreadyRevoked, "The certificate is revoked already.")
	}
	now := s.now()
	_, err = s.store.Revoke(ctx, c.ID, now, reason, proven, event.Event{
		ID: s.newID(), At: now, Organisation: c.Organisation, Actor: actor,
		Action: event.CertificateRevoked, Object: c.ID, Detail: string(c.Serial),
	})
	if err == nil && proven {
		s.afterProof(ctx, c)
	}
	return err
}

// afterProof revokes other certificates of a key that was proven to be compromised, as many as one step takes; a job does
// the rest and repeats what failed. What was asked for is done, so nothing of it reaches the requester.
func (s *Service) afterProof(ctx context.Context, c pki.Certificate) {
	ctx, cancel := detach(ctx)
	defer cancel()
	if _, _, err := s.revokeCompromised(ctx); err != nil {
		s.log.Error("other certificates of a compromised key wait for their revocation", slog.String("certificate", c.ID), slog.Any("error", err))
	}
}

// known returns the recorded certificate that equals the given one in every byte.
func (s *Service) known(ctx context.Context, r Revocation) (pki.Certificate, error) {
	unknown := fault.New(fault.NotFound, "This connector did not issue that certificate.")
	if len(r.Certificate) > maxCertificate {
		return pki.Certificate{}, fault.New(fault.Malformed, "The certificate is longer than %d octets.", maxCertificate)
	}
	parsed, err := x509.ParseCertificate(r.Certificate)
	if err != nil {
		return pki.Certificate{}, fault.Wrap(err, fault.Malformed, "The certificate cannot be parsed; send its DER in base64url.")
	}
	if parsed.SerialNumber.Sign() <= 0 {
		return pki.Certificate{}, unknown
	}
	c, err := s.store.CertificateBySerial(ctx, "", pki.SerialOf(parsed.SerialNumber))
	if fault.Is(err, fault.NotFound) {
		return c, unknown
	}
	if err == nil && (c.Connector != r.Connector.ID || !bytes.Equal(c.DER, r.Certificate)) {
		return pki.Certificate{}, unknown
	}
	return c, err
}

// mayRevoke decides whether the signer of the request may revoke c, and returns the name of the signer for the log.
func (s *Service) mayRevoke(ctx context.Context, r Revocation, c pki.Certificate) (string, error) {
	if r.Key != nil {
		hash, err := keyHash(*r.Key)
		if err != nil {
			return "", err
		}
		if hash != c.KeyHash {
			return "", fault.New(fault.Unauthorized, "The request is not signed by the key of the certificate.")
		}
		return "key:" + r.Key.Thumbprint(), nil
	}
	if r.Account.Account.ID == c.Account {
		return r.Account.actor(), nil
	}
	proven, err := s.store.Authorized(ctx, r.Account.Account.ID, c.Names, s.now())
	if err != nil {
		return "", err
	}
	if len(c.Names) == 0 || len(proven) < len(c.Names) {
		return "", fault.New(fault.Unauthorized,
			"The account neither ordered the certificate nor holds valid authorizations for all its names.")
	}
	return r.Account.actor(), nil
}

// keyHash returns the identity of an account key as certificates know it.
func keyHash(key jws.Key) (pki.KeyHash, error) {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return pki.KeyHash{}, fault.Wrap(err, fault.BadPublicKey, "The key cannot be used.")
	}
	return pki.HashKey(spki), nil
}
