package script

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"path"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/everleaf-pki/everleaf/test/acmetest"
)

// obtainLimit bounds one issuance.
const obtainLimit = time.Minute

// site answers http-01 for every token, in the name of the last account.
type site struct {
	listener   net.Listener
	http       *http.Server
	thumbprint atomic.Pointer[string]
}

func newSite() (*site, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &site{listener: listener}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/acme-challenge/{token}", func(w http.ResponseWriter, r *http.Request) {
		if t := s.thumbprint.Load(); t != nil {
			_, _ = fmt.Fprint(w, r.PathValue("token")+"."+*t)
		}
	})
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.http.Serve(listener) }()
	return s, nil
}

func (s *site) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

func (s *site) close() {
	if s != nil {
		_ = s.http.Close()
	}
}

// obtain gets a certificate for names below localhost, which need no DNS, with a new account.
func obtain(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), obtainLimit)
	defer cancel()
	err := issue(ctx, ts, worldOf(ts).site, func(c *acmetest.Client) string { return c.Thumbprint() }, args)
	judge(ts, neg, err)
}

// mislead tries the same with answers that prove nothing.
func mislead(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), obtainLimit)
	defer cancel()
	err := issue(ctx, ts, worldOf(ts).site, func(*acmetest.Client) string { return "somebody-else" }, args)
	judge(ts, !neg, err)
}

// judge wants success, or with neg a refusal, which it leaves on stderr.
func judge(ts *testscript.TestScript, neg bool, err error) {
	switch {
	case neg && err == nil:
		ts.Fatalf("it succeeded")
	case neg:
		_, _ = fmt.Fprintln(ts.Stderr(), err)
	default:
		ts.Check(err)
	}
}

func issue(ctx context.Context, ts *testscript.TestScript, s *site, answer func(*acmetest.Client) string, names []string) error {
	trusting, err := acmetest.Trusting(filepath.Join(ts.Getenv("EVERLEAF_DATA"), "root.pem"))
	if err != nil {
		return err
	}
	defer trusting.CloseIdleConnections()
	client, err := acmetest.Register(ctx, trusting, ts.Getenv("DIRECTORY"))
	if err != nil {
		return err
	}
	ts.Setenv("ACCOUNT", path.Base(client.Account))
	thumbprint := answer(client)
	s.thumbprint.Store(&thumbprint)
	order, err := client.NewOrder(ctx, names...)
	if err != nil {
		return err
	}
	ts.Setenv("ORDER", path.Base(order.URL))
	if err := client.Prove(ctx, order, "http-01"); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	chain, err := client.Finalize(ctx, order, key, names...)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return err
	}
	ts.Setenv("SERIAL", fmt.Sprintf("%x", leaf.SerialNumber))
	return nil
}
