package ca_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func (a *authority) listRequest(number int64, entries ...pki.Entry) pki.CRLRequest {
	return pki.CRLRequest{
		Issuer: a.issuer, Shard: a.issuer.Shard, Number: number,
		ThisUpdate: now.Add(time.Hour), NextUpdate: now.Add(7 * 24 * time.Hour), Entries: entries,
	}
}

// openssl checks a certificate against the list of its shard: the good one passes, the revoked one does not, and
// the list of another shard says nothing about either.
func TestCRLWithOpenSSL(t *testing.T) {
	t.Parallel()
	for _, kind := range []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA2048} {
		a := newAuthority(t, kind)
		good := a.issue(t, a.request(t, newKey(t, pki.ECDSAP256).Public(), "good.example.com"))
		bad := a.issue(t, a.request(t, newKey(t, pki.ECDSAP256).Public(), "bad.example.com"))
		der, err := a.engine.SignCRL(t.Context(), a.listRequest(1, pki.Entry{Serial: pki.SerialOf(bad.SerialNumber), At: now, Reason: pki.KeyCompromise}))
		if err != nil {
			t.Fatal(err)
		}
		list := pemFile(t, "X509 CRL", der)
		chain := []string{
			"verify", "-x509_strict", "-extended_crl", "-crl_check", "-attime", fmt.Sprint(now.Add(2 * time.Hour).Unix()),
			"-CAfile", pemFile(t, "CERTIFICATE", a.root.Raw), "-untrusted", pemFile(t, "CERTIFICATE", a.intermediate.Raw),
		}
		check := func(list string, c *x509.Certificate) (string, error) {
			return openssl(t, append(chain, "-CRLfile", list, pemFile(t, "CERTIFICATE", c.Raw))...)
		}
		if out, err := check(list, good); err != nil {
			t.Errorf("%s: the good certificate: %s", kind, out)
		}
		if out, err := check(list, bad); err == nil || !strings.Contains(out, "certificate revoked") {
			t.Errorf("%s: the revoked certificate: %s", kind, out)
		}
		request := a.listRequest(1)
		request.Shard = pki.Shard{Number: 2, URL: pki.ShardURL("http://ca.test", "first", 2)}
		if der, err = a.engine.SignCRL(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		if out, err := check(pemFile(t, "X509 CRL", der), good); err == nil || !strings.Contains(out, "different CRL scope") {
			t.Errorf("%s: the list of another shard: %s", kind, out)
		}
		text := mustOpenSSL(t, "crl", "-in", list, "-noout", "-text")
		for _, want := range []string{"Version 2", "X509v3 CRL Number: \n                1", "X509v3 Issuing Distribution Point: critical", "URI:http://ca.test/crl/first/1.crl", "Key Compromise"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: openssl does not read %q in\n%s", kind, want, text)
			}
		}
	}
}

// Certificates and the list of their shard name the same place, byte for byte (INCIDENTS 31, 32), and a list without
// entries has no empty sequence of them (RFC 5280 section 5.1.2.6).
// Proves BR-18, INC-32.
func TestCRLCoversItsCertificates(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	leaf := a.issue(t, a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com"))
	der, err := a.engine.SignCRL(t.Context(), a.listRequest(1))
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	// The list holds one DistributionPoint, the certificate a SEQUENCE OF them.
	points, err := asn1.Marshal([]asn1.RawValue{{FullBytes: extension(t, list.Extensions, 28)}})
	if got := extension(t, leaf.Extensions, 31); err != nil || !bytes.Equal(got, points) {
		t.Errorf("the certificate names %x, the list %x (%v)", got, points, err)
	}
	if text := mustOpenSSL(t, "crl", "-in", pemFile(t, "X509 CRL", der), "-noout", "-text"); !strings.Contains(text, "No Revoked Certificates") {
		t.Error(text)
	}
}

// extension returns the value of the one with this number below id-ce (2.5.29).
func extension(t *testing.T, all []pkix.Extension, number int) []byte {
	t.Helper()
	i := slices.IndexFunc(all, func(e pkix.Extension) bool { return e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, number}) })
	if i < 0 {
		t.Fatalf("there is no extension 2.5.29.%d", number)
	}
	return all[i].Value
}

