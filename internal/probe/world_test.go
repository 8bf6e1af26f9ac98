package probe

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canary stands in everything that hostile servers send; it may appear in no attempt.
const canary = "CANARY"

const (
	token            = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
	keyAuthorization = token + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
)

func name(text string) ident.Identifier {
	id, err := ident.ParseDNS(text)
	if err != nil {
		panic(err)
	}
	return id
}

func addr(text string) ident.Identifier { return ident.FromAddr(netip.MustParseAddr(text)) }

// lookFor is a look for id with the constants above; loopback may be connected to, and every name certified.
func lookFor(method acme.Method, id ident.Identifier) policy.Look {
	return policy.Look{
		Identifier: id, Method: method, Token: token, KeyAuthorization: keyAuthorization,
		Addresses: policy.Addresses{Loopback: true}, Rules: policy.DefaultRules(),
	}
}

func newResolver(t *testing.T, servers ...string) *Resolver {
	t.Helper()
	r, err := NewResolver(ResolverOptions{Upstreams: servers, Timeout: 2 * time.Second, Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// look fails the test when something that a server sent is in the attempt.
func look(t *testing.T, p *Prober, l policy.Look) acme.Attempt {
	t.Helper()
	attempt := p.Look(t.Context(), l)
	text, err := json.Marshal(attempt)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), canary) {
		t.Errorf("the attempt repeats what the server sent: %s", text)
	}
	if attempt.Seen == "" {
		t.Errorf("the attempt does not say what was seen: %s", text)
	}
	return attempt
}

// verdict is "valid", or kind and sentence of the failure, "retryable" added when it is.
func verdict(a acme.Attempt) string {
	switch {
	case a.Failure == nil:
		return "valid"
	case a.Retryable:
		return a.Failure.Kind + ": " + a.Failure.Public + " (retryable)"
	default:
		return a.Failure.Kind + ": " + a.Failure.Public
	}
}

// wantVerdict compares the beginning: what follows are ports and the like.
func wantVerdict(t *testing.T, a acme.Attempt, want string) {
	t.Helper()
	if got := verdict(a); !strings.HasPrefix(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func serveHTTP(t *testing.T, handler http.HandlerFunc) uint16 {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return portOf(server.Listener.Addr())
}

// serveRaw lets handle talk to every client, and hangs up when it returns. It is given a context that ends with the test.
func serveRaw(t *testing.T, handle func(context.Context, net.Conn)) uint16 {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			handle(ctx, conn)
			stop()
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		cancel()
		<-done
	})
	return portOf(listener.Addr())
}

func portOf(a net.Addr) uint16 { return a.(*net.TCPAddr).AddrPort().Port() }

// proberAt looks at a world in which every name is 127.0.0.1 and port 80 is httpPort.
func proberAt(t *testing.T, httpPort, tlsPort uint16) (*Prober, *chaltest.DNS) {
	t.Helper()
	dns := chaltest.NewDNS(t)
	return New(Options{Resolver: newResolver(t, dns.Addr()), HTTPPort: httpPort, TLSPort: tlsPort}), dns
}

// redirectTo leads every request to the next place.
func redirectTo(next func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", next())
		w.WriteHeader(http.StatusFound)
	}
}
