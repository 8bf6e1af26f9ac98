package pki

import (
	"crypto/x509"
	"fmt"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// Template returns what crypto/x509 needs to build the certificate of a request. Nothing in it comes from a CSR but
// the key (INCIDENTS 36: a leaf can never be a CA, whatever was asked).
func (r Request) Template() (*x509.Certificate, error) {
	usages, err := extendedKeyUsages(r.Spec.Usages)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          r.Serial.Int(),
		NotBefore:             r.NotBefore,
		NotAfter:              r.NotAfter,
		KeyUsage:              LeafKeyUsage(KeyTypeOf(r.PublicKey)),
		ExtKeyUsage:           usages,
		BasicConstraintsValid: true,
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
	if r.IssuerURL != "" {
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

func extendedKeyUsages(usages []Usage) ([]x509.ExtKeyUsage, error) {
	var list []x509.ExtKeyUsage
	for _, usage := range usages {
		switch usage {
		case ServerAuth:
			list = append(list, x509.ExtKeyUsageServerAuth)
		case ClientAuth:
			list = append(list, x509.ExtKeyUsageClientAuth)
		default:
			return nil, fmt.Errorf("profile has the unknown usage %q", usage)
		}
	}
	return list, nil
}
