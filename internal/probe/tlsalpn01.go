package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// acmeTLS1 is the protocol of RFC 8737 section 4. Nothing is said in it after the handshake.
const acmeTLS1 = "acme-tls/1"

// tlsALPN01 looks whether the host presents the challenge's certificate (RFC 8737 section 3).
func (p *Prober) tlsALPN01(ctx context.Context, r *record, g guard, l policy.Look) (seen string, err error) {
	where := fmt.Sprintf("Port %d of %s", p.tlsPort, l.Identifier)
	conn, hop, err := g.connect(ctx, r, fmt.Sprintf("tls://%s", authority(l.Identifier, fmt.Sprint(p.tlsPort))), l.Identifier, p.tlsPort)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	client, err := shake(ctx, conn, l.Identifier, challengeTLS(l.Identifier))
	if err != nil {
		hop.Error = "TLS handshake failed"
		return "", err
	}
	state := client.ConnectionState()
	if state.NegotiatedProtocol != acmeTLS1 {
		hop.Error = "protocol not negotiated"
		return "", final(fault.IncorrectResponse, "%s did not negotiate the protocol %q.", where, acmeTLS1)
	}
	if err := checkChallengeCertificate(state.PeerCertificates[0].Raw, l.Identifier, l.KeyAuthorization); err != nil {
		hop.Error = "wrong certificate"
		return "", err
	}
	return fmt.Sprintf("%s presents a certificate that matches the key authorization.", where), nil
}

// challengeTLS offers one protocol only. The certificate proves nothing but the challenge, so it is not verified
// here but in checkChallengeCertificate.
func challengeTLS(id ident.Identifier) *tls.Config {
	return &tls.Config{
		ServerName:         serverName(id),
		NextProtos:         []string{acmeTLS1},
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // see above
	}
}

// serverName is the name, and for an address its name in the reverse zone (RFC 8738 section 6).
func serverName(id ident.Identifier) string {
	if id.Type() == ident.IP {
		return reverseName(id.Addr())
	}
	return id.Value()
}

// reverseName is the name of RFC 1035 section 3.5 or RFC 3596 section 2.5, without the last dot.
func reverseName(addr netip.Addr) string {
	var labels []string
	if addr.Is4() {
		for _, octet := range addr.AsSlice() {
			labels = append([]string{fmt.Sprint(octet)}, labels...)
		}
		return strings.Join(labels, ".") + ".in-addr.arpa"
	}
	for _, octet := range addr.AsSlice() {
		labels = append([]string{fmt.Sprintf("%x.%x", octet&15, octet>>4)}, labels...)
	}
	return strings.Join(labels, ".") + ".ip6.arpa"
}
