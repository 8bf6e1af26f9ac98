package lint

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"slices"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

const oidNoCheck = "1.3.6.1.5.5.7.48.1.5"

// responderExtensions are what the certificate of an OCSP responder may have.
var responderExtensions = map[string]criticality{
	oidKeyUsage:         always,
	oidExtendedKeyUsage: never,
	oidBasicConstraints: always,
	oidAuthorityKeyID:   never,
	oidNoCheck:          never,
}

// Responder judges a certificate with which OCSP replies are signed (BR section 7.1.2.8).
func Responder(certificate, issuer *x509.Certificate, request pki.ResponderRequest) []Finding {
	var r report
	r.frame("responder", certificate, issuer)
	r.serial("responder", certificate, request.Serial)
	key, ok := certificate.PublicKey.(interface{ Equal(x crypto.PublicKey) bool })
	r.check(ok && request.PublicKey != nil && key.Equal(request.PublicKey), "responder-key", "the key is not the requested one")
	r.check(certificate.NotBefore.Equal(request.NotBefore) && certificate.NotAfter.Equal(request.NotAfter) &&
		certificate.NotBefore.Before(certificate.NotAfter), "responder-validity", "the validity is not the requested one, or empty")
	r.check(!certificate.NotBefore.Before(issuer.NotBefore) && !certificate.NotAfter.After(issuer.NotAfter),
		"responder-within-issuer", "the validity is not within that of the issuer")
	subject, ok := readSubject(certificate.RawSubject)
	r.check(ok && slices.Equal(subject, []attribute{{oidCommonName, request.CommonName()}}), "responder-subject", "the subject is not the requested common name")
	r.check(certificate.BasicConstraintsValid && !certificate.IsCA && certificate.MaxPathLen == -1,
		"responder-not-ca", "the basic constraints are missing or those of a CA")
	r.check(certificate.KeyUsage == x509.KeyUsageDigitalSignature, "responder-key-usage", "the key usage is not digitalSignature")
	r.check(slices.Equal(certificate.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}) && len(certificate.UnknownExtKeyUsage) == 0,
		"responder-extended-key-usage", "the extended key usage is not that of OCSP alone")
	noCheck, found := find(certificate, oidNoCheck)
	r.check(found && bytes.Equal(noCheck.Value, []byte{5, 0}), "responder-nocheck", "the extension that spares clients its status is missing or not NULL")
	r.extensions("responder", certificate, responderExtensions)
	return r
}
