package ca_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Every issuer algorithm signs every type of subject key, and openssl agrees with each chain, name and extension.
// Proves BR-06, CE-05.
func TestIssueEveryKeyUnderEveryIssuer(t *testing.T) {
	t.Parallel()
	for _, issuerKeys := range []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA2048} {
		a := newAuthority(t, issuerKeys)
		root := pemFile(t, "CERTIFICATE", a.root.Raw)
		intermediate := pemFile(t, "CERTIFICATE", a.intermediate.Raw)
		for _, subjectKeys := range []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA2048, pki.RSA3072, pki.Ed25519} {
			t.Run(fmt.Sprintf("%s signs %s", issuerKeys, subjectKeys), func(t *testing.T) {
				request := a.request(t, newKey(t, subjectKeys).Public(), "shop.example.com", "*.example.com", "192.0.2.7", "2001:db8::7")
				leaf := a.issue(t, request)
				path := pemFile(t, "CERTIFICATE", leaf.Raw)
				at := fmt.Sprint(request.NotBefore.Add(time.Minute).Unix())
				mustOpenSSL(t, "verify", "-x509_strict", "-check_ss_sig", "-purpose", "sslserver", "-attime", at,
					"-verify_hostname", "a.example.com", "-CAfile", root, "-untrusted", intermediate, path)
				mustOpenSSL(t, "verify", "-x509_strict", "-attime", at,
					"-verify_ip", "2001:db8::7", "-CAfile", root, "-untrusted", intermediate, path)
				if diff := cmp.Diff(expectedExtensions(subjectKeys), extensionText(t, path)); diff != "" {
					t.Error("extensions as openssl reads them (-want +got)", diff)
				}
			})
		}
	}
}

func expectedExtensions(key pki.KeyType) string {
	usage := "Digital Signature"
	if strings.HasPrefix(string(key), "rsa") {
		usage += ", Key Encipherment"
	}
	return strings.Join([]string{
		"X509v3 Key Usage: critical", usage,
		"X509v3 Extended Key Usage:", "TLS Web Server Authentication",
		"X509v3 Basic Constraints: critical", "CA:FALSE",
		"X509v3 Authority Key Identifier:", "",
		"Authority Information Access:", "CA Issuers - URI:http://ca.test/issuer/first.cer",
		"X509v3 Subject Alternative Name: critical",
		"DNS:shop.example.com, DNS:*.example.com, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7",
		"X509v3 CRL Distribution Points:", "Full Name:", "URI:http://ca.test/crl/first/1.crl",
	}, "\n")
}

// extensionText returns openssl's rendering of the extensions, one trimmed line each, the random key identifier blanked.
func extensionText(t *testing.T, path string) string {
	t.Helper()
	out := mustOpenSSL(t, "x509", "-in", path, "-noout", "-text", "-certopt",
		"no_header,no_version,no_serial,no_signame,no_validity,no_subject,no_issuer,no_pubkey,no_sigdump")
	var lines []string
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if len(line) == 59 && strings.Count(line, ":") == 19 {
			line = ""
		} else if line == "" || line == "X509v3 extensions:" {
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// What was asked stands in the certificate to the second and to the digit (CE-05, INCIDENTS 7).
// Proves CE-05, BR-01, INC-7, INC-29.
func TestIssueExactContent(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	key := newKey(t, pki.ECDSAP256)
	request := a.request(t, key.Public(), "shop.example.com")
	leaf := a.issue(t, request)

	if got := pki.SerialOf(leaf.SerialNumber); got != request.Serial {
		t.Errorf("serial %s, want %s", got, request.Serial)
	}
	if got := leaf.NotAfter.Sub(leaf.NotBefore) + time.Second; got != 90*24*time.Hour {
		t.Errorf("inclusive validity %v, want 90 days", got)
	}
	if want := now; !leaf.NotBefore.Equal(want) {
		t.Errorf("notBefore %v, want %v", leaf.NotBefore, want)
	}
	if err := leaf.CheckSignatureFrom(a.intermediate); err != nil {
		t.Error(err)
	}
	if leaf.SignatureAlgorithm != x509.ECDSAWithSHA256 {
		t.Errorf("signature algorithm %v", leaf.SignatureAlgorithm)
	}
	if len(leaf.Subject.Names) != 0 {
		t.Errorf("subject %v, want none", leaf.Subject)
	}
}

// What a profile decides, and nothing else: both usages, a common name with its names not critical, no revocation
// list, no issuer URL.
// Proves BR-06, BR-08, INC-4, INC-29.
func TestIssueProfile(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	request := a.request(t, newKey(t, pki.ECDSAP256).Public(), "192.0.2.7", "*.example.com")
	request.Spec = pki.ShortLivedSpec("first")
	request.Spec.CommonName = true
	request.Spec.Usages = []pki.Usage{pki.ClientAuth, pki.ServerAuth}
	request.NotAfter = request.NotBefore.Add(160*time.Hour - time.Second)
	request.IssuerURL = ""
	path := pemFile(t, "CERTIFICATE", a.issue(t, request).Raw)
	want := strings.Join([]string{
		"X509v3 Key Usage: critical", "Digital Signature",
		"X509v3 Extended Key Usage:", "TLS Web Client Authentication, TLS Web Server Authentication",
		"X509v3 Basic Constraints: critical", "CA:FALSE",
		"X509v3 Authority Key Identifier:", "",
		"X509v3 Subject Alternative Name:", "DNS:*.example.com, IP Address:192.0.2.7",
	}, "\n")
	if diff := cmp.Diff(want, extensionText(t, path)); diff != "" {
		t.Error("extensions as openssl reads them (-want +got)", diff)
	}
	// "*" is not a character of PrintableString (INCIDENTS 4).
	subject := mustOpenSSL(t, "x509", "-in", path, "-noout", "-subject", "-nameopt", "show_type,sep_comma_plus")
	if want := "subject=CN=UTF8STRING:*.example.com\n"; subject != want {
		t.Errorf("%q, want %q", subject, want)
	}
}
