package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// udpSize is the size of answers that we take over UDP. It fits into every path without fragments, of which the
// later ones can be forged without knowing id and port.
const udpSize = 1232

// errAnswer is an answer that cannot be understood or does not belong to its question.
var errAnswer = errors.New("unusable DNS answer")

// errTruncated is an answer that did not fit into a datagram.
var errTruncated = errors.New("truncated DNS answer")

// ask asks one server. A server that does not know EDNS is asked again without (RFC 6891 section 6.2.2). The proof that
// there is no DS record is asked for with it.
func (r *Resolver) ask(ctx context.Context, server, name string, kind uint16) (*dns.Msg, error) {
	if err := r.trust(ctx, server); err != nil {
		return nil, err
	}
	query := newQuery(name, kind)
	query.SetEdns0(udpSize, kind == dns.TypeDS)
	reply, err := r.exchange(ctx, server, query)
	if err == nil && (reply.Rcode == dns.RcodeFormatError || reply.Rcode == dns.RcodeNotImplemented) {
		return r.exchange(ctx, server, newQuery(name, kind))
	}
	return reply, err
}

// newQuery returns a question with an id from the system's random source. AD asks to be told whether DNSSEC proves the
// answer (RFC 6840 section 5.7).
func newQuery(name string, kind uint16) *dns.Msg {
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails
	query := new(dns.Msg).SetQuestion(name, kind)
	query.Id = binary.BigEndian.Uint16(id[:])
	query.AuthenticatedData = true
	return query
}

// exchange asks over UDP, and over TCP when the answer does not fit into a datagram or was tampered with.
func (r *Resolver) exchange(ctx context.Context, server string, query *dns.Msg) (*dns.Msg, error) {
	packed, err := query.Pack()
	if err != nil {
		return nil, fmt.Errorf("%w: the name cannot be asked for: %w", errAnswer, err)
	}
	raw, err := r.over(ctx, "udp", server, packed)
	if err != nil {
		return nil, err
	}
	reply, err := receive(raw, query)
	if err == nil {
		return reply, nil
	}
	if raw, err = r.over(ctx, "tcp", server, packed); err != nil {
		return nil, err
	}
	return receive(raw, query)
}

// over sends a message and returns the next one that arrives.
func (r *Resolver) over(ctx context.Context, network, server string, message []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer bind(ctx, conn)()
	if network == "udp" {
		return datagram(conn, message)
	}
	return stream(conn, message)
}

func datagram(conn net.Conn, message []byte) ([]byte, error) {
	if _, err := conn.Write(message); err != nil {
		return nil, err
	}
	buffer := make([]byte, 4096) // servers may ignore the size that we ask for
	n, err := conn.Read(buffer)
	return buffer[:n], err
}

// stream is the framing of RFC 1035 section 4.2.2.
func stream(conn net.Conn, message []byte) ([]byte, error) {
	framed := binary.BigEndian.AppendUint16(nil, uint16(len(message))) //nolint:gosec // one question is far below 64 KiB
	if _, err := conn.Write(append(framed, message...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	buffer := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, buffer)
	return buffer, err
}

// receive unpacks a message and returns it when it answers query.
func receive(raw []byte, query *dns.Msg) (*dns.Msg, error) {
	reply := new(dns.Msg)
	if err := reply.Unpack(raw); err != nil {
		return nil, errAnswer
	}
	if reply.Id != query.Id || !reply.Response || reply.Opcode != query.Opcode || !sameQuestion(reply, query) {
		return nil, errAnswer
	}
	if reply.Truncated {
		return nil, errTruncated
	}
	return reply, nil
}

// sameQuestion allows servers that could not parse the question to leave it out.
func sameQuestion(reply, query *dns.Msg) bool {
	if len(reply.Question) == 0 {
		return reply.Rcode == dns.RcodeFormatError || reply.Rcode == dns.RcodeNotImplemented
	}
	got, want := reply.Question[0], query.Question[0]
	return len(reply.Question) == 1 && got.Qtype == want.Qtype && got.Qclass == want.Qclass &&
		strings.EqualFold(got.Name, want.Name)
}

// bind makes reads and writes of conn end when ctx ends, until the function that it returns is called.
func bind(ctx context.Context, conn net.Conn) (release func() bool) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}
