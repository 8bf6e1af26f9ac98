package probe

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// draft is a certificate to be made; fields left out are those of a correct challenge certificate for a.test.
type draft struct {
	names      []byte // the subjectAltName extension
	extensions []pkix.Extension
	issuer     *x509.Certificate // nil: itself
	signer     crypto.Signer     // nil: its own key
	public     crypto.PublicKey  // nil: its own key
	key        *ecdsa.PrivateKey
}

// challenge returns a draft of the correct certificate.
func challenge() *draft {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return &draft{names: generalNames(dnsName("a.test")), extensions: []pkix.Extension{acmeIdentifier(keyAuthorization)}, key: key}
}

func (d *draft) sign(t testing.TB) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: canary},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour), // over: does not matter
		ExtraExtensions: d.extensions,
	}
	if d.names != nil {
		template.ExtraExtensions = append([]pkix.Extension{{Id: oidSubjectAltName, Value: d.names}}, d.extensions...)
	}
	issuer, signer, public := template, crypto.Signer(d.key), d.key.Public()
	if d.issuer != nil {
		issuer = d.issuer
	}
	if d.signer != nil {
		signer = d.signer
	}
	if d.public != nil {
		public = d.public
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func goodCertificate(t testing.TB) tls.Certificate {
	d := challenge()
	return tls.Certificate{Certificate: [][]byte{d.sign(t)}, PrivateKey: d.key}
}

func marshal(value any) []byte {
	encoded, err := asn1.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}

func generalNames(names ...asn1.RawValue) []byte { return marshal(names) }

func generalName(tag int, content string) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte(content)}
}

func dnsName(name string) asn1.RawValue { return generalName(2, name) }

func acmeIdentifier(keyAuthorization string) pkix.Extension {
	digest := sha256.Sum256([]byte(keyAuthorization))
	return pkix.Extension{Id: oidACMEIdentifier, Critical: true, Value: marshal(digest[:])}
}

// certificateCase is a change to the correct certificate and what becomes of it.
type certificateCase struct {
	name   string
	change func(*draft)
	want   string // "" is accepted
}

func certificateCases() []certificateCase {
	names := func(names ...asn1.RawValue) func(*draft) {
		return func(d *draft) { d.names = generalNames(names...) }
	}
	value := func(content []byte) func(*draft) {
		return func(d *draft) { d.extensions[0].Value = content }
	}
	digest := sha256.Sum256([]byte(keyAuthorization))
	stranger := challenge()
	const (
		badNames  = "does not have a.test, in lower case, as its only subject alternative name"
		badDigest = "does not have the digest for this account and token in its acmeIdentifier extension"
		missing   = "has no acmeIdentifier extension (1.3.6.1.5.5.7.1.31)"
	)
	return []certificateCase{
		{"correct", func(*draft) {}, ""},
		{"other extensions", func(d *draft) {
			d.extensions = append(d.extensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte(canary)})
		}, ""},
		{"two names", names(dnsName("a.test"), dnsName("b.test")), badNames},
		{"the same name twice", names(dnsName("a.test"), dnsName("a.test")), badNames},
		{"another name", names(dnsName("b.test")), badNames},
		{"wildcard", names(dnsName("*.test")), badNames},
		{"upper case", names(dnsName("A.test")), badNames},
		{"trailing dot", names(dnsName("a.test.")), badNames},
		{"NUL", names(dnsName("a.test\x00.b.test")), badNames},
		{"no names", names(), badNames},
		{"no extension for names", func(d *draft) { d.names = nil }, badNames},
		{"address beside", names(dnsName("a.test"), generalName(7, "\x7f\x00\x00\x01")), badNames},
		{"mail address beside", names(dnsName("a.test"), generalName(1, "x@a.test")), badNames},
		{"URI beside", names(dnsName("a.test"), generalName(6, "https://a.test")), badNames},
		{"registered id beside", names(dnsName("a.test"), generalName(8, "\x2a\x03")), badNames},
		{"name as a mail address", names(generalName(1, "a.test")), badNames},
		{"long form of a length", func(d *draft) { d.names = append([]byte{0x30, 0x81, 8}, d.names[2:]...) }, "cannot be parsed"},
		{"bytes behind", func(d *draft) { d.names = append(d.names, 0) }, badNames},
		{"no digest", func(d *draft) { d.extensions = nil }, missing},
		{"identifier of the drafts", func(d *draft) { d.extensions[0].Id = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 30, 1} }, missing},
		{"not critical", func(d *draft) { d.extensions[0].Critical = false }, "has an acmeIdentifier extension that is not critical"},
		{"another account", func(d *draft) { d.extensions[0] = acmeIdentifier(token + ".another-account") }, badDigest},
		{"digest of the token", func(d *draft) { d.extensions[0] = acmeIdentifier(token) }, badDigest},
		{"no octet string", value(digest[:]), badDigest},
		{"bit string", value(append([]byte{asn1.TagBitString, 32}, digest[:]...)), badDigest},
		{"too short", value(marshal(digest[:31])), badDigest},
		{"too long", value(marshal(append(digest[:], 0))), badDigest},
		{"trailing byte", value(append(marshal(digest[:]), 0)), badDigest},
		{"long form of the digest's length", value(append([]byte{asn1.TagOctetString, 0x81, 32}, digest[:]...)), badDigest},
		{"empty", value(nil), badDigest},
		{"extension twice", func(d *draft) { d.extensions = append(d.extensions, d.extensions[0]) }, "cannot be parsed"},
		{"names twice", func(d *draft) {
			d.extensions = append(d.extensions, pkix.Extension{Id: oidSubjectAltName, Value: d.names})
		}, "cannot be parsed"},
		{"issuer", func(d *draft) {
			d.issuer, d.signer = &x509.Certificate{Subject: pkix.Name{CommonName: "issuer"}}, stranger.key
		}, "is not signed by itself"},
		{"own key under another name", func(d *draft) {
			d.issuer = &x509.Certificate{Subject: pkix.Name{CommonName: "issuer"}}
		}, "is not signed by itself"},
		{"another key", func(d *draft) {
			d.issuer, d.signer = &x509.Certificate{Subject: pkix.Name{CommonName: canary}}, stranger.key
		}, "is not signed by itself"},
	}
}

