package pki

import (
	"crypto/x509"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// Template returns what crypto/x509 needs to build the certificate of a request. Nothing in it comes from a CSR but
// the key and the parts of the subject that the profile leaves to it (INCIDENTS 36: a leaf can never be a CA, whatever was
// asked).
func (r Request) Template() (*x509.Certificate, error) {
	usages, others, err := extendedKeyUsages(r.Spec.Usages)
	if err != nil {
		return nil, err
	}
	extra, err := r.Spec.extraExtensions()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          r.Serial.Int(),
		NotBefore:             r.NotBefore,
		NotAfter:              r.NotAfter,
		KeyUsage:              r.Spec.KeyUsage(KeyTypeOf(r.PublicKey)),
		ExtKeyUsage:           usages,
		UnknownExtKeyUsage:    others,
		BasicConstraintsValid: true,
		ExtraExtensions:       extra,
	}
	for _, name := range r.Names {
		switch name.Type() {
		case ident.DNS:
			template.DNSNames = append(template.DNSNames, name.Value())
		case ident.IP:
			template.IPAddresses = append(template.IPAddresses, name.Addr().AsSlice())
		}
	}
	template.Subject.CommonName = r.CommonName()
	if len(r.Subject) > 0 {
		if template.RawSubject, err = encodeSubject(r.FullSubject()); err != nil {
			return nil, err
		}
	}
	if r.IssuerURL != "" && !r.Spec.NoIssuerURL {
		template.IssuingCertificateURL = []string{r.IssuerURL}
	}
	if r.Spec.OCSP {
		template.OCSPServer = []string{r.OCSPURL}
	}
	if !r.Spec.NoCRL {
		template.CRLDistributionPoints = []string{r.Issuer.Shard.URL}
	}
	return template, nil
}

// CommonName returns the common name that the certificate of the request carries; "" for none.
func (r Request) CommonName() string {
	if !r.Spec.CommonName {
		return ""
	}
	for _, name := range r.Names {
		if name.Type() == ident.DNS && len(name.Value()) <= maxCommonName {
			return name.Value()
		}
	}
	return ""
}

// LeafKeyUsage returns the key usages of a leaf with a key of type t: signatures, and with RSA the key exchange of TLS
// 1.2 (BR section 7.1.2.7.11).
func LeafKeyUsage(t KeyType) x509.KeyUsage {
	if t == RSA {
		return x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	}
	return x509.KeyUsageDigitalSignature
}
