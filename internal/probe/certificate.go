package probe

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

var (
	oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
	// oidACMEIdentifier is that of RFC 8737 section 6.1. The one of the drafts, 1.3.6.1.5.5.7.1.30.1, is not accepted.
	oidACMEIdentifier = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}
)

// checkChallengeCertificate decides whether a certificate meets RFC 8737 section 3 for id: self-signed, the one name or
// address in the subjectAltName, and the digest of the key authorization in a critical acmeIdentifier extension.
// The extensions are compared with the only encoding that DER gives them, so that nothing can stand beside what is
// wanted. The validity period does not matter.
func checkChallengeCertificate(raw []byte, id ident.Identifier, keyAuthorization string) error {
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return wrongCertificate(id, "cannot be parsed")
	}
	names, _, ok := extension(certificate, oidSubjectAltName)
	if !ok || !bytes.Equal(names, subjectAltName(id)) {
		return wrongCertificate(id, "does not have %s, in lower case, as its only subject alternative name", id)
	}
	digest := sha256.Sum256([]byte(keyAuthorization))
	value, critical, ok := extension(certificate, oidACMEIdentifier)
	switch {
	case !ok:
		return wrongCertificate(id, "has no acmeIdentifier extension (%s)", oidACMEIdentifier)
	case !critical:
		return wrongCertificate(id, "has an acmeIdentifier extension that is not critical")
	case !bytes.Equal(value, append([]byte{asn1.TagOctetString, sha256.Size}, digest[:]...)):
		return wrongCertificate(id, "does not have the digest for this account and token in its acmeIdentifier extension")
	}
	if !bytes.Equal(certificate.RawIssuer, certificate.RawSubject) ||
		certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature) != nil {
		return wrongCertificate(id, "is not signed by itself")
	}
	return nil
}

func wrongCertificate(id ident.Identifier, reason string, args ...any) error {
	return final(fault.IncorrectResponse, "The certificate that %s presents for the protocol acme-tls/1 "+reason+".", append([]any{id}, args...)...)
}

// extension returns the one extension with oid; the parser refuses certificates that have two.
func extension(certificate *x509.Certificate, oid asn1.ObjectIdentifier) (value []byte, critical, ok bool) {
	for _, e := range certificate.Extensions {
		if e.Id.Equal(oid) {
			return e.Value, e.Critical, true
		}
	}
	return nil, false, false
}

// subjectAltName encodes GeneralNames (RFC 5280 section 4.2.1.6) with id alone.
func subjectAltName(id ident.Identifier) []byte {
	const tagDNSName, tagIPAddress = 2, 7
	name := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagDNSName, Bytes: []byte(id.Value())}
	if id.Type() == ident.IP {
		name.Tag, name.Bytes = tagIPAddress, id.Addr().AsSlice()
	}
	encoded, err := asn1.Marshal([]asn1.RawValue{name})
	if err != nil {
		return nil // matches no extension
	}
	return encoded
}
