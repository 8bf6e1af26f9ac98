package ca_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// watch puts a watched key in place of the issuer's.
func (a *authority) watch() *watchedKey {
	key := &watchedKey{Signer: a.store.keys["first"]}
	a.store.keys["first"] = key
	return key
}

// The issuer's key signs at Sign and never before, and what it signs are the bytes that Prepare showed.
// Proves BR-16.
func TestPrepareDoesNotUseTheKey(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	key := a.watch()
	prepared, err := a.engine.Prepare(t.Context(), a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if n := key.signatures.Load(); n != 0 {
		t.Fatalf("Prepare made %d signatures", n)
	}
	tbs := prepared.TBS()
	der, err := prepared.Sign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(parse(t, der).RawTBSCertificate, tbs) {
		t.Error("other bytes were signed")
	}
	if n := key.signatures.Load(); n != 1 {
		t.Errorf("Sign made %d signatures", n)
	}
}

// However many sign at once, the key signs once and one of them has the certificate.
func TestSignOnce(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	key := a.watch()
	prepared, err := a.engine.Prepare(t.Context(), a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	certificates := 0
	for range 64 {
		group.Go(func() {
			der, err := prepared.Sign(t.Context())
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				certificates++
			} else if der != nil || !strings.Contains(err.Error(), "signed already") {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if certificates != 1 || key.signatures.Load() != 1 {
		t.Errorf("%d certificates, %d signatures, want one of each", certificates, key.signatures.Load())
	}
}

// Whoever holds the token cannot change what it signs.
// Proves INC-9.
func TestTokenCannotBeChanged(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	prepared, err := a.engine.Prepare(t.Context(), a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	shown := prepared.TBS()
	linted := bytes.Clone(shown)
	for i := range shown {
		shown[i] ^= 0xff
	}
	der, err := prepared.Sign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(parse(t, der).RawTBSCertificate, linted) {
		t.Error("the caller changed the bytes")
	}
}

// A cancelled request costs nothing; a key that failed may have signed, so the token is spent.
func TestSignFailures(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	key := a.watch()
	prepare := func() pki.Prepared {
		prepared, err := a.engine.Prepare(t.Context(), a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com"))
		if err != nil {
			t.Fatal(err)
		}
		return prepared
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	prepared := prepare()
	if _, err := prepared.Sign(cancelled); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := prepared.Sign(t.Context()); err != nil {
		t.Error("after a cancelled attempt:", err)
	}

	prepared = prepare()
	key.fail = errors.New("the module is gone")
	if _, err := prepared.Sign(t.Context()); !errors.Is(err, key.fail) || !fault.Is(err, fault.Internal) {
		t.Error(err)
	}
	key.fail = nil
	if _, err := prepared.Sign(t.Context()); err == nil || !strings.Contains(err.Error(), "signed already") {
		t.Error(err)
	}
}

// A signature that does not verify under the issuer's certificate never leaves.
// Proves CE-05.
func TestSignVerifies(t *testing.T) {
	t.Parallel()
	for _, kind := range []pki.KeyType{pki.ECDSAP256, pki.RSA2048} {
		a := newAuthority(t, kind)
		a.store.keys["first"] = foreignKey{newKey(t, kind), a.intermediate.PublicKey}
		prepared, err := a.engine.Prepare(t.Context(), a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com"))
		if err != nil {
			t.Fatal(err)
		}
		if der, err := prepared.Sign(t.Context()); err == nil || der != nil || !strings.Contains(err.Error(), "verify the signed certificate") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// What lint refuses yields no token. The requester learns the reason where another request would help, and the log
// where only the operator can.
// Proves BR-16.
func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	key := a.watch()
	for rule, c := range map[string]struct {
		kind   fault.Kind
		change func(*pki.Request)
	}{
		"leaf-within-issuer": {fault.Internal, func(r *pki.Request) { r.NotBefore, r.NotAfter = now.Add(-2*time.Hour), now }},
		"leaf-lifetime":      {fault.Internal, func(r *pki.Request) { r.NotAfter = r.NotAfter.Add(time.Second) }},
		"leaf-key-type":      {fault.BadCSR, func(r *pki.Request) { r.Spec.Keys = []pki.KeyType{pki.RSA} }},
		"leaf-serial-size":   {fault.Internal, func(r *pki.Request) { r.Serial = "4a0b" }},
		"leaf-crl":           {fault.Internal, func(r *pki.Request) { r.Issuer.Shard.URL = "" }},
		"leaf-names":         {fault.Internal, func(r *pki.Request) { r.Names = append(r.Names, r.Names[0]) }},
		"leaf-san":           {fault.Internal, func(r *pki.Request) { r.Names = nil }},
	} {
		request := a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com")
		c.change(&request)
		prepared, err := a.engine.Prepare(t.Context(), request)
		if prepared != nil || !fault.Is(err, c.kind) || !strings.Contains(err.Error(), rule+": ") {
			t.Errorf("%s: %v", rule, err)
		}
		if told := strings.Contains(fault.Sentence(err), "("+rule+")"); told != (c.kind != fault.Internal) {
			t.Errorf("%s: the requester is told %q", rule, fault.Sentence(err))
		}
	}
	request := a.request(t, nil, "a.example.com")
	if _, err := a.engine.Prepare(t.Context(), request); err == nil {
		t.Error("a certificate without a key")
	}
	request = a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com")
	request.Serial = ""
	if _, err := a.engine.Prepare(t.Context(), request); err == nil {
		t.Error("a certificate without a serial number")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.engine.Prepare(cancelled, request); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := key.signatures.Load(); n != 0 {
		t.Errorf("the key made %d signatures", n)
	}
}

// Further sources of lint see the certificate after our own rules, whose findings they cannot take away.
// Proves BR-16.
func TestLintSources(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	var seen []string
	a.engine = ca.New(a.store, func(c, issuer *x509.Certificate, r pki.Request) []lint.Finding {
		seen = append(seen, c.DNSNames...)
		if !issuer.Equal(a.intermediate) || r.Serial != pki.SerialOf(c.SerialNumber) {
			t.Error("another issuer or request")
		}
		if c.DNSNames[0] == "bad.example.com" {
			return []lint.Finding{{Rule: "other-rule", Text: "the name is bad", Kind: fault.RejectedIdentifier}}
		}
		return nil
	})
	if _, err := a.engine.Prepare(t.Context(), a.request(t, newKey(t, pki.ECDSAP256).Public(), "a.example.com")); err != nil {
		t.Error(err)
	}
	_, err := a.engine.Prepare(t.Context(), a.request(t, newKey(t, pki.ECDSAP256).Public(), "bad.example.com"))
	if want := "The certificate would break a rule (other-rule): the name is bad. Nothing was issued."; fault.Sentence(err) != want {
		t.Errorf("%v, want %q", err, want)
	}
	request := a.request(t, newKey(t, pki.ECDSAP256).Public(), "b.example.com")
	request.Serial = "4a0b"
	if _, err = a.engine.Prepare(t.Context(), request); err == nil || !strings.Contains(err.Error(), "leaf-serial-size") {
		t.Error(err)
	}
	request = a.request(t, newKey(t, pki.ECDSAP256).Public(), "bad.example.com")
	request.Serial = "4a0b"
	if _, err = a.engine.Prepare(t.Context(), request); !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), "other-rule") {
		t.Error("what only the operator can mend hides the rest:", err)
	}
	if got := strings.Join(seen, " "); got != "a.example.com bad.example.com b.example.com bad.example.com" {
		t.Errorf("the source saw %s", got)
	}
}

// Name constraints of an issuer bind us before crypto/x509 would look (INCIDENTS 93).
// Proves INC-93.
func TestPrepareKeepsNameConstraints(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, pki.ECDSAP256)
	key := a.store.keys["first"]
	template, err := caRequest(key.Public(), "Constrained").Root()
	if err != nil {
		t.Fatal(err)
	}
	template.PermittedDNSDomains, template.ExcludedDNSDomains = []string{"example.com"}, []string{"Secret.example.com"}
	template.PermittedDNSDomainsCritical = true
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a.issuer = issuerOf("first", "", parse(t, der))
	for name, permitted := range map[string]bool{
		"a.example.com": true, "example.org": false, "secret.example.com": false, "a.secret.example.com": false, "*.example.com": false,
	} {
		_, err := a.engine.Prepare(t.Context(), a.request(t, newKey(t, pki.ECDSAP256).Public(), name))
		if permitted != (err == nil) || err != nil && (!fault.Is(err, fault.RejectedIdentifier) || !strings.Contains(fault.Sentence(err), "leaf-name-constraints")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
