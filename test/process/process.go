// Package process runs the real binary as a process of its own, for tests that kill it, trace it, or let other
// people's clients use it.
package process

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit is how long a server may take to be ready.
const startLimit = 30 * time.Second

// Root is the folder of the module.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Build compiles the command and returns its path. Flags are those of go build.
func Build(t testing.TB, flags ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "everleaf")
	arguments := append([]string{"build", "-o", binary}, flags...)
	build := exec.CommandContext(t.Context(), "go", append(arguments, "./cmd/everleaf")...)
	build.Dir = Root()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	return binary
}

// Server is a running "everleaf serve".
type Server struct {
	Directory string // URL
	Root      string // file
	PublicURL string

	cmd    *exec.Cmd
	log    *tail
	exited chan struct{}
	err    error
}

// Start runs command, which ends in an "everleaf serve" with its flags, and waits until the server is ready. It is
// killed at the end of the test if it still runs.
func Start(t testing.TB, command ...string) *Server {
	t.Helper()
	s, err := start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

func start(command []string) (*Server, error) {
	cmd := exec.CommandContext(context.Background(), command[0], command[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a tracer and its server die together
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	s := &Server{cmd: cmd, log: &tail{}, exited: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		s.read(pipe, ready)
		s.err = cmd.Wait()
		close(s.exited)
	}()
	select {
	case <-ready:
		return s, nil
	case <-s.exited:
		return nil, fmt.Errorf("the server ended: %w\n%s", s.err, s.log)
	case <-time.After(startLimit):
		s.Kill()
		return nil, fmt.Errorf("the server was not ready in %v\n%s", startLimit, s.log)
	}
}

var banner = regexp.MustCompile(`^  (ACME directory|Root certificate|CRLs and issuers) +(\S+)$`)

// read takes the addresses from the banner and keeps the end of the log.
func (s *Server) read(pipe io.Reader, ready chan<- struct{}) {
	found := 0
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s.log.add(lines.Text())
		if m := banner.FindStringSubmatch(lines.Text()); m != nil {
			switch m[1] {
			case "ACME directory":
				s.Directory = m[2]
			case "Root certificate":
				s.Root = m[2]
			default:
				s.PublicURL = m[2]
			}
			if found++; found == 3 {
				close(ready)
			}
		}
	}
}

// Listen is the address of the HTTPS listener, to start the next server on the same one.
func (s *Server) Listen() string {
	host := strings.TrimSuffix(strings.TrimPrefix(s.Directory, "https://"), "/acme/default/directory")
	return strings.Replace(host, "localhost", "127.0.0.1", 1)
}

// Kill ends the process at once, as a crash would, and waits for its end.
func (s *Server) Kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.exited
}

// Stop asks the process to end in order and returns how it ended.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case <-s.exited:
		return s.err
	case <-time.After(startLimit):
		s.Kill()
		return fmt.Errorf("the server did not stop in %v\n%s", startLimit, s.log)
	}
}

// Log returns the last lines that the server wrote.
func (s *Server) Log() string { return s.log.String() }

// tail keeps the last lines of a log.
type tail struct {
	mu    sync.Mutex
	lines []string
}

const tailLines = 200

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines = append(l.lines, line); len(l.lines) > tailLines {
		l.lines = l.lines[1:]
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
