package chaltest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// ACMETLS1 is the protocol of RFC 8737 section 4.
const ACMETLS1 = "acme-tls/1"

// TLSALPN is a tls-alpn-01 responder (RFC 8737). Names that nothing was set for get a TLS alert.
type TLSALPN struct {
	addr *net.TCPAddr

	mu           sync.Mutex
	certificates map[string]*tls.Certificate // by server name
}

// NewTLSALPN starts a responder at a free port of 127.0.0.1.
func NewTLSALPN(t testing.TB) *TLSALPN { return NewTLSALPNAt(t, "127.0.0.1:0") }

// NewTLSALPNAt starts a responder at address, HOST:PORT.
func NewTLSALPNAt(t testing.TB, address string) *TLSALPN {
	t.Helper()
	a := &TLSALPN{certificates: map[string]*tls.Certificate{}}
	a.addr = ServeTLS(t, address, &tls.Config{
		NextProtos:     []string{ACMETLS1},
		GetCertificate: a.certificate,
		MinVersion:     tls.VersionTLS12,
	}).(*net.TCPAddr)
	return a
}

// ServeTLS finishes a handshake with whoever connects and hangs up, until the end of the test.
func ServeTLS(t testing.TB, address string, config *tls.Config) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("chaltest: TLS server: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	var handshakes sync.WaitGroup
	handshakes.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			handshakes.Go(func() {
				_ = tls.Server(conn, config).HandshakeContext(ctx)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		cancel()
		handshakes.Wait()
	})
	return listener.Addr()
}

// Addr returns HOST:PORT.
func (a *TLSALPN) Addr() string { return a.addr.String() }

// Port returns the port.
func (a *TLSALPN) Port() uint16 { return a.addr.AddrPort().Port() }

// Set answers for identifier, a DNS name or an IP address, with keyAuthorization.
// It panics when no certificate can be made, which ends the test.
func (a *TLSALPN) Set(identifier, keyAuthorization string) {
	template, serverName := challengeTemplate(identifier, keyAuthorization)
	certificate, err := selfSigned(template)
	if err != nil {
		panic(fmt.Sprintf("chaltest: certificate for %s: %v", identifier, err))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.certificates[serverName] = certificate
}

func (a *TLSALPN) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	certificate, ok := a.certificates[hello.ServerName]
	if !ok {
		return nil, fmt.Errorf("no challenge for %q", hello.ServerName)
	}
	return certificate, nil
}

// challengeTemplate returns what RFC 8737 section 3 wants in the certificate, and the server name that it is asked for by.
func challengeTemplate(identifier, keyAuthorization string) (*x509.Certificate, string) {
	digest := sha256.Sum256([]byte(keyAuthorization))
	value, err := asn1.Marshal(digest[:])
	if err != nil {
		panic(err) // an octet string can always be encoded
	}
	template := &x509.Certificate{
		SerialNumber:    big.NewInt(1),
		Subject:         pkix.Name{CommonName: "challenge"},
		NotBefore:       time.Now().Add(-time.Hour),
		NotAfter:        time.Now().Add(24 * time.Hour),
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}, Critical: true, Value: value}},
	}
	address, err := netip.ParseAddr(identifier)
	if err != nil {
		template.DNSNames = []string{identifier}
		return template, identifier
	}
	template.IPAddresses = []net.IP{address.AsSlice()}
	reverse, err := dns.ReverseAddr(identifier)
	if err != nil {
		panic(err) // the address was parsed above
	}
	return template, reverse[:len(reverse)-1]
}

func selfSigned(template *x509.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
