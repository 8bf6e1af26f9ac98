package issue_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// secondRoot makes an issuer "old-root" from the root of another installation.
func (h *house) secondRoot() *x509.Certificate {
	h.t.Helper()
	other := newHouse(h.t)
	root, err := other.manage.Issuer(h.t.Context(), manage.Root)
	check(h.t, err)
	key, err := other.Keys.Load(root.Key)
	check(h.t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(h.t, err)
	_, err = h.manage.ImportIssuer(h.t.Context(), "test", "", manage.Import{
		Name: "old-root", Chain: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}),
		Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	})
	check(h.t, err)
	certificate, err := root.Parse()
	check(h.t, err)
	return certificate
}

// Whoever trusts only the CA that signed a cross-certificate is offered a chain to it, whether it is of the issuer or of
// the root above it; openssl agrees, strictly. Two CAs that vouch for each other make no circle.
func TestCrossCertificatesAreAlternates(t *testing.T) {
	for _, crossed := range []string{manage.Default, manage.Root} {
		t.Run(crossed, func(t *testing.T) {
			h := newHouse(t)
			old := h.secondRoot()
			_, err := h.manage.CrossSign(t.Context(), "test", crossed, manage.Cross{By: "old-root"})
			check(t, err)
			if crossed == manage.Root {
				_, err = h.manage.CrossSign(t.Context(), "test", "old-root", manage.Cross{By: manage.Root, Name: "back"})
				check(t, err)
			}
			d := h.issued(h.requester(), newKey(t), "a.example.com")
			if len(d.Chains) != 3 {
				t.Fatalf("%d chains", len(d.Chains))
			}
			verifiesWith(t, d.Chains[1], old)
			root, err := x509.ParseCertificate(d.Chains[2][len(d.Chains[2])-1])
			check(t, err)
			verifiesWith(t, d.Chains[0], root)
		})
	}
}

// verifiesWith asks crypto/x509 and openssl whether a chain leads to the root.
func verifiesWith(t *testing.T, chain [][]byte, root *x509.Certificate) {
	t.Helper()
	folder := t.TempDir()
	var above []byte
	for _, der := range chain[1:] {
		above = append(above, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	files := map[string][]byte{
		"root.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), "above.pem": above,
		"leaf.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[0]}),
	}
	for name, text := range files {
		check(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
	}
	command := exec.CommandContext(t.Context(), "openssl", "verify", "-x509_strict", "-purpose", "sslserver",
		"-CAfile", "root.pem", "-untrusted", "above.pem", "leaf.pem")
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("openssl: %s", out)
	}
}

// While issuers give way to the next, no order fails, each certificate is of the issuer that was in service, and every
// chain verifies. Open orders go on with the new issuer.
func TestIssuersChangeUnderLoad(t *testing.T) {
	h := newHouse(t)
	const workers, each, changes = 3, 6, 5
	var wait sync.WaitGroup
	made := make(chan issue.Download, workers*each)
	for worker := range workers {
		r := h.requester()
		wait.Go(func() {
			for n := range each {
				made <- h.issued(r, newKey(t), fmt.Sprintf("w%d-%d.example.com", worker, n))
			}
		})
	}
	wait.Go(func() {
		for range changes {
			_, err := h.manage.NextIssuer(context.Background(), "test", manage.Default, manage.ParentKey{})
			check(t, err)
		}
	})
	wait.Wait()
	close(made)
	issuers := map[string]bool{}
	for d := range made {
		verifyChains(t, d, d.Certificate.Names[0].Value(), h.Clock.Now())
		issuers[d.Certificate.Issuer] = true
	}
	last := h.issued(h.requester(), newKey(t), "last.example.com")
	issuers[last.Certificate.Issuer] = true
	newest, err := h.manage.Issuer(t.Context(), manage.Default)
	check(t, err)
	if len(issuers) < 2 || last.Certificate.Issuer != newest.ID {
		t.Errorf("%d issuers signed; the last certificate is of %s, in service is %s", len(issuers), last.Certificate.Issuer, newest.ID)
	}
}

// Names that the issuer's certificate does not permit are refused with the order, each with its reason.
// Proves INC-93.
func TestAnIssuerRefusesNamesWithTheOrder(t *testing.T) {
	h := newHouse(t)
	_, err := h.manage.CreateIssuer(t.Context(), "test", manage.NewIssuer{
		Name: "shops", Parent: manage.Root,
		Constraints: pki.Constraints{PermittedNames: []string{"example.com"}, ExcludedNames: []string{"evil.example.com"}},
	})
	check(t, err)
	h.setProfile(func(s *pki.Spec) { s.Issuer = "shops" })
	r := h.requester()
	for name, permitted := range map[string]bool{
		"a.example.com": true, "A.Example.COM": true, "evil.example.com": false, "x.EVIL.example.com": false, "*.evil.example.com": false,
		"*.example.com": false, "badexample.com": false, "example.org": false,
	} {
		_, err := h.issue.NewOrder(t.Context(), r, dns(name))
		if permitted != (err == nil) || err != nil && !fault.Is(err, fault.RejectedIdentifier) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = h.issue.NewOrder(t.Context(), r, issue.NewOrder{Names: []issue.Name{{Type: "ip", Value: "192.0.2.7"}}})
	wantKind(t, err, fault.RejectedIdentifier)
	h.issued(r, newKey(t), "a.example.com", "b.a.example.com")
}
