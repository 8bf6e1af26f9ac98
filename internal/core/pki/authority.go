package pki

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// CARequest is one CA certificate to make: a root, or an intermediate that signs leaves only.
type CARequest struct {
	CommonName   string
	Organisation string // the subject's organizationName; "" leaves it out
	Country      string // the subject's countryName, two capital letters; "" leaves it out
	PublicKey    crypto.PublicKey
	Serial       Serial
	NotBefore    time.Time
	NotAfter     time.Time   // the last second of validity
	Usages       []Usage     // of an intermediate: what its leaves may be used for
	Policies     []Policy    // of an intermediate: what its leaves may stand for; none: no extension
	Constraints  Constraints // of an intermediate: what its leaves may name
	Public       bool        // the rules of the CA/Browser Forum apply
	CRLURL       string      // of an intermediate: where the parent's list is; "" leaves it out
	IssuerURL    string      // of an intermediate: caIssuers in the AIA extension; "" leaves it out
	// Beside is the certificate that a cross-certificate stands beside: both are of one CA and have the same subject, key
	// identifier and path length. Nil for a CA that is new.
	Beside *x509.Certificate
}

// Validate returns everything that is wrong with what an operator asks of an intermediate as one error of kind
// Malformed, one sentence each.
func (r CARequest) Validate() error {
	var found problems
	Spec{Usages: r.Usages}.checkUsages(&found)
	Spec{Policies: r.Policies}.checkPolicies(&found)
	r.Constraints.check(&found)
	if r.Country != "" {
		wrong := Country.wrongValue(r.Country)
		found.check(wrong == "", "country: %q %s.", r.Country, wrong)
	}
	if r.Public {
		found.check(r.Country != "" && r.Organisation != "", "public: the subject of a public CA has a country and an organisation (BR section 7.1.2.10.2); give --country.")
		found.check(slices.Equal(r.Usages, []Usage{ServerAuth}), "public: the usages are %s and nothing else.", ServerAuth)
	}
	return found.err()
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

// Intermediate returns what crypto/x509 needs to build a certificate of the request that another CA signs.
func (r CARequest) Intermediate() (*x509.Certificate, error) {
	template, err := r.template()
	if err != nil {
		return nil, err
	}
	if template.ExtKeyUsage, template.UnknownExtKeyUsage, err = extendedKeyUsages(r.Usages); err != nil {
		return nil, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.MaxPathLen, template.MaxPathLenZero = r.PathLength()
	r.Constraints.apply(template)
	if len(r.Policies) > 0 {
		value, err := encodePolicies(r.Policies)
		if err != nil {
			return nil, err
		}
		template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 32}, Value: value}}
	}
	if r.IssuerURL != "" {
		template.IssuingCertificateURL = []string{r.IssuerURL}
	}
	if r.CRLURL != "" {
		template.CRLDistributionPoints = []string{r.CRLURL}
	}
	return template, nil
}

// PathLength returns the path length of an intermediate, as crypto/x509 has it: 0, since there is no CA below it, and in
// a cross-certificate that of the certificate beside it.
func (r CARequest) PathLength() (most int, isZero bool) {
	if r.Beside != nil {
		return r.Beside.MaxPathLen, r.Beside.MaxPathLenZero
	}
	return 0, true
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
	if r.Country != "" {
		subject.Country = []string{r.Country}
	}
	var encoded []byte
	if r.Beside != nil {
		encoded, id = r.Beside.RawSubject, r.Beside.SubjectKeyId
	}
	return &x509.Certificate{
		RawSubject:            encoded,
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
