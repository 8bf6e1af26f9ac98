package lint

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Root judges a self-signed CA certificate (BR section 7.1.2.1).
func Root(certificate *x509.Certificate, request pki.CARequest) []Finding {
	var r report
	r.authority("root", certificate, certificate, request)
	r.check(certificate.MaxPathLen == -1, "root-path-length", "a root has no path length")
	r.check(certificate.KeyUsage == x509.KeyUsageCertSign|x509.KeyUsageCRLSign, "root-key-usage", "the key usage is not keyCertSign and cRLSign")
	r.check(len(certificate.ExtKeyUsage)+len(certificate.UnknownExtKeyUsage) == 0, "root-extended-key-usage", "a root has no extended key usage")
	r.check(len(certificate.CRLDistributionPoints) == 0, "root-crl", "a root has no distribution point")
	r.pointers("root", certificate, "")
	return r
}

// Intermediate judges a certificate with which a CA makes another that signs leaves only (BR section 7.1.2.6; INCIDENTS
// 11: CA certificates pass lint, too).
func Intermediate(certificate, parent *x509.Certificate, request pki.CARequest) []Finding {
	var r report
	r.authority("intermediate", certificate, parent, request)
	r.check(!certificate.NotBefore.Before(parent.NotBefore) && !certificate.NotAfter.After(parent.NotAfter),
		"intermediate-within-parent", "the validity is not within that of the parent")
	r.check(certificate.MaxPathLen == 0 && certificate.MaxPathLenZero, "intermediate-path-length", "the path length is not 0")
	r.check(parent.IsCA && parent.MaxPathLen != 0, "intermediate-parent", "the parent may not sign CA certificates")
	r.check(certificate.KeyUsage == x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign|x509.KeyUsageCRLSign,
		"intermediate-key-usage", "the key usage is not digitalSignature, keyCertSign and cRLSign")
	r.check(equalUsages(certificate, request.Usages), "intermediate-extended-key-usage", "the extended key usage is not the requested one")
	var crls []string
	if request.CRLURL != "" {
		crls = []string{request.CRLURL}
	}
	r.check(slices.Equal(certificate.CRLDistributionPoints, crls), "intermediate-crl", "the distribution point is not the requested one")
	r.check(!bytes.Equal(certificate.RawSubject, parent.RawSubject), "intermediate-subject", "the subject is that of the parent")
	r.pointers("intermediate", certificate, request.IssuerURL)
	return r
}

// authority checks what roots and intermediates have in common.
func (r *report) authority(kind string, c, parent *x509.Certificate, request pki.CARequest) {
	r.frame(kind, c, parent)
	r.serial(kind, c, request.Serial)
	r.check(c.BasicConstraintsValid && c.IsCA, kind+"-ca", "the basic constraints are not those of a CA")
	r.check(c.NotBefore.Equal(request.NotBefore) && c.NotAfter.Equal(request.NotAfter), kind+"-validity", "the validity is not the requested one")
	r.check(c.NotAfter.Sub(c.NotBefore) >= time.Second, kind+"-lifetime", "the validity is empty")
	key, ok := c.PublicKey.(interface{ Equal(x crypto.PublicKey) bool })
	r.check(ok && request.PublicKey != nil && key.Equal(request.PublicKey), kind+"-key", "the key is not the requested one")
	_, err := pki.SignatureAlgorithm(c.PublicKey)
	r.check(err == nil, kind+"-key-type", "the key is not of a type with which a CA signs")
	id, err := pki.KeyID(c.PublicKey)
	r.check(err == nil && bytes.Equal(c.SubjectKeyId, id), kind+"-subject-key-id", "the subject key identifier is not the hash of the key")
	r.caSubject(kind, c, request)
	r.extensions(kind, c, caExtensions)
}

func (r *report) caSubject(kind string, c *x509.Certificate, request pki.CARequest) {
	attributes, ok := readSubject(c.RawSubject)
	var want []attribute
	if request.Organisation != "" {
		want = append(want, attribute{oidOrganisation, request.Organisation})
	}
	want = append(want, attribute{oidCommonName, request.CommonName})
	r.check(ok && request.CommonName != "" && slices.Equal(attributes, want),
		kind+"-subject-content", "the subject is not exactly the requested organisation and common name, in that order")
}
