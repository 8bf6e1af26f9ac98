package probe

import (
	"errors"
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

// silent makes port of ::1 drop attempts to connect, as a firewall would: it listens with a queue that is full. It reports
// false when another has the port.
func silent(t *testing.T, port uint16) bool {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	listener := os.NewFile(uintptr(fd), "silent")
	t.Cleanup(func() { _ = listener.Close() })
	at := netip.AddrPortFrom(netip.IPv6Loopback(), port)
	switch err := syscall.Bind(fd, &syscall.SockaddrInet6{Port: int(port), Addr: at.Addr().As16()}); {
	case errors.Is(err, syscall.EADDRINUSE):
		return false
	case err != nil:
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		conn, err := net.DialTimeout("tcp", at.String(), 200*time.Millisecond)
		if err != nil {
			return true
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the kernel answers with a full queue")
	return false
}

// TestConnectTimeout has an IPv6 address that never answers: it costs its own time, not that of the look (H-04, H-08).
// Proves H-04, H-08.
func TestConnectTimeout(t *testing.T) {
	responder := chaltest.NewHTTP(t)
	for tries := 0; !silent(t, responder.Port()); tries++ {
		if tries == 20 {
			t.Fatal("every port is taken over IPv6")
		}
		responder = chaltest.NewHTTP(t)
	}
	responder.Set(token, keyAuthorization)
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
