package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// VerifyCA decides whether a certificate that an operator brings can sign leaves and their revocation list with the
// given key, at now. Parent is the certificate that signed it, nil when none was brought: then it must be a root. Below
// is the number of CA certificates between it and the leaves. Errors are Malformed, with everything that is wrong, one
// sentence each, which names the extension or field.
func VerifyCA(certificate *x509.Certificate, key crypto.PublicKey, parent *x509.Certificate, below int, now time.Time) error {
	var found problems
	checkCAExtensions(&found, certificate, below)
	found.check(len(certificate.Subject.Names) > 0, "Its subject is empty.")
	found.check(now.Before(certificate.NotAfter), "It expired at %s.", certificate.NotAfter.Format(time.RFC3339))
	found.check(!now.Before(certificate.NotBefore), "It is valid only from %s.", certificate.NotBefore.Format(time.RFC3339))
	checkCAKey(&found, certificate, key)
	checkParent(&found, certificate, parent)
	if len(found) > 0 {
		return fault.New(fault.Malformed, "The CA certificate %q cannot be used. %s", certificate.Subject, strings.Join(found, " "))
	}
	return nil
}

func checkCAExtensions(found *problems, c *x509.Certificate, below int) {
	has := func(oid string) bool { return hasExtension(c, oid) }
	switch {
	case !has(oidBasicConstraints):
		found.check(false, "It lacks the extension basicConstraints, which makes a CA certificate.")
	case !c.IsCA:
		found.check(false, "Its basicConstraints lacks cA: it is not a CA certificate.")
	case c.MaxPathLen > 0 || c.MaxPathLenZero:
		found.check(c.MaxPathLen >= below, "Its basicConstraints has a pathLenConstraint of %d; the number of CA certificates below it would be %d.", c.MaxPathLen, below)
	}
	if has(oidKeyUsage) {
		found.check(c.KeyUsage&x509.KeyUsageCertSign != 0, "Its keyUsage lacks keyCertSign.")
		found.check(c.KeyUsage&x509.KeyUsageCRLSign != 0, "Its keyUsage lacks cRLSign, without which it can revoke nothing.")
	} else {
		found.check(false, "It lacks the extension keyUsage, with keyCertSign and cRLSign.")
	}
	useful := func(u x509.ExtKeyUsage) bool {
		return u == x509.ExtKeyUsageAny || u == x509.ExtKeyUsageServerAuth || u == x509.ExtKeyUsageClientAuth
	}
	found.check(!has(oidExtendedKeyUsage) || slices.ContainsFunc(c.ExtKeyUsage, useful),
		"Its extendedKeyUsage has neither serverAuth nor clientAuth, so no client would accept its leaves.")
	found.check(len(c.SubjectKeyId) > 0, "It lacks the extension subjectKeyIdentifier, to which its leaves and lists would point.")
	for _, oid := range c.UnhandledCriticalExtensions {
		found.check(false, "Its critical extension %s is not understood here.", extensionName(oid.String()))
	}
}

// hasExtension reports whether a certificate has an extension, in whatever form.
func hasExtension(c *x509.Certificate, oid string) bool {
	return slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.String() == oid })
}

// extensionName returns the name of an extension that CA certificates have and crypto/x509 does not follow in every
// form, with its object identifier.
func extensionName(oid string) string {
	names := map[string]string{
		"2.5.29.30": "nameConstraints", "2.5.29.33": "policyMappings", "2.5.29.36": "policyConstraints", "2.5.29.54": "inhibitAnyPolicy",
	}
	if name, known := names[oid]; known {
		return name + " (" + oid + ")"
	}
	return oid
}

func checkCAKey(found *problems, certificate *x509.Certificate, key crypto.PublicKey) {
	if _, err := SignatureAlgorithm(certificate.PublicKey); err != nil {
		found.check(false, "Its key is not of a supported type; use one of: %s.", joinTypes(IssuerKeyTypes()))
		return
	}
	if err := checkKeyStrength(certificate.PublicKey); err != nil {
		found.check(false, "Its key is not sound: %s", fault.Sentence(err))
	}
	found.check(OwnsKey(certificate, key), "The private key does not belong to the certificate.")
}

// OwnsKey reports whether the public key is that of the certificate.
func OwnsKey(certificate *x509.Certificate, key crypto.PublicKey) bool {
	own, ok := certificate.PublicKey.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && key != nil && own.Equal(key)
}

// checkParent checks the signature and the names. What the parent may sign is checked where it is the certificate.
func checkParent(found *problems, certificate, parent *x509.Certificate) {
	if parent == nil {
		if !bytes.Equal(certificate.RawIssuer, certificate.RawSubject) {
			found.check(false, "The root is not given: add the certificate of %q, which signed this one, and those above it.", certificate.Issuer)
			return
		}
		parent = certificate
	}
	if !bytes.Equal(certificate.RawIssuer, parent.RawSubject) {
		found.check(false, "It was signed by %q, and the certificate after it is that of %q.", certificate.Issuer, parent.Subject)
		return
	}
	err := parent.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature)
	_, insecure := errors.AsType[x509.InsecureAlgorithmError](err)
	insecure = insecure || certificate.SignatureAlgorithm == x509.SHA1WithRSA || certificate.SignatureAlgorithm == x509.ECDSAWithSHA1
	switch {
	case insecure:
		found.check(false, "Its signature algorithm is %s, which is not secure.", certificate.SignatureAlgorithm)
	case err != nil:
		found.check(false, "Its signature was not made with the key of %q.", parent.Subject)
	}
	found.check(!certificate.NotAfter.After(parent.NotAfter), "It outlives the CA that signed it, which ends at %s.", parent.NotAfter.Format(time.RFC3339))
}
