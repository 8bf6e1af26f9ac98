package manage_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/test/catest"
)

const (
	day       = 24 * time.Hour
	publicURL = "http://pki.example.test"
	operator  = manage.Actor("admin:alice")
)

// start is when the tests begin.
var start = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// installation is the use cases on an installation, under a clock that the test moves.
type installation struct {
	*manage.Service
	*catest.Installation
}

// newInstallation returns an installation that is not set up.
func newInstallation(t *testing.T) *installation {
	t.Helper()
	i := &installation{Installation: catest.Open(t, start)}
	i.Service = i.on(i.Store)
	return i
}

// newReady returns an installation that is set up.
func newReady(t *testing.T) *installation {
	t.Helper()
	i := newInstallation(t)
	i.bootstrap(t, manage.Setup{PublicURL: publicURL})
	return i
}

// on returns the use cases on another store, and on everything else of the installation.
func (i *installation) on(store manage.Store) *manage.Service { return i.Manage(store) }

func (i *installation) bootstrap(t *testing.T, setup manage.Setup) manage.Result {
	t.Helper()
	result, err := i.Bootstrap(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// issuers returns the issuers of a name, newest first; "" for all.
func (i *installation) issuers(t *testing.T, name string) []pki.Issuer {
	t.Helper()
	all, err := i.Store.Issuers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var named []pki.Issuer
	for _, issuer := range all {
		if name == "" || issuer.Name == name {
			named = append(named, issuer)
		}
	}
	return named
}

// issue records a certificate of the profile "default" for the names, signed by the issuer in service.
func (i *installation) issue(t *testing.T, names ...string) pki.Certificate {
	t.Helper()
	return i.beginFor(t, "", names...)()
}

// issueFor is issue for an account.
func (i *installation) issueFor(t *testing.T, account string, names ...string) pki.Certificate {
	t.Helper()
	return i.beginFor(t, account, names...)()
}

// beginFor is issueFor up to the intent; what it returns does the rest.
func (i *installation) beginFor(t *testing.T, account string, names ...string) (complete func() pki.Certificate) {
	t.Helper()
	issuer, err := i.Issuer(t.Context(), manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := i.Profile(t.Context(), "", manage.Default)
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	var serial [pki.SerialBytes]byte
	_, _ = rand.Read(serial[:])
	request := pki.Request{
		Issuer: issuer.Issuer, Spec: profile.Spec, PublicKey: key.Public(), Serial: pki.NewSerial(serial),
		IssuerURL: pki.IssuerURL(publicURL, issuer.ID),
	}
	for _, name := range names {
		request.Names = append(request.Names, mustDNS(t, name))
	}
	if request.NotBefore, request.NotAfter, err = pki.Window(profile.Spec, time.Time{}, time.Time{}, issuer.Issuer, i.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	return i.Begin(t, request, pki.Certificate{
		Organisation: profile.Organisation, Account: account, Profile: profile.ID, ProfileName: profile.Name,
	})
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustDNS(t *testing.T, name string) ident.Identifier {
	t.Helper()
	identifier, err := ident.ParseDNS(name)
	if err != nil {
		t.Fatal(err)
	}
	return identifier
}

func parse(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// expect fails the test unless err has the kind and its public sentence holds the part.
func expect(t *testing.T, err error, kind fault.Kind, part string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("no error; want %q with %q", kind, part)
	case fault.KindOf(err) != kind:
		t.Errorf("error of kind %q (%v); want %q", fault.KindOf(err), err, kind)
	case !strings.Contains(fault.Sentence(err), part):
		t.Errorf("sentence %q does not hold %q", fault.Sentence(err), part)
	}
}

func certificatePEM(der ...[]byte) []byte {
	var text []byte
	for _, d := range der {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d})...)
	}
	return text
}

func keyPEM(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
