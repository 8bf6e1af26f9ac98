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
	most, isZero := request.PathLength()
	r.check(certificate.MaxPathLen == most && certificate.MaxPathLenZero == isZero, "intermediate-path-length", "the path length is not 0, or that of the certificate beside it")
	below := 0
	if most != 0 {
		below = 1 // a root that another one vouches for has intermediates below it
	}
	r.check(parent.IsCA && (parent.MaxPathLen < 0 || parent.MaxPathLen > below), "intermediate-parent", "the parent may not sign CA certificates, or none with others below")
	r.check(certificate.KeyUsage == x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign|x509.KeyUsageCRLSign,
		"intermediate-key-usage", "the key usage is not digitalSignature, keyCertSign and cRLSign")
	r.check(equalUsages(certificate, request.Usages), "intermediate-extended-key-usage", "the extended key usage is not the requested one")
	// The root programs want the purpose of every CA certificate below a root in it, of cross-certificates too (INCIDENTS 11).
	r.check(len(request.Usages) > 0, "intermediate-no-extended-key-usage", "an intermediate or cross-certificate needs an extended key usage")
	r.check(!request.Public || slices.Equal(request.Usages, []pki.Usage{pki.ServerAuth}), "intermediate-server-auth", "a public CA for TLS has serverAuth and no other extended key usage")
	r.constraints(certificate, request.Constraints.Closed())
	policies, ok := readPolicies(certificate)
	r.check(ok && slices.Equal(policies, request.Policies), "intermediate-policies", "the certificate policies are not the requested ones")
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
	if request.Beside != nil {
		id = request.Beside.SubjectKeyId
	}
	r.check(err == nil && bytes.Equal(c.SubjectKeyId, id), kind+"-subject-key-id", "the subject key identifier is not the hash of the key, or that of the certificate beside it")
	r.caSubject(kind, c, request)
	r.extensions(kind, c, caExtensions)
}

// constraints checks the name constraints: those asked for, on names and addresses only, and critical.
func (r *report) constraints(c *x509.Certificate, want pki.Constraints) {
	others := len(c.PermittedEmailAddresses) + len(c.ExcludedEmailAddresses) + len(c.PermittedURIDomains) + len(c.ExcludedURIDomains)
	r.check(pki.ConstraintsOf(c).Equal(want) && others == 0, "intermediate-name-constraints", "the name constraints are not the requested ones")
}

func (r *report) caSubject(kind string, c *x509.Certificate, request pki.CARequest) {
	if request.Beside != nil {
		r.check(bytes.Equal(c.RawSubject, request.Beside.RawSubject), kind+"-subject-content", "the subject is not that of the certificate beside it, octet by octet")
		return
	}
	attributes, ok := readSubject(c.RawSubject)
	var want []attribute
	if request.Country != "" {
		want = append(want, attribute{oidCountry, request.Country})
	}
	if request.Organisation != "" {
		want = append(want, attribute{oidOrganisation, request.Organisation})
	}
	want = append(want, attribute{oidCommonName, request.CommonName})
	r.check(ok && request.CommonName != "" && slices.Equal(attributes, want),
		kind+"-subject-content", "the subject is not exactly the requested country, organisation and common name, in that order")
}
