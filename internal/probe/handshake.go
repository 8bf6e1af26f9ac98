package probe

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// handshakeTimeout bounds connecting and handshake together.
const handshakeTimeout = 10 * time.Second

// Served is what a TLS endpoint really serves.
type Served struct {
	Address      string              // HOST:PORT that was connected to, HOST an address
	Leaf         *x509.Certificate   // never nil
	Chain        []*x509.Certificate // all that was sent, the leaf first
	Fingerprint  string              // SHA-256 of the leaf, lower-case hexadecimal
	Version      string              // "TLS 1.3"
	Verification error               // nil: chain and name are good; its text quotes the certificate
}

// Handshake connects to address, HOST:PORT, and reports what is served for serverName, a DNS name or an IP address. It
// is for places that the caller's own configuration names: the operating system resolves HOST, and no address policy
// applies. An empty serverName means HOST. The chain is verified against roots (nil: the system's) at the present
// time; that it does not hold is part of the report. An error means that there was no handshake within 10 s; its kind
// is Connection, TLS, or Malformed.
func Handshake(ctx context.Context, address, serverName string, roots *x509.CertPool) (Served, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return Served{}, final(fault.Malformed, "%q is not HOST:PORT.", shown(address))
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return Served{}, transient(fault.Connection, "The connection to %s %s.", address, words(err))
	}
	defer conn.Close()
	serverName = cmp.Or(serverName, host)
	client := tls.Client(conn, &tls.Config{
		ServerName:         serverName,
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // verified below, so that the report has both certificate and error
	})
	if err := client.HandshakeContext(ctx); err != nil {
		return Served{}, handshakeFailure(err, address)
	}
	state := client.ConnectionState()
	fingerprint := sha256.Sum256(state.PeerCertificates[0].Raw)
	return Served{
		Address:      conn.RemoteAddr().String(),
		Leaf:         state.PeerCertificates[0],
		Chain:        state.PeerCertificates,
		Fingerprint:  hex.EncodeToString(fingerprint[:]),
		Version:      tls.VersionName(state.Version),
		Verification: verify(state.PeerCertificates, serverName, roots),
	}, nil
}

func verify(chain []*x509.Certificate, serverName string, roots *x509.CertPool) error {
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: serverName, Roots: roots, Intermediates: intermediates})
	return err
}
