package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// site is a root and the chain of a server below it.
type site struct {
	roots *x509.CertPool
	chain tls.Certificate
}

func newSite(t *testing.T, notAfter time.Time) site {
	t.Helper()
	issue := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if parent == nil {
			parent, signer = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return certificate, key
	}
	issuer := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
			NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
		}
	}
	root, rootKey := issue(issuer("root"), nil, nil)
	intermediate, intermediateKey := issue(issuer("intermediate"), root, rootKey)
	leaf, leafKey := issue(&x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"a.test"}, IPAddresses: []net.IP{{127, 0, 0, 1}},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: notAfter,
	}, intermediate, intermediateKey)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	return site{roots, tls.Certificate{Certificate: [][]byte{leaf.Raw, intermediate.Raw}, PrivateKey: leafKey, Leaf: leaf}}
}

func TestHandshake(t *testing.T) {
	good, old := newSite(t, time.Now().Add(time.Hour)), newSite(t, time.Now().Add(-time.Hour))
	bare := good
	bare.chain.Certificate = good.chain.Certificate[:1]
	tests := []struct {
		name       string
		site       site
		serverName string
		roots      *x509.CertPool
		version    uint16
		want       string // in the verification error; "" is verified
	}{
		{"verified", good, "a.test", good.roots, tls.VersionTLS13, ""},
		{"TLS 1.2", good, "a.test", good.roots, tls.VersionTLS12, ""},
		{"address", good, "127.0.0.1", good.roots, tls.VersionTLS13, ""},
		{"name of the address", good, "", good.roots, tls.VersionTLS13, ""},
		{"another name", good, "b.test", good.roots, tls.VersionTLS13, "not b.test"},
		{"another root", good, "a.test", old.roots, tls.VersionTLS13, "unknown authority"},
		{"the system's roots", good, "a.test", nil, tls.VersionTLS13, "unknown authority"},
		{"expired", old, "a.test", old.roots, tls.VersionTLS13, "expired"},
		{"no intermediate", bare, "a.test", bare.roots, tls.VersionTLS13, "unknown authority"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := chaltest.ServeTLS(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{test.site.chain}, MaxVersion: test.version})
			served, err := Handshake(t.Context(), server.String(), test.serverName, test.roots)
			if err != nil {
				t.Fatal(err)
			}
			if got := served.Verification; (got == nil) != (test.want == "") || got != nil && !strings.Contains(got.Error(), test.want) {
				t.Errorf("verification: %v, want %q", got, test.want)
			}
			fingerprint := sha256.Sum256(test.site.chain.Certificate[0])
			if !served.Leaf.Equal(test.site.chain.Leaf) || served.Fingerprint != hex.EncodeToString(fingerprint[:]) {
				t.Errorf("leaf %v with fingerprint %s", served.Leaf.Subject, served.Fingerprint)
			}
			if len(served.Chain) != len(test.site.chain.Certificate) || served.Version != tls.VersionName(test.version) || served.Address != server.String() {
				t.Errorf("%d certificates over %s from %s", len(served.Chain), served.Version, served.Address)
			}
		})
	}
}

func TestHandshakeFails(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	raw := func(handle func(context.Context, net.Conn)) string {
		return (&net.TCPAddr{IP: net.IP{127, 0, 0, 1}, Port: int(serveRaw(t, handle))}).String()
	}
	tests := []struct {
		name, address string
		kind          fault.Kind
		retryable     bool
	}{
		{"nobody there", closed.Addr().String(), fault.Connection, true},
		{"hangs up", raw(say("")), fault.Connection, true},
		{"stalls", raw(stall("")), fault.Connection, true},
		{"no TLS", raw(say(canary)), fault.TLS, false},
		{"no port", "127.0.0.1", fault.Malformed, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := Handshake(ctx, test.address, "a.test", nil)
			if !fault.Is(err, test.kind) || Retryable(err) != test.retryable || strings.Contains(err.Error(), canary) {
				t.Errorf("got %v, want kind %s, retryable %t", err, test.kind, test.retryable)
			}
		})
	}
}
