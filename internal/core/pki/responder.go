package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"time"
)

// ResponderRequest is one certificate to make with which OCSP replies are signed for an issuer (RFC 6960 section 4.2.2.2).
type ResponderRequest struct {
	Issuer    Issuer
	PublicKey crypto.PublicKey
	Serial    Serial
	NotBefore time.Time
	NotAfter  time.Time // the last second of validity
}

// CommonName returns the subject: it is like no other, since what clients cache by name must be kept apart.
func (r ResponderRequest) CommonName() string { return "OCSP responder " + string(r.Serial) }

// NoCheck returns the extension id-pkix-ocsp-nocheck (RFC 6960 section 4.2.2.2.1): nobody asks for the status of what tells
// the status, so such a certificate is short-lived.
func NoCheck() pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: []byte{5, 0}}
}

// Template returns what crypto/x509 needs to build the certificate (BR section 7.1.2.8): it can sign OCSP replies and nothing else.
func (r ResponderRequest) Template() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          r.Serial.Int(),
		Subject:               pkix.Name{CommonName: r.CommonName()},
		NotBefore:             r.NotBefore,
		NotAfter:              r.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
		BasicConstraintsValid: true,
		ExtraExtensions:       []pkix.Extension{NoCheck()},
	}
}

// Standing is what is known of a serial number that an issuer gave.
type Standing struct {
	Pending bool      // its certificate is being signed
	Revoked time.Time // zero: not revoked
	Reason  Reason
}

// NeedsResponder reports whether a profile wants OCSP of the issuer.
func (i Issuer) NeedsResponder(profiles []Profile) bool {
	return slices.ContainsFunc(profiles, func(p Profile) bool {
		return p.Spec.OCSP && p.Spec.Issuer == i.Name && p.Organisation == i.Organisation
	})
}