// A root's list covers its intermediates.
func TestRootCRL(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP384)
	request := a.listRequest(1, pki.Entry{Serial: pki.SerialOf(a.intermediate.SerialNumber), At: now, Reason: pki.CACompromise})
	request.Issuer, request.Shard = a.rootIssuer, a.rootIssuer.Shard
	der, err := a.engine.SignCRL(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	out, err := openssl(t, "verify", "-extended_crl", "-crl_check", "-attime", fmt.Sprint(now.Add(2*time.Hour).Unix()),
		"-CAfile", pemFile(t, "CERTIFICATE", a.root.Raw), "-CRLfile", pemFile(t, "X509 CRL", der), pemFile(t, "CERTIFICATE", a.intermediate.Raw))
	if err == nil || !strings.Contains(out, "certificate revoked") {
		t.Error(out)
	}
}

// A large list keeps every entry in order, and the caller's order does not matter.
func TestCRLEntries(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	entries := make([]pki.Entry, 5000)
	for i := range entries {
		entries[i] = pki.Entry{Serial: newSerial(), At: now.Add(-time.Duration(i) * time.Second), Reason: pki.Superseded}
	}
	entries[0].Reason = pki.Unspecified
	der, err := a.engine.SignCRL(t.Context(), a.listRequest(1<<62, entries...))
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.RevokedCertificateEntries) != len(entries) || list.Number.Int64() != 1<<62 {
		t.Errorf("%d entries, number %v", len(list.RevokedCertificateEntries), list.Number)
	}
	for i, e := range list.RevokedCertificateEntries[1:] {
		if list.RevokedCertificateEntries[i].SerialNumber.Cmp(e.SerialNumber) >= 0 {
			t.Fatalf("entry %d is not in order", i)
		}
	}
	if !bytes.Equal(list.RawIssuer, a.intermediate.RawSubject) || !bytes.Equal(list.AuthorityKeyId, a.intermediate.SubjectKeyId) {
		t.Error("the list names another issuer")
	}
}

// Proves BR-18, INC-33.
func TestSignCRLRefuses(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	request := a.listRequest(1)
	request.Issuer.Key = ""
	if _, err := a.engine.SignCRL(t.Context(), request); !fault.Is(err, fault.Unavailable) {
		t.Error("without the key:", err)
	}
	request = a.listRequest(1)
	request.NextUpdate = request.ThisUpdate.Add(-time.Second)
	if _, err := a.engine.SignCRL(t.Context(), request); err == nil {
		t.Error("over before it begins")
	}
	for about, entries := range map[string][]pki.Entry{
		"serial 0": {{Serial: "", At: now}}, "no date": {{Serial: "01"}}, "twins": {{Serial: "01", At: now}, {Serial: "01", At: now}},
	} {
		if _, err := a.engine.SignCRL(t.Context(), a.listRequest(1, entries...)); err == nil {
			t.Error(about)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.engine.SignCRL(cancelled, a.listRequest(1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	a.store.keys["first"] = foreignKey{newKey(t, pki.ECDSAP256), a.intermediate.PublicKey}
	a.engine = newEngine(a)
	if der, err := a.engine.SignCRL(t.Context(), a.listRequest(1)); err == nil || der != nil {
		t.Error("signed with another key:", err)
	}
}

// A shard whose certificates are all revoked, each for a reason and at a date of the long form, makes a list of less than a
// megabyte, whatever signs it. Proves INC-41.
func TestAFullShardFitsItsList(t *testing.T) {
	t.Parallel()
	for _, kind := range []pki.KeyType{pki.ECDSAP256, pki.RSA2048} {
		a := newAuthority(t, kind)
		late := time.Date(2051, 1, 1, 0, 0, 0, 0, time.UTC)
		request := a.listRequest(1, fullShard(late)...)
		request.ThisUpdate, request.NextUpdate = late, late.Add(7*24*time.Hour)
		der, err := a.engine.SignCRL(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if len(der) > pki.MaxCRL || len(der) < pki.MaxCRL*9/10 {
			t.Errorf("%s: %d octets; want little less than %d", kind, len(der), pki.MaxCRL)
		}
	}
}

// fullShard returns the entries of a shard that is full.
func fullShard(at time.Time) []pki.Entry {
	entries := make([]pki.Entry, pki.ShardRoom)
	for i := range entries {
		var random [pki.SerialBytes]byte
		_, _ = rand.Read(random[:])
		entries[i] = pki.Entry{Serial: pki.NewSerial(random), At: at, Reason: pki.KeyCompromise}
	}
	return entries
}

// The list of a full shard: a million revoked certificates are 53 of these.
func BenchmarkFullList(b *testing.B) {
	a := newAuthority(b, pki.ECDSAP256)
	request := a.listRequest(1, fullShard(now)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.engine.SignCRL(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}
