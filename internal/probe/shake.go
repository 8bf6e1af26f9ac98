package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// shake is a TLS handshake with host over conn, bounded by ctx.
func shake(ctx context.Context, conn net.Conn, host ident.Identifier, config *tls.Config) (*tls.Conn, error) {
	client := tls.Client(conn, config)
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, handshakeFailure(err, host.Value())
	}
	return client, nil
}

// handshakeFailure puts an error of crypto/tls in our words. An alert is a number; its text is Go's.
func handshakeFailure(err error, host string) error {
	if broken(err) {
		return transient(fault.Connection, "The connection to %s %s during the TLS handshake.", host, words(err))
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == alertReceived {
		return final(fault.TLS, "%s refused the TLS handshake with the alert %q.", host, op.Err.Error())
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return final(fault.TLS, "%s does not speak TLS there.", host)
	}
	return final(fault.TLS, "The TLS handshake with %s failed: it has to offer TLS 1.2 or newer and a well-formed certificate.", host)
}
