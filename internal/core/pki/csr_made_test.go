package pki_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// opensslCSR makes a request with openssl: the lines of its configuration are given for the subject and the extensions.
func opensslCSR(t testing.TB, key crypto.PrivateKey, subject, extensions string, args ...string) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return opensslCSRWithKey(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), subject, extensions, args...)
}

func opensslCSRWithKey(t testing.TB, key []byte, subject, extensions string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	config := "[req]\nprompt=no\nstring_mask=utf8only\ndistinguished_name=dn\n"
	if extensions != "" {
		config += "req_extensions=ext\n"
	}
	config += "[dn]\n" + subject + "\n[ext]\n" + extensions + "\n[dir]\nO=Example\n"
	for name, content := range map[string][]byte{"key.pem": key, "req.cnf": []byte(config)} {
		if err := os.WriteFile(path(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if subject == "" {
		args = append(args, "-subj", "/")
	}
	args = append([]string{"req", "-new", "-key", path("key.pem"), "-config", path("req.cnf"), "-outform", "DER", "-out", path("csr.der")}, args...)
	if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	csr, err := os.ReadFile(path("csr.der"))
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

// made is a request that no honest tool makes. Its zero value asks for nothing and is signed properly.
type made struct {
	version    int64
	subject    []byte // content of the Name
	attributes []byte // content of [0]
	key        *ecdsa.PrivateKey
	signer     *ecdsa.PrivateKey // signs instead of key
}

// madeKey is one key for all requests made here.
var madeKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

func (m made) der(t testing.TB) []byte {
	t.Helper()
	if m.key == nil {
		m.key = madeKey()
	}
	if m.signer == nil {
		m.signer = m.key
	}
	spki, err := x509.MarshalPKIXPublicKey(m.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	info := build(t, func(b *cryptobyte.Builder) {
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(m.version)
			b.AddASN1(tags.SEQUENCE, raw(m.subject))
			b.AddBytes(spki)
			b.AddASN1(tags.Tag(0).ContextSpecific().Constructed(), raw(m.attributes))
		})
	})
	digest := sha256.Sum256(info)
	signature, err := ecdsa.SignASN1(rand.Reader, m.signer, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return build(t, func(b *cryptobyte.Builder) {
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(info)
			b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2})
			})
			b.AddASN1BitString(signature)
		})
	})
}

func build(t testing.TB, write func(*cryptobyte.Builder)) []byte {
	t.Helper()
	var b cryptobyte.Builder
	write(&b)
	der, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func raw(content []byte) func(*cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) { b.AddBytes(content) }
}

// element returns one DER element.
func element(t testing.TB, tag tags.Tag, content ...[]byte) []byte {
	t.Helper()
	return build(t, func(b *cryptobyte.Builder) { b.AddASN1(tag, raw(bytes.Join(content, nil))) })
}

// commonName returns a relative name with a common name in the string type of tag.
func commonName(t testing.TB, tag tags.Tag, text string) []byte {
	t.Helper()
	id := build(t, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{2, 5, 4, 3}) })
	return element(t, tags.SET, element(t, tags.SEQUENCE, id, element(t, tag, []byte(text))))
}

// extensionRequest returns the attribute that asks for extensions.
func extensionRequest(t testing.TB, extensions ...[]byte) []byte {
	t.Helper()
	id := build(t, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 14})
	})
	return element(t, tags.SEQUENCE, id, element(t, tags.SET, element(t, tags.SEQUENCE, extensions...)))
}

// extension returns one extension 2.5.29.N.
func extension(t testing.TB, n int, value []byte) []byte {
	t.Helper()
	id := build(t, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{2, 5, 29, n}) })
	return element(t, tags.SEQUENCE, id, element(t, tags.OCTET_STRING, value))
}

// altNames returns the attribute that asks for subject alternative names, given as tag and content.
func altNames(t testing.TB, names ...[]byte) []byte {
	t.Helper()
	return extensionRequest(t, extension(t, 17, element(t, tags.SEQUENCE, names...)))
}

func dnsName(t testing.TB, name string) []byte {
	t.Helper()
	return element(t, tags.Tag(2).ContextSpecific(), []byte(name))
}

func ipName(t testing.TB, octets ...byte) []byte {
	t.Helper()
	return element(t, tags.Tag(7).ContextSpecific(), octets)
}
