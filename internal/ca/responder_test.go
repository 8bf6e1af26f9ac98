package ca_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ocsp"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func (a *authority) responderRequest() pki.ResponderRequest {
	return pki.ResponderRequest{
		Issuer: a.issuer, Serial: newSerial(), NotBefore: now.Add(time.Hour), NotAfter: now.Add(14 * 24 * time.Hour),
	}
}

// respond gives the issuer a responder.
func (a *authority) respond(t testing.TB) *x509.Certificate {
	t.Helper()
	key, prepared, err := a.engine.PrepareResponder(t.Context(), a.responderRequest())
	if err != nil {
		t.Fatal(err)
	}
	der, err := prepared.Sign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.engine.UseResponder(a.issuer, key, der); err != nil {
		t.Fatal(err)
	}
	return parse(t, der)
}

func (a *authority) answer(t testing.TB, serial pki.Serial) ocsp.Answer {
	t.Helper()
	der, err := xocsp.CreateRequest(&x509.Certificate{SerialNumber: serial.Int()}, a.intermediate, &xocsp.RequestOptions{Hash: crypto.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	id, err := ocsp.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return ocsp.Answer{ID: id, ThisUpdate: now.Add(time.Hour), NextUpdate: now.Add(97 * time.Hour)}
}

// A certificate of its own signs the replies: it can do nothing else, and nobody asks for its status. Proves BR-19.
func TestRepliesAreSignedByADelegate(t *testing.T) {
	t.Parallel()
	for _, kind := range []pki.KeyType{pki.ECDSAP256, pki.ECDSAP384, pki.RSA2048} {
		a := newAuthority(t, kind)
		certificate := a.respond(t)
		if err := certificate.CheckSignatureFrom(a.intermediate); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		noCheck := false
		for _, e := range certificate.Extensions {
			noCheck = noCheck || e.Id.Equal(pki.NoCheck().Id) && !e.Critical && bytes.Equal(e.Value, []byte{5, 0})
		}
		if certificate.IsCA || certificate.KeyUsage != x509.KeyUsageDigitalSignature || !noCheck || len(certificate.ExtKeyUsage) != 1 ||
			certificate.ExtKeyUsage[0] != x509.ExtKeyUsageOCSPSigning || len(certificate.CRLDistributionPoints)+len(certificate.OCSPServer) > 0 {
			t.Errorf("%s: %+v", kind, certificate)
		}
		if until := a.engine.ResponderUntil(a.issuer.ID, now.Add(time.Hour)); !until.Equal(certificate.NotAfter) {
			t.Errorf("%s: it ends at %s", kind, until)
		}
		answer := a.answer(t, newSerial())
		answer.Revoked, answer.Reason = now, pki.Superseded
		der, err := a.engine.SignOCSP(t.Context(), a.issuer, answer)
		if err != nil {
			t.Fatal(err)
		}
		said, err := xocsp.ParseResponse(der, a.intermediate)
		if err != nil || !said.Certificate.Equal(certificate) || said.Status != xocsp.Revoked {
			t.Errorf("%s: %+v %v", kind, said, err)
		}
		if _, err := xocsp.ParseResponse(der, a.root); err == nil {
			t.Errorf("%s: another CA's reply is believed", kind)
		}
	}
}

// No reply is valid longer than the certificate that signed it, and none is signed without one.
func TestSignOCSPRefuses(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	answer := a.answer(t, newSerial())
	wantUnavailable := func(about string, answer ocsp.Answer) {
		t.Helper()
		if _, err := a.engine.SignOCSP(t.Context(), a.issuer, answer); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", about, err)
		}
	}
	wantUnavailable("without a responder", answer)
	answer.NextUpdate = a.respond(t).NotAfter
	if _, err := a.engine.SignOCSP(t.Context(), a.issuer, answer); err != nil {
		t.Error(err)
	}
	answer.NextUpdate = answer.NextUpdate.Add(time.Second)
	wantUnavailable("longer than the responder's certificate", answer)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.engine.SignOCSP(ended, a.issuer, a.answer(t, newSerial())); err == nil {
		t.Error("it signs for nobody")
	}
}

func TestUseResponderRefuses(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	key, prepared, err := a.engine.PrepareResponder(t.Context(), a.responderRequest())
	if err != nil {
		t.Fatal(err)
	}
	der, err := prepared.Sign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := newKey(t, pki.RSA2048)
	mixed, err := x509.CreateCertificate(nil, parse(t, der), a.intermediate, other.Public(), a.store.keys["first"])
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"another type":   a.engine.UseResponder(a.issuer, other, mixed),
		"another key":    a.engine.UseResponder(a.issuer, newKey(t, pki.ECDSAP256), der),
		"no certificate": a.engine.UseResponder(a.issuer, key, der[1:]),
	} {
		if err == nil {
			t.Errorf("%s is used", name)
		}
	}
	late := a.responderRequest()
	late.NotAfter = a.issuer.NotAfter.Add(time.Second)
	if _, _, err := a.engine.PrepareResponder(t.Context(), late); err == nil {
		t.Error("it may outlive its issuer")
	}
	late.Issuer.Key = ""
	if _, _, err := a.engine.PrepareResponder(t.Context(), late); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without the issuer's key: %v", err)
	}
}

// The signature of one reply, with the check of it.
func BenchmarkSignOCSP(b *testing.B) {
	a := newAuthority(b, pki.ECDSAP256)
	a.respond(b)
	answer := a.answer(b, newSerial())
	for b.Loop() {
		if _, err := a.engine.SignOCSP(b.Context(), a.issuer, answer); err != nil {
			b.Fatal(err)
		}
	}
}