// Proves TA-02, TA-03, INC-3, INC-8.
func TestChallengeCertificate(t *testing.T) {
	const prefix = "The certificate that a.test presents for the protocol acme-tls/1 "
	for _, test := range certificateCases() {
		t.Run(test.name, func(t *testing.T) {
			d := challenge()
			test.change(d)
			err := checkChallengeCertificate(d.sign(t), name("a.test"), keyAuthorization)
			got := ""
			if err != nil {
				got = strings.TrimSuffix(strings.TrimPrefix(sentence(err), prefix), ".")
			}
			if got != test.want || Retryable(err) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestChallengeCertificateServed presents the same certificates on a connection: None is accepted that should not be.
// Proves TA-02, TA-03.
func TestChallengeCertificateServed(t *testing.T) {
	for _, test := range certificateCases() {
		t.Run(test.name, func(t *testing.T) {
			d := challenge()
			test.change(d)
			port := portOf(chaltest.ServeTLS(t, "127.0.0.1:0", &tls.Config{
				NextProtos:   []string{acmeTLS1},
				Certificates: []tls.Certificate{{Certificate: [][]byte{d.sign(t)}, PrivateKey: d.key}},
			}))
			p, _ := proberAt(t, 0, port)
			attempt := look(t, p, lookFor(acme.TLSALPN01, name("a.test")))
			if (attempt.Failure == nil) != (test.want == "") || attempt.Retryable {
				t.Errorf("got %s", verdict(attempt))
			}
		})
	}
}

// Proves TA-04.
func TestChallengeCertificateAddress(t *testing.T) {
	four, six := net.IP{192, 0, 2, 1}, net.ParseIP("2001:db8::1")
	tests := []struct {
		name string
		id   ident.Identifier
		san  asn1.RawValue
		want bool
	}{
		{"IPv4", addr("192.0.2.1"), generalName(7, string(four)), true},
		{"IPv6", addr("2001:db8::1"), generalName(7, string(six)), true},
		{"another", addr("192.0.2.2"), generalName(7, string(four)), false},
		{"as mapped IPv6", addr("192.0.2.1"), generalName(7, string(four.To16())), false},
		{"as a name", addr("192.0.2.1"), dnsName("192.0.2.1"), false},
		{"its reverse name", addr("192.0.2.1"), dnsName("1.2.0.192.in-addr.arpa"), false},
	}
	for _, test := range tests {
		d := challenge()
		d.names = generalNames(test.san)
		err := checkChallengeCertificate(d.sign(t), test.id, keyAuthorization)
		if got := err == nil; got != test.want {
			t.Errorf("%s: %v, want accepted %t", test.name, err, test.want)
		}
	}
}

func FuzzTLSALPNCertificate(f *testing.F) {
	for _, c := range certificateCases() {
		d := challenge()
		c.change(d)
		f.Add(d.sign(f))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := checkChallengeCertificate(raw, name("a.test"), keyAuthorization); err != nil {
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error repeats the certificate: %v", err)
			}
			return
		}
		certificate, err := x509.ParseCertificate(raw)
		if err != nil || len(certificate.DNSNames) != 1 || certificate.DNSNames[0] != "a.test" {
			t.Errorf("accepted with names %q, %v", certificate.DNSNames, err)
		}
		if checkChallengeCertificate(raw, name("b.test"), keyAuthorization) == nil ||
			checkChallengeCertificate(raw, name("a.test"), token) == nil {
			t.Error("accepted for anything")
		}
	})
}
