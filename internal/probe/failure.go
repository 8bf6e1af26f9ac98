package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// failure is an error that a requester may read, and whether another look a little later may end differently.
// Neither its text nor its cause holds anything that a remote host sent.
type failure struct {
	reason    *fault.Error
	transient bool
}

func (f *failure) Error() string { return f.reason.Error() }

func (f *failure) Unwrap() error { return f.reason }

// final returns an error that another look would meet again.
func final(kind fault.Kind, format string, args ...any) error {
	return &failure{fault.New(kind, format, args...), false}
}

// transient returns an error that may be gone a little later.
func transient(kind fault.Kind, format string, args ...any) error {
	return &failure{fault.New(kind, format, args...), true}
}

// Retryable reports whether err, returned by this package, may be gone a little later: an unreachable host, a DNS
// server that did not answer or could not, a record that is not there. A wrong answer is final.
func Retryable(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.transient
}

// rootOf returns the failure that another one stands for, whose sentence is for the operator.
func rootOf(err error) error {
	if f, ok := errors.AsType[*failure](err); ok && f.reason.Cause != nil {
		return f.reason.Cause
	}
	return err
}

// sentence returns what the requester may read.
func sentence(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.reason.Public
	}
	return "The look failed for a reason of our own."
}

// words says in our words what became of a connection: the texts of network errors can carry remote bytes.
func words(err error) string {
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "was interrupted"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isNet && timeout.Timeout():
		return "timed out"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "was reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "found no route"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "was closed early"
	default:
		return failed
	}
}

// failed is all that can be said about an error that no platform's list here knows.
const failed = "failed"

// broken reports whether err is about the connection as such, not about what was said over it: crypto/tls reports
// alerts as a net.OpError too.
func broken(err error) bool {
	op, isOp := errors.AsType[*net.OpError](err)
	return words(err) != failed || isOp && op.Op != alertReceived && op.Op != alertSent
}

// What crypto/tls calls the operations of alerts.
const (
	alertReceived = "remote error"
	alertSent     = "local error"
)

// maxShown is the length to which remote data is cut before anybody sees it.
const maxShown = 200

// shownText is shown for text with spaces in it.
func shownText(text string) string { return strings.ReplaceAll(shown(text), "%20", " ") }

// shown makes text that came from outside fit to be read: printable ASCII without the characters that mean something
// to a shell, a terminal or HTML; all other bytes percent-encoded; cut to maxShown.
func shown(text string) string {
	const plain = "-._~:/?#[]@!$()*+,;=%\\"
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	for _, c := range []byte(text) {
		if out.Len() > maxShown {
			break
		}
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(plain, c) >= 0 {
			out.WriteByte(c)
		} else {
			out.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	if out.Len() > maxShown {
		return out.String()[:maxShown] + "..."
	}
	return out.String()
}
