package probe

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// silent listens at port of ::1 with a queue that is full, so that Linux drops further attempts to connect, as a
// firewall would. It skips the test where the kernel answers all the same.
func silent(t *testing.T, port uint16) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	listener := os.NewFile(uintptr(fd), "silent")
	t.Cleanup(func() { _ = listener.Close() })
	at := netip.AddrPortFrom(netip.IPv6Loopback(), port)
	if err := syscall.Bind(fd, &syscall.SockaddrInet6{Port: int(port), Addr: at.Addr().As16()}); err != nil {
		t.Skip("the port is taken over IPv6:", err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		conn, err := net.DialTimeout("tcp", at.String(), 200*time.Millisecond)
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Skip("the kernel answers with a full queue")
}

// TestConnectTimeout has an IPv6 address that never answers: it costs its own time, not that of the look (H-04, H-08).
func TestConnectTimeout(t *testing.T) {
	responder := chaltest.NewHTTP(t)
	responder.Set(token, keyAuthorization)
	silent(t, responder.Port())
	dns := chaltest.NewDNS(t)
	dns.SetA("a.test", "::1", "127.0.0.1")
	p := New(Options{Resolver: newResolver(t, dns.Addr()), HTTPPort: responder.Port(), ConnectTimeout: 100 * time.Millisecond})
	attempt := look(t, p, lookFor(acme.HTTP01, name("a.test")))
	wantVerdict(t, attempt, "valid")
	want := acme.Hop{URL: "http://a.test" + challengePath, Address: fmt.Sprintf("[::1]:%d", responder.Port()), Error: "connection timed out"}
	if len(attempt.Hops) != 2 || attempt.Hops[0] != want || attempt.Duration > 5000 {
		t.Errorf("%d ms, hops %+v, want the first to be %+v", attempt.Duration, attempt.Hops, want)
	}
}
