package lint

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"maps"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Leaf judges an end-entity certificate: it is what the request asks, fits its issuer, and keeps RFC 5280 and the
// content rules of BR section 7.1.2.7.
func Leaf(certificate, issuer *x509.Certificate, request pki.Request) []Finding {
	var r report
	r.frame("leaf", certificate, issuer)
	r.serial("leaf", certificate, request.Serial)
	r.leafKey(certificate, request)
	r.leafValidity(certificate, issuer, request)
	r.leafSubject(certificate, request)
	r.leafNames(certificate, issuer, request)
	r.leafUsages(certificate, issuer, request)
	r.leafPointers(certificate, request)
	r.leafPolicies(certificate, request.Spec.Policies)
	r.leafExtensions(certificate, request.Spec.Extensions)
	return r
}

func (r *report) leafKey(c *x509.Certificate, request pki.Request) {
	key, ok := c.PublicKey.(interface{ Equal(x crypto.PublicKey) bool })
	r.check(ok && request.PublicKey != nil && key.Equal(request.PublicKey), "leaf-key", "the key is not the requested one")
	r.checkFor(fault.BadCSR, slices.Contains(request.Spec.Keys, pki.KeyTypeOf(c.PublicKey)), "leaf-key-type", "the profile does not accept the type of the key")
}

func (r *report) leafValidity(c, issuer *x509.Certificate, request pki.Request) {
	r.check(c.NotBefore.Equal(request.NotBefore) && c.NotAfter.Equal(request.NotAfter), "leaf-validity", "the validity is not the requested one")
	// Both ends count (RFC 5280 section 4.1.2.5): INCIDENTS 7 is the second that was forgotten.
	inclusive := c.NotAfter.Sub(c.NotBefore) + time.Second
	r.check(inclusive >= time.Second && inclusive <= request.Spec.LifetimeAt(c.NotBefore), "leaf-lifetime", "the validity is longer than the profile allows, or empty")
	r.check(!c.NotBefore.Before(issuer.NotBefore) && !c.NotAfter.After(issuer.NotAfter), "leaf-within-issuer", "the validity is not within that of the issuer")
}

func (r *report) leafSubject(c *x509.Certificate, request pki.Request) {
	attributes, ok := readSubject(c.RawSubject)
	r.check(ok, "leaf-subject", "the subject is not a sequence of single attributes in PrintableString or UTF8String")
	var want []attribute
	for _, a := range request.FullSubject() {
		want = append(want, attribute{a.Type.OID(), a.Value})
	}
	r.check(slices.Equal(attributes, want), "leaf-subject-content", "the subject is not exactly what was decided, in its sequence")
	r.check(request.Spec.AllowsSubject(request.Subject), "leaf-subject-profile", "the subject is not one that the profile gives")
}

func (r *report) leafNames(c, issuer *x509.Certificate, request pki.Request) {
	names, ok := readNames(c)
	r.check(ok, "leaf-san", "the subject alternative names hold something other than DNS names and addresses, or are missing")
	want := ident.Set(slices.Clone(request.Names))
	r.check(len(want) > 0 && slices.Equal(ident.Set(names), want) && len(names) == len(want), "leaf-names", "the names are not exactly the requested ones")
	critical, _ := find(c, oidSubjectAltName)
	r.check(critical.Critical == (len(c.Subject.Names) == 0), "leaf-san-critical", "the subject alternative names must be critical exactly when the subject is empty")
	for _, name := range names {
		refused := request.Spec.RefuseName(name)
		r.checkFor(fault.RejectedIdentifier, refused == "", "leaf-name-profile", name.Value()+" "+refused)
		r.checkFor(fault.RejectedIdentifier, pki.Permits(issuer, name), "leaf-name-constraints", "the issuer's certificate does not permit "+name.Value())
	}
}

