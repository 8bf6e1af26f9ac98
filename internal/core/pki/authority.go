package pki

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// CARequest is one CA certificate to make: a root, or an intermediate that signs leaves only.
type CARequest struct {
	CommonName   string
	Organisation string // the subject's organizationName; "" leaves it out
	PublicKey    crypto.PublicKey
	Serial       Serial
	NotBefore    time.Time
	NotAfter     time.Time // the last second of validity
	Usages       []Usage   // of an intermediate: what its leaves may be used for
	CRLURL       string    // of an intermediate: where the parent's list is; "" leaves it out
	IssuerURL    string    // of an intermediate: caIssuers in the AIA extension; "" leaves it out
}

// Root returns what crypto/x509 needs to build a self-signed certificate of the request.
func (r CARequest) Root() (*x509.Certificate, error) {
	template, err := r.template()
	if err != nil {
		return nil, err
	}
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.AuthorityKeyId = template.SubjectKeyId
	return template, nil
}

// Intermediate returns what crypto/x509 needs to build a certificate of the request that another CA signs. Its path
// length is 0: there is no CA below it.
func (r CARequest) Intermediate() (*x509.Certificate, error) {
	template, err := r.template()
	if err != nil {
		return nil, err
	}
	if template.ExtKeyUsage, err = extendedKeyUsages(r.Usages); err != nil {
		return nil, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.MaxPathLenZero = true
	if r.IssuerURL != "" {
		template.IssuingCertificateURL = []string{r.IssuerURL}
	}
	if r.CRLURL != "" {
		template.CRLDistributionPoints = []string{r.CRLURL}
	}
	return template, nil
}

func (r CARequest) template() (*x509.Certificate, error) {
	id, err := KeyID(r.PublicKey)
	if err != nil {
		return nil, err
	}
	subject := pkix.Name{CommonName: r.CommonName}
	if r.Organisation != "" {
		subject.Organization = []string{r.Organisation}
	}
	return &x509.Certificate{
		SerialNumber:          r.Serial.Int(),
		Subject:               subject,
		NotBefore:             r.NotBefore,
		NotAfter:              r.NotAfter,
		BasicConstraintsValid: true,
		IsCA:                  true,
		SubjectKeyId:          id,
	}, nil
}

// KeyID returns the key identifier of a public key: the leftmost 160 bits of the SHA-256 of its BIT STRING
// (RFC 7093 section 2, method 1).
func KeyID(public crypto.PublicKey) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	input := cryptobyte.String(spki)
	var outer cryptobyte.String
	var bits []byte
	if !input.ReadASN1(&outer, tags.SEQUENCE) || !outer.SkipASN1(tags.SEQUENCE) || !outer.ReadASN1BitStringAsBytes(&bits) {
		return nil, errors.New("encode public key: no SubjectPublicKeyInfo")
	}
	sum := sha256.Sum256(bits)
	return sum[:20], nil
}

// Parse returns the issuer's certificate.
func (i Issuer) Parse() (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(i.Certificate)
	if err != nil {
		return nil, fmt.Errorf("certificate of issuer %s: %w", i.ID, err)
	}
	return certificate, nil
}

// VerifyCA decides whether a certificate that an operator brings can sign leaves and their revocation list with the
// given key, at now; parent is the certificate that signed it, nil for a root. Errors are Malformed, with everything
// that is wrong, one sentence each.
func VerifyCA(der []byte, key crypto.PublicKey, parent *x509.Certificate, now time.Time) (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "The CA certificate cannot be parsed; give one certificate, in PEM or DER.")
	}
	var found problems
	found.check(certificate.BasicConstraintsValid && certificate.IsCA, "It is not a CA certificate (basic constraints CA:TRUE is missing).")
	found.check(certificate.KeyUsage&x509.KeyUsageCertSign != 0, "Its key usage does not allow it to sign certificates (keyCertSign).")
	found.check(certificate.KeyUsage&x509.KeyUsageCRLSign != 0, "Its key usage does not allow it to sign revocation lists (cRLSign).")
	found.check(len(certificate.SubjectKeyId) > 0, "It has no subject key identifier, to which its leaves and lists would point.")
	found.check(len(certificate.Subject.Names) > 0, "Its subject is empty.")
	found.check(len(certificate.UnhandledCriticalExtensions) == 0,
		"It has critical extensions that are not understood: %v.", certificate.UnhandledCriticalExtensions)
	found.check(now.Before(certificate.NotAfter), "It expired at %s.", certificate.NotAfter.Format(time.RFC3339))
	found.check(!now.Before(certificate.NotBefore), "It is valid only from %s.", certificate.NotBefore.Format(time.RFC3339))
	checkCAKey(&found, certificate, key)
	checkParent(&found, certificate, parent)
	if len(found) > 0 {
		return nil, fault.New(fault.Malformed, "The CA certificate cannot be used. %s", strings.Join(found, " "))
	}
	return certificate, nil
}

func checkCAKey(found *problems, certificate *x509.Certificate, key crypto.PublicKey) {
	if _, err := SignatureAlgorithm(certificate.PublicKey); err != nil {
		found.check(false, "Its key is not of a supported type; use one of: %s.", joinTypes(IssuerKeyTypes()))
		return
	}
	if err := checkKeyStrength(certificate.PublicKey); err != nil {
		found.check(false, "Its key is not sound: %s", fault.Sentence(err))
	}
	own, ok := certificate.PublicKey.(interface{ Equal(x crypto.PublicKey) bool })
	found.check(ok && key != nil && own.Equal(key), "The private key does not belong to it.")
}

func checkParent(found *problems, certificate, parent *x509.Certificate) {
	if parent == nil {
		found.check(bytes.Equal(certificate.RawIssuer, certificate.RawSubject),
			"It is not self-signed; give the certificate of the CA that signed it, too.")
		parent = certificate
	}
	if err := certificate.CheckSignatureFrom(parent); err != nil {
		insecure, isInsecure := errors.AsType[x509.InsecureAlgorithmError](err)
		found.check(!isInsecure, "It is signed with %s, which is not secure.", x509.SignatureAlgorithm(insecure))
		found.check(isInsecure, "It was not signed by %q.", parent.Subject)
	}
	found.check(!certificate.NotAfter.After(parent.NotAfter), "It outlives its parent, which ends at %s.", parent.NotAfter.Format(time.RFC3339))
}

// SignatureAlgorithm returns the one algorithm with which an issuer's key signs.
func SignatureAlgorithm(issuer crypto.PublicKey) (x509.SignatureAlgorithm, error) {
	switch KeyTypeOf(issuer) {
	case ECDSAP256:
		return x509.ECDSAWithSHA256, nil
	case ECDSAP384:
		return x509.ECDSAWithSHA384, nil
	case RSA:
		return x509.SHA256WithRSA, nil
	default:
		return 0, fmt.Errorf("no signature algorithm for an issuer's key of type %T", issuer)
	}
}
