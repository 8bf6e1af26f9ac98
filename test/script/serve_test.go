package script

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// startLimit is how long a server may take to start or to end: keys are encrypted, the race detector watches, and others work.
const startLimit = 5 * time.Minute

// server is a running "everleaf serve", or "everleaf validator".
type server struct {
	cmd   *exec.Cmd
	log   string // file with its stderr
	ended chan error
}

// serve starts a server and waits for what it tells the service manager.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	if neg || w.server != nil {
		ts.Fatalf("usage: serve [FLAGS]; one at a time, a refusal is \"! exec everleaf serve\"")
	}
	if w.site == nil {
		site, err := newSite()
		ts.Check(err)
		w.site = site
	}
	all := []string{"serve", "--listen", "127.0.0.1:0", "--dns-resolver", "127.0.0.1:9", "--http01-port", strconv.Itoa(w.site.port())}
	w.server = start(ts, "server.log", append(all, args...))
	banner := regexp.MustCompile(`(?m)^  ACME directory +(\S+)$`).FindStringSubmatch(ts.ReadFile(w.server.log))
	if banner == nil {
		ts.Fatalf("the server names no directory:\n%s", ts.ReadFile(w.server.log))
	}
	ts.Setenv("DIRECTORY", banner[1])
	ts.Setenv("SERVER_LOG", w.server.log)
}

// start starts the program and waits until it says that it is ready.
func start(ts *testscript.TestScript, log string, args []string) *server {
	ready, err := newNotifySocket(ts.MkAbs(".notify"))
	ts.Check(err)
	defer ready.Close()
	s, err := startProcess(ts, log, args)
	ts.Check(err)
	if err := s.waitReady(ready); err != nil {
		s.kill()
		ts.Fatalf("%v\n%s", err, ts.ReadFile(s.log))
	}
	return s
}

// newNotifySocket listens as a service manager does (sd_notify).
func newNotifySocket(path string) (*net.UnixConn, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
}

func startProcess(ts *testscript.TestScript, log string, args []string) (*server, error) {
	binary, err := lookPath(ts.Getenv("PATH"), "everleaf")
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(binary, args...), log: ts.MkAbs(log), ended: make(chan error, 1)}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "EVERLEAF_DATA", "EVERLEAF_CONFIG", "EVERLEAF_PASSPHRASE", "GOCOVERDIR"} {
		if value := ts.Getenv(name); value != "" {
			s.cmd.Env = append(s.cmd.Env, name+"="+value)
		}
	}
	s.cmd.Env = append(s.cmd.Env, "NOTIFY_SOCKET="+ts.MkAbs(".notify"))
	s.cmd.Dir = ts.MkAbs(".")
	file, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s.cmd.Stderr = file
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	return s, nil
}

// lookPath finds a command in the PATH of a script.
func lookPath(path, name string) (string, error) {
	for _, folder := range filepath.SplitList(path) {
		if info, err := os.Stat(filepath.Join(folder, name)); err == nil && info.Mode()&0o100 != 0 {
			return filepath.Join(folder, name), nil
		}
	}
	return "", fmt.Errorf("%s is not in the PATH of the script", name)
}

func (s *server) waitReady(socket *net.UnixConn) error {
	told := make(chan error, 1)
	go func() {
		text := make([]byte, 256)
		err := socket.SetReadDeadline(time.Now().Add(startLimit))
		if err == nil {
			var n int
			n, err = socket.Read(text)
			if err == nil && string(text[:n]) != "READY=1" {
				err = fmt.Errorf("the server told %q", text[:n])
			}
		}
		told <- err
	}()
	select {
	case err := <-told:
		return err
	case err := <-s.ended:
		s.ended <- err
		return fmt.Errorf("the server ended before it was ready: %w", errors.Join(err, errors.New("see its log")))
	}
}

// halt ends the server in order.
func halt(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	if neg || len(args) > 0 || w.server == nil {
		ts.Fatalf("usage: halt, after serve")
	}
	ts.Check(w.server.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-w.server.ended:
		w.server.ended <- err
		if err != nil {
			ts.Fatalf("the server ended with %v\n%s", err, ts.ReadFile(w.server.log))
		}
	case <-time.After(startLimit):
		ts.Fatalf("the server did not end\n%s", ts.ReadFile(w.server.log))
	}
	w.server = nil
}

// kill ends the process of a script that is over.
func (s *server) kill() {
	if s != nil {
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}
