package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// serve starts a server that obtains its own certificate, and waits until a handshake with it shows one that the root
// vouches for. The chain of that handshake is then in the file {DIR}/seen.pem.
func (p *place) serve(line, reload string) {
	p.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := p.command(ctx, line)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var output safeBuffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		cancel()
		p.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	p.Cleanup(func() {
		cancel()
		<-ended
		if p.Failed() {
			p.Logf("%s:\n%s", cmd, output.String())
		}
	})
	p.waitFor("a handshake shows the certificate", func() bool {
		select {
		case <-ended:
			p.Fatal("the server ended")
		default:
		}
		if reload != "" && p.appeared(reload) {
			reload = ""
			p.reload(cmd)
		}
		return p.handshake()
	})
}

// appeared says that a file of the pattern is there.
func (p *place) appeared(pattern string) bool {
	found, err := filepath.Glob(p.expand(pattern))
	return err == nil && len(found) > 0
}

func (p *place) reload(cmd *exec.Cmd) {
	p.Helper()
	if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		p.Fatal(err)
	}
}

// handshake connects as a browser would, and keeps the chain that it accepted.
func (p *place) handshake() bool {
	p.Helper()
	root, err := os.ReadFile(p.values["{ROOT}"])
	if err != nil {
		p.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	ctx, cancel := context.WithTimeout(p.Context(), 20*time.Second)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: p.values["{HOST}"], MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", "127.0.0.1:"+p.tlsPort)
	if err != nil {
		return false
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	var chain bytes.Buffer
	for _, certificate := range conn.(*tls.Conn).ConnectionState().PeerCertificates {
		if err := pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}); err != nil {
			p.Fatal(err)
		}
	}
	p.write(p.expand("{DIR}/seen.pem"), chain.String())
	return true
}

// safeBuffer takes the output of a process while the test may read it.
type safeBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *safeBuffer) Write(octets []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(octets)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
