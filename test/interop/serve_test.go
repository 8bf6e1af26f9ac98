package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// serving is a server that obtains its own certificates, and runs until the test ends.
type serving struct {
	*place
	cell  cell
	cmd   *exec.Cmd
	ended chan struct{}
	told  bool // it was told to reload, and has not done it yet
}

// serve starts it.
func (p *place) serve(c cell) *serving {
	p.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := p.command(ctx, c.run[0])
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var output safeBuffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		cancel()
		p.Fatal(err)
	}
	s := &serving{place: p, cell: c, cmd: cmd, ended: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(s.ended) }()
	p.Cleanup(func() {
		cancel()
		<-s.ended
		if p.Failed() {
			p.Logf("%s:\n%s", cmd, output.String())
		}
	})
	return s
}

// shows waits until a handshake with the server shows a chain that the root vouches for, and that is not the one from
// before. It is then in the file {DIR}/seen.pem.
func (s *serving) shows(before string) (chain string) {
	s.Helper()
	s.waitFor("a handshake shows a new certificate", func() bool {
		s.mustRun()
		s.tell()
		chain = s.handshake()
		return chain != "" && chain != before
	})
	s.write(s.expand("{DIR}/seen.pem"), chain)
	return chain
}

// mustRun fails when the server has ended.
func (s *serving) mustRun() {
	s.Helper()
	select {
	case <-s.ended:
		s.Fatal("the server ended")
	default:
	}
}

// serveBeside starts a server that stands beside the client, and waits until it listens.
func (p *place) serveBeside(line string) {
	p.Helper()
	s := p.serve(cell{run: []string{line}})
	s.waitFor("a server listens at "+p.tlsPort, func() bool {
		s.mustRun()
		conn, err := new(net.Dialer).DialContext(p.Context(), "tcp", "127.0.0.1:"+p.tlsPort)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// tell lets a server reload that has a certificate lying ready: once, until that has gone into use.
func (s *serving) tell() {
	s.Helper()
	ready := s.isReady()
	if ready && !s.told {
		if err := s.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			s.Fatal(err)
		}
	}
	s.told = ready
}

// isReady says that the server has a certificate that a reload takes into use.
func (s *serving) isReady() bool {
	s.Helper()
	found, err := filepath.Glob(s.expand(s.cell.reload))
	if err != nil || len(found) != 1 {
		return false
	}
	text, err := os.ReadFile(found[0])
	return err == nil && s.cell.ready.Match(text)
}

// handshake connects as a browser would, and returns the chain that it accepted; "" says that there was none.
func (p *place) handshake() string {
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
		return ""
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	var chain bytes.Buffer
	for _, certificate := range conn.(*tls.Conn).ConnectionState().PeerCertificates {
		if err := pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}); err != nil {
			p.Fatal(err)
		}
	}
	return chain.String()
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
