package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
)

// maxHead is how much of a reply is read besides its body: status line, headers, interim replies, chunk headers.
const maxHead = 16 << 10

// maxInterim is how many interim replies (status 1xx) are skipped.
const maxInterim = 5

// errTooMuch ends reading from a server that does not stop.
var errTooMuch = errors.New("reply too large")

// reply is what we take from an HTTP reply.
type reply struct {
	status    int
	locations []string // Location headers
	body      []byte   // with status 200, and never more than one octet above the limit
}

// get asks one location, without following redirects. The client is the smallest that does: one request on one
// connection, HTTP/1.1, no proxy, no cookies, no credentials, no compression. What it reads is bounded as a whole.
func (p *Prober) get(ctx context.Context, r *record, g guard, at location, limit int) (reply, error) {
	plain, hop, err := g.connect(ctx, r, shown(at.url.String()), at.host, at.port)
	if err != nil {
		return reply{}, err
	}
	defer plain.Close()
	conn := plain
	if at.url.Scheme == "https" {
		if conn, err = shake(ctx, plain, at.host, redirectTLS(at.host)); err != nil {
			hop.Error = "TLS handshake failed"
			return reply{}, err
		}
	}
	got, err := p.exchange(ctx, conn, at, limit)
	if err != nil {
		hop.Error = "no HTTP reply"
		return reply{}, replyFailure(err, at)
	}
	hop.Status = got.status
	return got, nil
}

// redirectTLS does not verify certificates: the chain began without TLS, and what counts is the key authorization.
func redirectTLS(host ident.Identifier) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} //nolint:gosec // see above
	if host.Type() == ident.DNS {
		config.ServerName = host.Value()
	}
	return config
}

func (p *Prober) exchange(ctx context.Context, conn net.Conn, at location, limit int) (reply, error) {
	defer bind(ctx, conn)()
	request := &http.Request{
		Method: http.MethodGet,
		URL:    at.url,
		Host:   at.url.Host,
		Header: http.Header{"User-Agent": {p.userAgent}, "Accept": {"*/*"}, "Accept-Encoding": {"identity"}},
		Close:  true,
	}
	if err := request.Write(conn); err != nil {
		return reply{}, err
	}
	return readReply(bufio.NewReader(&capped{conn, maxHead + limit}), request, limit)
}

func readReply(from *bufio.Reader, request *http.Request, limit int) (reply, error) {
	for range maxInterim + 1 {
		response, err := http.ReadResponse(from, request)
		if err != nil {
			return reply{}, err
		}
		defer response.Body.Close()
		if response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		got := reply{status: response.StatusCode, locations: response.Header["Location"]}
		if got.status == http.StatusOK {
			got.body, err = io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
		}
		return got, err
	}
	return reply{}, errTooMuch
}

// replyFailure puts an error from reading a reply in our words.
func replyFailure(err error, at location) error {
	where := shown(at.url.String())
	switch {
	case errors.Is(err, errTooMuch):
		return final(fault.IncorrectResponse, "%s answered with more than a reply of this kind can need.", where)
	case broken(err):
		return transient(fault.Connection, "The connection %s before %s had answered.", words(err), where)
	default:
		return final(fault.IncorrectResponse, "%s did not answer in HTTP.", where)
	}
}

// capped reads at most left octets and then fails.
type capped struct {
	from io.Reader
	left int
}

func (c *capped) Read(buffer []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.from.Read(buffer[:min(len(buffer), c.left)])
	c.left -= n
	return n, err
}
