package pki_test

import (
	"crypto/elliptic"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// A request may ask for the extended key usages that the profile gives, and for those of TLS out of habit, but for nothing
// else: not for what would make an OCSP signer or anything at all of it.
func TestCheckCSRUsages(t *testing.T) {
	t.Parallel()
	key := newECDSA(t, elliptic.P256())
	spec := pki.DefaultSpec("default")
	spec.Usages = []pki.Usage{pki.ServerAuth, "1.3.6.1.5.5.7.3.17"}
	for asked, refused := range map[string]string{
		"serverAuth,clientAuth": "", "1.3.6.1.5.5.7.3.17": "", "serverAuth,1.3.6.1.5.5.7.3.17": "",
		"serverAuth,codeSigning": "1.3.6.1.5.5.7.3.3", "anyExtendedKeyUsage": "2.5.29.37.0",
		"1.3.6.1.5.5.7.3.17,OCSPSigning": "1.3.6.1.5.5.7.3.9",
	} {
		csr, err := pki.ParseCSR(opensslCSR(t, key, "CN=a.example.com", "extendedKeyUsage="+asked))
		if err != nil {
			t.Fatal(err)
		}
		err = pki.CheckCSR(csr, csr.Names, spec)
		if refused == "" && err != nil || refused != "" &&
			(!fault.Is(err, fault.BadCSR) || !strings.Contains(fault.Sentence(err), "the extended key usage "+refused+", which this profile does not give")) {
			t.Errorf("%s: %v", asked, err)
		}
	}
}
