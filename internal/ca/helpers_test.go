package ca_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// keyStore is a key store in memory that counts how often keys are loaded.
type keyStore struct {
	keys  map[string]crypto.Signer
	loads atomic.Int64
}

func (s *keyStore) Load(name string) (crypto.Signer, error) {
	s.loads.Add(1)
	key, ok := s.keys[name]
	if !ok {
		return nil, fmt.Errorf("no key %q", name)
	}
	return key, nil
}

// watchedKey counts what it signs, and can be told to fail.
type watchedKey struct {
	crypto.Signer
	signatures atomic.Int64
	fail       error
}

func (k *watchedKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.signatures.Add(1)
	if k.fail != nil {
		return nil, k.fail
	}
	return k.Signer.Sign(random, digest, opts)
}

// foreignKey has the public key of one and signs with another.
type foreignKey struct {
	crypto.Signer
	public crypto.PublicKey
}

func (k foreignKey) Public() crypto.PublicKey { return k.public }

// authority is a root and an intermediate of one key type, and an engine that can sign with both.
type authority struct {
	engine       *ca.Engine
	store        *keyStore
	root         *x509.Certificate
	rootIssuer   pki.Issuer
	intermediate *x509.Certificate
	issuer       pki.Issuer
}

func newAuthority(t testing.TB, keys pki.KeyType) *authority {
	t.Helper()
	rootKey, key := newKeyAt(t, keys, 0), newKeyAt(t, keys, 1)
	a := &authority{store: &keyStore{keys: map[string]crypto.Signer{"root": rootKey, "first": key}}}
	a.engine = ca.New(a.store)

	der, err := a.engine.SignRoot(t.Context(), caRequest(rootKey.Public(), "Everleaf Root 4f3a"), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	a.root = parse(t, der)
	a.rootIssuer = issuerOf("root", "", a.root)

	request := caRequest(key.Public(), "Everleaf Issuer 91c2")
	request.NotAfter = request.NotBefore.Add(5*365*24*time.Hour - time.Second)
	request.Usages = []pki.Usage{pki.ServerAuth, pki.ClientAuth}
	request.CRLURL = a.rootIssuer.Shard.URL
	request.IssuerURL = pki.IssuerURL("http://ca.test", "root")
	if der, err = a.engine.SignIntermediate(t.Context(), request, a.rootIssuer, rootKey); err != nil {
		t.Fatal(err)
	}
	a.intermediate = parse(t, der)
	a.issuer = issuerOf("first", "root", a.intermediate)
	return a
}

func caRequest(public crypto.PublicKey, name string) pki.CARequest {
	notBefore, notAfter := pki.CAWindow(now, 10*365*24*time.Hour, time.Hour, time.Time{}, time.Time{})
	return pki.CARequest{
		CommonName: name, Organisation: "Grüne Gärten GmbH", PublicKey: public,
		Serial: newSerial(), NotBefore: notBefore, NotAfter: notAfter,
	}
}

func issuerOf(id, parent string, c *x509.Certificate) pki.Issuer {
	return pki.Issuer{
		ID: id, Name: id, Parent: parent, Certificate: c.Raw, Key: id, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		Shard: pki.Shard{Number: 1, URL: pki.ShardURL("http://ca.test", id, 1)},
	}
}

// request asks for a certificate of the default profile.
func (a *authority) request(t testing.TB, public crypto.PublicKey, names ...string) pki.Request {
	t.Helper()
	spec := pki.DefaultSpec("first")
	notBefore, notAfter, err := pki.Window(spec, time.Time{}, time.Time{}, a.issuer, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return pki.Request{
		Issuer: a.issuer, Spec: spec, Names: identifiers(t, names...), PublicKey: public, Serial: newSerial(),
		NotBefore: notBefore, NotAfter: notAfter, IssuerURL: pki.IssuerURL("http://ca.test", "first"),
	}
}

func identifiers(t testing.TB, names ...string) []ident.Identifier {
	t.Helper()
	var list []ident.Identifier
	for _, name := range names {
		id, err := ident.ParseIP(name)
		if err != nil {
			id, err = ident.ParseDNS(name)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, id)
	}
	return list
}

// issue runs a request through to the signed certificate.
func (a *authority) issue(t testing.TB, request pki.Request) *x509.Certificate {
	t.Helper()
	prepared, err := a.engine.Prepare(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	der, err := prepared.Sign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, der)
}

// newEngine returns an engine that has loaded nothing yet.
func newEngine(a *authority) *ca.Engine { return ca.New(a.store) }

func marshalKey(t testing.TB, public crypto.PublicKey) []byte {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return spki
}

func newSerial() pki.Serial {
	var random [pki.SerialBytes]byte
	_, _ = rand.Read(random[:])
	return pki.NewSerial(random)
}

// newKey returns a key that is not one of an authority. RSA keys take long to make, so there is one of each size.
func newKey(t testing.TB, kind pki.KeyType) crypto.Signer {
	t.Helper()
	return newKeyAt(t, kind, 2)
}

// newKeyAt returns a new key, and for RSA the key of that size in a slot.
func newKeyAt(t testing.TB, kind pki.KeyType, slot int) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case pki.ECDSAP256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case pki.ECDSAP384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case pki.RSA2048:
		key = rsa2048[slot]()
	case pki.RSA3072:
		key = rsa3072()
	case pki.Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		t.Fatalf("no key of type %q", kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var (
	rsa2048 = [...]func() crypto.Signer{rsaKey(2048), rsaKey(2048), rsaKey(2048)}
	rsa3072 = rsaKey(3072)
)

func rsaKey(bits int) func() crypto.Signer {
	return sync.OnceValue(func() crypto.Signer {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return key
	})
}

func parse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// pemFile writes one PEM block into a new file and returns its path.
func pemFile(t testing.TB, label string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "block.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openssl runs openssl and returns what it says.
func openssl(t testing.TB, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	return string(out), err
}

func mustOpenSSL(t testing.TB, args ...string) string {
	t.Helper()
	out, err := openssl(t, args...)
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return out
}
