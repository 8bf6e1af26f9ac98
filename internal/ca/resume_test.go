package ca_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// intent prepares a request and records it, as the pipeline does before it signs.
func (a *authority) intent(t testing.TB, request pki.Request) pki.Intent {
	t.Helper()
	prepared, err := a.engine.Prepare(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := request.Template()
	if err != nil {
		t.Fatal(err)
	}
	intent := pki.Intent{TBS: prepared.TBS(), Begun: now, Certificate: pki.Certificate{
		ID: "intent", Issuer: request.Issuer.ID, Serial: request.Serial, Names: request.Names,
		NotBefore: request.NotBefore, NotAfter: request.NotAfter, KeyHash: hashOf(t, request),
	}}
	if len(certificate.CRLDistributionPoints) > 0 {
		intent.Shard = request.Issuer.Shard.Number
	}
	return intent
}

func hashOf(t testing.TB, request pki.Request) pki.KeyHash {
	t.Helper()
	return pki.HashKey(marshalKey(t, request.PublicKey))
}

// A recorded intent is finished with exactly the recorded bytes, after a restart and under every issuer's algorithm.
func TestResume(t *testing.T) {
	t.Parallel()
	for _, kind := range []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA2048} {
		a := newAuthority(t, kind)
		request := a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com", "192.0.2.7")
		intent := a.intent(t, request)
		key := a.watch()
		restarted := newEngine(a)
		prepared, err := restarted.Resume(t.Context(), request.Issuer, request.Spec, intent)
		if err != nil {
			t.Fatal(err)
		}
		if n := key.signatures.Load(); n != 0 {
			t.Errorf("%s: Resume made %d signatures", kind, n)
		}
		der, err := prepared.Sign(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(parse(t, der).RawTBSCertificate, intent.TBS) || !bytes.Equal(prepared.TBS(), intent.TBS) {
			t.Errorf("%s: other bytes were signed", kind)
		}
	}
}

// Whether the signature of a lost token was made is not known: signing the record once more gives the same
// certificate, so a serial number never has two.
func TestSignedAgainIsTheSameCertificate(t *testing.T) {
	t.Parallel()
	for _, kind := range []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA2048} {
		a := newAuthority(t, kind)
		request := a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com")
		prepared, err := a.engine.Prepare(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		intent := a.intent(t, request)
		intent.TBS = prepared.TBS()
		first, err := prepared.Sign(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		resumed, err := newEngine(a).Resume(t.Context(), request.Issuer, request.Spec, intent)
		if err != nil {
			t.Fatal(err)
		}
		again, err := resumed.Sign(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Errorf("%s: two certificates with one serial number", kind)
		}
	}
}

// Settings that changed after the record do not stand in its way.
func TestResumeAfterChanges(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	request := a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com")
	request.IssuerURL = "http://before.test/issuer/first.cer"
	intent := a.intent(t, request)
	moved := request.Issuer
	moved.Shard = pki.Shard{Number: 2, URL: pki.ShardURL("http://ca.test", "first", 2)}
	if _, err := a.engine.Resume(t.Context(), moved, request.Spec, intent); err != nil {
		t.Error("another shard is open:", err)
	}
	request.IssuerURL = ""
	if _, err := a.engine.Resume(t.Context(), request.Issuer, request.Spec, a.intent(t, request)); err != nil {
		t.Error("no issuer URL:", err)
	}
	request.Spec = pki.ShortLivedSpec("first")
	request.NotAfter = request.NotBefore.Add(160*time.Hour - time.Second)
	if _, err := a.engine.Resume(t.Context(), request.Issuer, request.Spec, a.intent(t, request)); err != nil {
		t.Error("no revocation list:", err)
	}
}

// A record whose parts do not belong together is not signed.
// Proves INC-9.
func TestResumeRefuses(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	request := a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com")
	other := a.intent(t, a.request(t, newKey(t, pki.ECDSAP256).Public(), "b.example.com"))
	for about, c := range map[string]struct {
		change func(*pki.Intent)
		want   string
	}{
		"no bytes":    {func(i *pki.Intent) { i.TBS = nil }, "no TBSCertificate"},
		"cut bytes":   {func(i *pki.Intent) { i.TBS = i.TBS[:len(i.TBS)-1] }, "no TBSCertificate"},
		"garbage":     {func(i *pki.Intent) { i.TBS = []byte{0x30, 5, 2, 1, 1, 0x30, 0} }, "parse"},
		"other bytes": {func(i *pki.Intent) { i.TBS = other.TBS }, "another key"},
		"CA": {func(i *pki.Intent) {
			i.TBS, i.KeyHash = a.intermediate.RawTBSCertificate, pki.HashKey(a.intermediate.RawSubjectPublicKeyInfo)
		}, "lint refuses"},
		"another name":   {func(i *pki.Intent) { i.Names = other.Names }, "leaf-names: "},
		"another serial": {func(i *pki.Intent) { i.Serial = other.Serial }, "leaf-serial: "},
		"another end":    {func(i *pki.Intent) { i.NotAfter = i.NotAfter.Add(-time.Second) }, "leaf-validity: "},
		"another key":    {func(i *pki.Intent) { i.KeyHash = other.KeyHash }, "another key"},
	} {
		intent := a.intent(t, request)
		c.change(&intent)
		prepared, err := a.engine.Resume(t.Context(), request.Issuer, request.Spec, intent)
		if prepared != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", about, err, c.want)
		}
	}
	intent := a.intent(t, request)
	if _, err := a.engine.Resume(t.Context(), a.rootIssuer, request.Spec, intent); err == nil || !strings.Contains(err.Error(), "leaf-issuer") {
		t.Error("under another issuer:", err)
	}
	absent := request.Issuer
	absent.Key = ""
	if _, err := a.engine.Resume(t.Context(), absent, request.Spec, intent); !fault.Is(err, fault.Unavailable) {
		t.Error("without the key:", err)
	}
	wrongURL := request.Issuer
	wrongURL.Shard.URL = "http://other.test/1.crl"
	if _, err := a.engine.Resume(t.Context(), wrongURL, request.Spec, intent); err == nil || !strings.Contains(err.Error(), "leaf-crl") {
		t.Error("the shard of the same number has another URL:", err)
	}
}
