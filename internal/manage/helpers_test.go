package manage_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca"
	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/id"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
)

const (
	day       = 24 * time.Hour
	publicURL = "http://pki.example.test"
	operator  = manage.Actor("admin:alice")
)

// start is when the tests begin.
var start = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// installation is the use cases on the real engines, in a folder of its own, under a clock that the test moves.
type installation struct {
	*manage.Service
	db     *sqlite.DB
	ring   *keyring.Keyring
	sealer *keyring.Sealer
	engine *ca.Engine
	folder string
	now    time.Time
	ticks  atomic.Int64
}

// newInstallation returns an installation that is not set up.
func newInstallation(t *testing.T) *installation {
	t.Helper()
	i := &installation{folder: t.TempDir(), now: start}
	var err error
	if i.db, err = sqlite.Open(t.Context(), i.database(), sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.db.Close(); err != nil {
			t.Error(err)
		}
	})
	if i.ring, err = keyring.Open(filepath.Join(i.folder, "keys"), keyring.Options{}); err != nil {
		t.Fatal(err)
	}
	if i.sealer, err = i.ring.Sealer(); err != nil {
		t.Fatal(err)
	}
	i.engine = ca.New(i.ring)
	i.Service = i.on(i.db)
	return i
}

// newReady returns an installation that is set up.
func newReady(t *testing.T) *installation {
	t.Helper()
	i := newInstallation(t)
	i.bootstrap(t, manage.Setup{PublicURL: publicURL})
	return i
}

func (i *installation) database() string { return filepath.Join(i.folder, "everleaf.db") }

// on returns the use cases on another store, and on everything else of the installation.
func (i *installation) on(store manage.Store) *manage.Service {
	engines := manage.Engines{Store: store, Keys: ring{i.ring}, Maker: maker{}, Sealer: i.sealer}
	return manage.New(engines, manage.Options{Now: i.tick})
}

// tick returns a time within the second of now, a millisecond after the tick before: what comes later sorts later.
func (i *installation) tick() time.Time {
	return i.now.Add(time.Duration(i.ticks.Add(1)%1000) * time.Millisecond)
}

func (i *installation) bootstrap(t *testing.T, setup manage.Setup) manage.Result {
	t.Helper()
	result, err := i.Bootstrap(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// ring is the keyring in the words of the core.
type ring struct{ *keyring.Keyring }

func (ring) Parse(text, passphrase []byte) (crypto.Signer, error) {
	return keyring.ParsePrivateKey(text, passphrase)
}

// maker is the part of the engine that makes CA certificates.
type maker struct{}

func (maker) SignRoot(_ context.Context, r pki.CARequest, key crypto.Signer) ([]byte, error) {
	return ca.NewRoot(r, key)
}

func (maker) SignIntermediate(_ context.Context, r pki.CARequest, parent pki.Issuer, key crypto.Signer) ([]byte, error) {
	certificate, err := parent.Parse()
	if err != nil {
		return nil, err
	}
	return ca.NewIntermediate(r, certificate, key)
}

// issuers returns the issuers of a name, newest first; "" for all.
func (i *installation) issuers(t *testing.T, name string) []pki.Issuer {
	t.Helper()
	all, err := i.db.Issuers(t.Context())
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
	if request.NotBefore, request.NotAfter, err = pki.Window(profile.Spec, time.Time{}, time.Time{}, issuer.Issuer, i.now); err != nil {
		t.Fatal(err)
	}
	return i.record(t, request, profile.Profile)
}

// record drives a request through intent and signature into the store.
func (i *installation) record(t *testing.T, request pki.Request, profile pki.Profile) pki.Certificate {
	t.Helper()
	prepared, err := i.engine.Prepare(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(request.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	c := pki.Certificate{
		ID: i.newID(), Organisation: profile.Organisation, Profile: profile.ID, ProfileName: profile.Name,
		Issuer: request.Issuer.ID, Serial: request.Serial, Names: request.Names,
		NotBefore: request.NotBefore, NotAfter: request.NotAfter, KeyHash: pki.HashKey(spki), Shard: request.Issuer.Shard.Number,
	}
	if err := i.db.BeginIssuance(t.Context(), pki.Intent{Certificate: c, TBS: prepared.TBS(), Begun: i.now}); err != nil {
		t.Fatal(err)
	}
	if c.DER, err = prepared.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := i.db.CompleteIssuance(t.Context(), c.ID, c.DER, i.now, i.event(event.CertificateIssued, c.ID)); err != nil {
		t.Fatal(err)
	}
	return c
}

func (i *installation) event(action event.Action, object string) event.Event {
	return event.Event{ID: i.newID(), At: i.now, Actor: "system", Action: action, Object: object}
}

func (i *installation) newID() string {
	var random [id.RandomBytes]byte
	_, _ = rand.Read(random[:])
	return id.New(i.now, random)
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