func (r *report) leafUsages(c, issuer *x509.Certificate, request pki.Request) {
	r.check(c.BasicConstraintsValid && !c.IsCA && c.MaxPathLen == -1, "leaf-not-ca", "the basic constraints are missing or those of a CA")
	const ofCAs = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	r.check(c.KeyUsage == request.Spec.KeyUsage(pki.KeyTypeOf(c.PublicKey)) && c.KeyUsage&ofCAs == 0, "leaf-key-usage",
		"the key usage is not what the profile gives to the type of the key")
	usage, found := find(c, oidKeyUsage)
	r.check(found && usage.Critical, "leaf-key-usage-critical", "the key usage is missing or not critical")
	r.check(equalUsages(c, request.Spec.Usages), "leaf-extended-key-usage", "the extended key usage is not that of the profile")
	r.check(pki.PermitsUsages(issuer, request.Spec.Usages), "leaf-usages-of-issuer", "the issuer's certificate does not have every extended key usage of the profile")
}

func (r *report) leafPointers(c *x509.Certificate, request pki.Request) {
	var crls []string
	if !request.Spec.NoCRL {
		crls = []string{request.Issuer.Shard.URL}
	}
	r.check(slices.Equal(c.CRLDistributionPoints, crls) && !slices.Contains(crls, ""), "leaf-crl", "the distribution point is not the URL of the issuer's shard")
	var responders []string
	if request.Spec.OCSP {
		responders = []string{request.OCSPURL}
	}
	r.check(!slices.Contains(responders, ""), "leaf-ocsp", "the profile wants OCSP, and nobody knows where it is")
	url := request.IssuerURL
	if request.Spec.NoIssuerURL {
		url = ""
	}
	r.pointers("leaf", c, url, responders...)
}

func (r *report) leafPolicies(c *x509.Certificate, want []pki.Policy) {
	have, ok := readPolicies(c)
	r.check(ok && slices.Equal(have, want), "leaf-policies", "the certificate policies are not those of the profile")
}

// leafExtensions lets pass what every leaf may have, and what the profile adds, byte for byte.
func (r *report) leafExtensions(c *x509.Certificate, added []pki.Extension) {
	known := maps.Clone(leafExtensions)
	for _, e := range added {
		have, found := find(c, e.OID)
		r.check(found && bytes.Equal(have.Value, e.Value), "leaf-extension-value", "the extension "+e.OID+" is not the one of the profile")
		_, ours := known[e.OID]
		r.check(!ours, "leaf-extension-managed", "the profile adds the extension "+e.OID+", which is made from its other parts")
		known[e.OID] = never
		if e.Critical {
			known[e.OID] = always
		}
	}
	r.extensions("leaf", c, known)
}

// frame checks what connects a certificate with its issuer: name, key identifier, algorithm.
func (r *report) frame(kind string, c, issuer *x509.Certificate) {
	r.check(c.Version == 3, kind+"-version", "the certificate is not X.509 version 3")
	r.check(bytes.Equal(c.RawIssuer, issuer.RawSubject), kind+"-issuer", "the issuer's name is not the subject of its certificate")
	r.check(len(issuer.SubjectKeyId) > 0 && bytes.Equal(c.AuthorityKeyId, issuer.SubjectKeyId), kind+"-authority-key-id", "the authority key identifier is not the issuer's subject key identifier")
	algorithm, err := pki.SignatureAlgorithm(issuer.PublicKey)
	r.check(err == nil && c.SignatureAlgorithm == algorithm, kind+"-signature-algorithm", "the signature algorithm does not fit the issuer's key")
	r.check(wholeSeconds(c), kind+"-time-format", "the validity is not in UTCTime until 2049 and GeneralizedTime after it, in whole seconds")
}

// serial checks a serial number (BR section 7.1): the requested one, of the one length that holds 126 random bits.
func (r *report) serial(kind string, c *x509.Certificate, want pki.Serial) {
	bits := c.SerialNumber.BitLen()
	r.check(c.SerialNumber.Sign() > 0 && bits > 64 && bits < 160, kind+"-serial-size", "the serial number is not a positive number of 65 to 159 bits")
	r.check(pki.SerialOf(c.SerialNumber) == want, kind+"-serial", "the serial number is not the requested one")
}

// pointers checks that authority information access holds the issuer's URL, those of OCSP, and nothing else.
func (r *report) pointers(kind string, c *x509.Certificate, issuerURL string, responders ...string) {
	var want []string
	if issuerURL != "" {
		want = []string{issuerURL}
	}
	r.check(slices.Equal(c.IssuingCertificateURL, want) && slices.Equal(c.OCSPServer, responders), kind+"-aia",
		"the authority information access is not exactly the issuer's URL and that of OCSP where the profile wants it")
}
