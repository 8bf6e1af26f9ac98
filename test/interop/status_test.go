package interop

import (
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// wantStatus asks openssl what the certificate is worth: by OCSP in every way in which a client may ask, and by the list that
// the certificate names, where it must stand exactly when it is revoked.
// Proves BR-17, BR-18, BR-19, V-06, INC-31, INC-32.
func (r *result) wantStatus(want string) {
	r.Helper()
	current, err := r.admin.Certificate(r.Context(), r.certificate.ID)
	if err != nil {
		r.Fatal(err)
	}
	issuer := r.issuerFile()
	address, _ := r.openssl(nil, "x509", "-in", r.chain, "-noout", "-ocsp_uri")
	address = strings.TrimSpace(address)
	ask := []string{"ocsp", "-issuer", issuer, "-CAfile", r.server.Root}
	for name, how := range map[string][]string{
		"POST":               {"-no_nonce", "-cert", r.chain, "-url", address},
		"POST with a nonce":  {"-cert", r.chain, "-url", address},
		"POST by SHA-256":    {"-no_nonce", "-sha256", "-cert", r.chain, "-url", address},
		"GET":                {"-no_nonce", "-cert", r.chain, "-respin", r.askByGET(issuer, address, url.PathEscape)},
		"GET not escaped":    {"-no_nonce", "-cert", r.chain, "-respin", r.askByGET(issuer, address+"/", func(text string) string { return text })},
		"GET escaped wholly": {"-no_nonce", "-cert", r.chain, "-respin", r.askByGET(issuer, address, url.QueryEscape)},
	} {
		out, _ := r.openssl(nil, append(ask, how...)...)
		if !strings.Contains(out, "Response verify OK") || !strings.Contains(out, r.chain+": "+want) {
			r.Errorf("OCSP by %s: want %s:\n%s", name, want, out)
		}
		given := want == "revoked" && current.Reason != "unspecified"
		if strings.Contains(out, "Reason: ") != given || given && !strings.Contains(out, "Reason: "+current.Reason) {
			r.Errorf("OCSP by %s: want the reason %s:\n%s", name, current.Reason, out)
		}
	}
	unknown, _ := r.openssl(nil, append(ask, "-no_nonce", "-serial", "0x4a5b", "-url", address)...)
	if !strings.Contains(unknown, "unauthorized") {
		r.Errorf("OCSP of a serial number that nobody has:\n%s", unknown)
	}
}

// askByGET has openssl write a request, fetches the reply by GET and returns its file.
func (r *result) askByGET(issuer, address string, escape func(string) string) string {
	r.Helper()
	folder := r.TempDir()
	request, reply := filepath.Join(folder, "request.der"), filepath.Join(folder, "reply.der")
	if out, failed := r.openssl(nil, "ocsp", "-no_nonce", "-issuer", issuer, "-cert", r.chain, "-reqout", request); failed {
		r.Fatalf("openssl ocsp: %s", out)
	}
	der, err := os.ReadFile(request)
	if err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(reply, r.get(address+"/"+escape(base64.StdEncoding.EncodeToString(der))), 0o600); err != nil {
		r.Fatal(err)
	}
	return reply
}

// issuerFile returns a file with the second certificate of the chain.
func (r *result) issuerFile() string {
	r.Helper()
	text, err := os.ReadFile(r.chain)
	if err != nil {
		r.Fatal(err)
	}
	_, rest := pem.Decode(text)
	block, _ := pem.Decode(rest)
	if block == nil {
		r.Fatal("the chain has one certificate")
	}
	file := filepath.Join(r.TempDir(), "issuer.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		r.Fatal(err)
	}
	return file
}

// verifyWithList lets openssl verify the chain with the revocation list that the certificate names.
func (r *result) verifyWithList() (out string, failed bool) {
	r.Helper()
	text, _ := r.openssl(nil, "x509", "-in", r.chain, "-noout", "-ext", "crlDistributionPoints")
	list := filepath.Join(r.TempDir(), "crl.pem")
	if out, failed := r.openssl(r.get(r.found(crlAddress, text)), "crl", "-inform", "DER", "-out", list); failed {
		r.Fatalf("openssl crl: %s", out)
	}
	return r.openssl(nil, "verify", "-x509_strict", "-extended_crl", "-crl_check", "-CAfile", r.server.Root, "-untrusted", r.chain, "-CRLfile", list, r.chain)
}
