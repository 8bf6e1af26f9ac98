package ca_test

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Root and intermediate as openssl reads them, under each algorithm.
func TestCACertificates(t *testing.T) {
	t.Parallel()
	for _, kind := range []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA2048} {
		a := newAuthority(t, kind)
		root, intermediate := pemFile(t, "CERTIFICATE", a.root.Raw), pemFile(t, "CERTIFICATE", a.intermediate.Raw)
		mustOpenSSL(t, "verify", "-x509_strict", "-check_ss_sig", "-attime", fmt.Sprint(now.Unix()), "-CAfile", root, root, intermediate)
		want := strings.Join([]string{
			"X509v3 Key Usage: critical", "Certificate Sign, CRL Sign",
			"X509v3 Basic Constraints: critical", "CA:TRUE",
			"X509v3 Subject Key Identifier:", "",
			"X509v3 Authority Key Identifier:", "",
		}, "\n")
		if diff := cmp.Diff(want, extensionText(t, root)); diff != "" {
			t.Errorf("%s root (-want +got)\n%s", kind, diff)
		}
		want = strings.Join([]string{
			"X509v3 Key Usage: critical", "Digital Signature, Certificate Sign, CRL Sign",
			"X509v3 Extended Key Usage:", "TLS Web Server Authentication, TLS Web Client Authentication",
			"X509v3 Basic Constraints: critical", "CA:TRUE, pathlen:0",
			"X509v3 Subject Key Identifier:", "",
			"X509v3 Authority Key Identifier:", "",
			"Authority Information Access:", "CA Issuers - URI:http://ca.test/issuer/root.cer",
			"X509v3 CRL Distribution Points:", "Full Name:", "URI:http://ca.test/crl/root/1.crl",
		}, "\n")
		if diff := cmp.Diff(want, extensionText(t, intermediate)); diff != "" {
			t.Errorf("%s intermediate (-want +got)\n%s", kind, diff)
		}
		subject := mustOpenSSL(t, "x509", "-in", intermediate, "-noout", "-subject", "-nameopt", "utf8,sep_comma_plus")
		if want := "subject=O=Grüne Gärten GmbH,CN=Everleaf Issuer 91c2\n"; subject != want {
			t.Errorf("%s: %q, want %q", kind, subject, want)
		}
	}
}

// Proves INC-11.
func TestCACertificatesRefused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	rootKey := &watchedKey{Signer: a.store.keys["root"]}
	fresh := newKey(t, pki.ECDSAP256)
	for rule, change := range map[string]func(*pki.CARequest){
		"intermediate-within-parent":   func(r *pki.CARequest) { r.NotAfter = a.root.NotAfter.Add(time.Second) },
		"intermediate-subject":         func(r *pki.CARequest) { r.CommonName = "Everleaf Root 4f3a" },
		"intermediate-serial-size":     func(r *pki.CARequest) { r.Serial = "4a0b" },
		"intermediate-subject-content": func(r *pki.CARequest) { r.CommonName = "" },
	} {
		request := caRequest(fresh.Public(), "Next")
		change(&request)
		der, err := a.engine.SignIntermediate(t.Context(), request, a.rootIssuer, rootKey)
		if der != nil || !fault.Is(err, fault.Malformed) || !strings.Contains(err.Error(), rule) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if _, err := a.engine.SignIntermediate(t.Context(), caRequest(fresh.Public(), "Below"), a.issuer, a.store.keys["first"]); !fault.Is(err, fault.Malformed) {
		t.Error("below an intermediate:", err)
	}
	if _, err := a.engine.SignIntermediate(t.Context(), caRequest(fresh.Public(), "Next"), a.rootIssuer, fresh); err == nil || !strings.Contains(err.Error(), "does not belong") {
		t.Error("with another key:", err)
	}
	if _, err := a.engine.SignIntermediate(t.Context(), caRequest(nil, "Next"), a.rootIssuer, rootKey); err == nil {
		t.Error("without a key")
	}
	if n := rootKey.signatures.Load(); n != 0 {
		t.Errorf("the root's key made %d signatures", n)
	}
	request := caRequest(nil, "")
	ownKey := &watchedKey{Signer: fresh}
	if _, err := a.engine.SignRoot(t.Context(), request, ownKey); !fault.Is(err, fault.Malformed) || ownKey.signatures.Load() != 0 {
		t.Error("a root without a name:", err)
	}
	if _, err := a.engine.SignRoot(t.Context(), caRequest(nil, "Root"), newKey(t, pki.Ed25519)); err == nil {
		t.Error("a root with Ed25519")
	}
	if _, err := a.engine.SignRoot(t.Context(), caRequest(nil, "Root"), foreignKey{newKey(t, pki.ECDSAP256), fresh.Public()}); err == nil || !strings.Contains(err.Error(), "verify") {
		t.Error("a root with another's signature:", err)
	}
}

// CAs that others made with openssl can be brought along: each algorithm, and their leaves verify.
func TestImportedCAs(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"P-256":    {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"P-384":    {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"},
		"RSA 2048": {"-newkey", "rsa:2048"},
		"RSA 3072": {"-newkey", "rsa:3072", "-sha512"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificate, key := opensslCA(t, args...)
			at := certificate.NotBefore.Add(time.Second)
			if err := pki.VerifyCA(certificate, key.Public(), nil, 0, at); err != nil {
				t.Fatal(err)
			}
			a := &authority{store: &keyStore{keys: map[string]crypto.Signer{"first": key}}, issuer: issuerOf("first", "", certificate)}
			a.engine = newEngine(a)
			request := a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com")
			request.NotBefore, request.NotAfter = pki.Validity(at, 90*24*time.Hour, 0)
			leaf := a.issue(t, request)
			mustOpenSSL(t, "verify", "-x509_strict", "-attime", fmt.Sprint(at.Unix()), "-CAfile", pemFile(t, "CERTIFICATE", certificate.Raw), pemFile(t, "CERTIFICATE", leaf.Raw))
		})
	}
}

func TestImportedCAsRefused(t *testing.T) {
	t.Parallel()
	for sentence, args := range map[string][]string{
		"Its signature algorithm is SHA1-RSA, which is not secure.": {"-newkey", "rsa:2048", "-sha1"},
		"at least 2048 are needed":                                  {"-newkey", "rsa:1024"},
		"Its key is not of a supported type":                        {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"},
		"Its basicConstraints lacks cA":                             {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-addext", "basicConstraints=critical,CA:FALSE"},
	} {
		certificate, key := opensslCA(t, args...)
		err := pki.VerifyCA(certificate, key.Public(), nil, 0, certificate.NotBefore.Add(time.Second))
		if !fault.Is(err, fault.Malformed) || !strings.Contains(fault.Sentence(err), sentence) {
			t.Errorf("%v, want %q", err, sentence)
		}
	}
}

// opensslCA makes a root with openssl.
func opensslCA(t *testing.T, args ...string) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "ca.cnf")
	text := "[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\nC=DE\nO=Example\nCN=Old CA\n[ext]\n" +
		"keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
	if !strings.Contains(strings.Join(args, " "), "basicConstraints") {
		text += "basicConstraints=critical,CA:TRUE\n"
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	keyFile, certificateFile := filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
	mustOpenSSL(t, append([]string{"req", "-x509", "-nodes", "-days", "365", "-config", config, "-keyout", keyFile, "-out", certificateFile}, args...)...)
	key, err := x509.ParsePKCS8PrivateKey(readPEM(t, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, readPEM(t, certificateFile)), key.(crypto.Signer)
}

func readPEM(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("no PEM in %s", path)
	}
	return block.Bytes
}
