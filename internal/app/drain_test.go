package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// bare returns a server of nothing, that has this long to drain.
func bare(drain time.Duration) *server {
	return &server{
		app:    &App{config: config.Config{Drain: drain}, log: slog.New(slog.DiscardHandler), limits: web.DefaultLimits()},
		failed: make(chan error, 4),
	}
}

// A server that is stopped before it has begun to accept must not remove the socket of the next.
func TestTheNextServerMayBindTheSocketAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "everleaf.sock")
	for range 100 {
		l, err := bindSocket(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		s := bare(time.Minute)
		s.serve(l, http.NotFoundHandler())
		if err := s.shutdown(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("the socket is still there, and whoever removes it may remove that of the next server: %v", err)
		}
	}
}

func TestWhatDrainsTooLongIsCutOffAndTold(t *testing.T) {
	s := bare(time.Millisecond)
	asked, never := make(chan struct{}), make(chan struct{})
	defer close(never)
	l, err := bind(t.Context(), "listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.serve(l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-never
	}))
	answered := make(chan error, 1)
	go func() {
		response, err := http.Get("http://" + l.Addr().String())
		if err == nil {
			err = response.Body.Close()
		}
		answered <- err
	}()
	<-asked
	if err := s.shutdown(); err == nil || err.Error() != "requests that were open after 1ms were cut off" {
		t.Errorf("%v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the request was answered")
	}
}

// lastLine serves until stop, and returns the last line of the log.
func lastLine(t *testing.T, stop func(*App, context.CancelCauseFunc)) string {
	t.Helper()
	var log bytes.Buffer
	a, err := Open(t.Context(), settings(t, t.TempDir()), slog.New(slog.NewTextHandler(&log, nil)), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	_ = a.Serve(ctx, Control{Ready: func(Info) { stop(a, cancel) }})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	return lines[len(lines)-1]
}

func TestTheLastLineOfTheLogTellsTheEnd(t *testing.T) {
	line := lastLine(t, func(_ *App, cancel context.CancelCauseFunc) { cancel(errors.New("terminated signal received")) })
	if !strings.Contains(line, `level=INFO msg="the server has ended" cause="terminated signal received" drained=`) {
		t.Error(line)
	}
}

// A check or a backup of a large store takes longer than any other request may.
func TestTheOperatorsDoorHasNoWriteLimit(t *testing.T) {
	const limit = 10 * time.Millisecond
	a, err := Open(t.Context(), settings(t, t.TempDir()), slog.New(slog.DiscardHandler), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	a.limits.Write = limit
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		err := a.Serve(ctx, Control{
			Ready: func(Info) { close(ready) },
			Reload: func(context.Context) (adminapi.Reloaded, error) {
				<-time.After(5 * limit)
				return adminapi.Reloaded{File: "answered"}, nil
			},
		})
		ended <- errors.Join(err, a.Close())
	}()
	<-ready
	done, err := adminapi.NewClient(adminapi.OverSocket(SocketPath(a.config.Data))).Reload(t.Context())
	if err != nil || done.File != "answered" {
		t.Errorf("an operation beyond the write limit: %+v %v", done, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The limit that the operator's door lacks does cut other replies off.
func TestOtherDoorsHaveAWriteLimit(t *testing.T) {
	const limit = 10 * time.Millisecond
	s := bare(time.Minute)
	s.app.limits.Write = limit
	l, err := bind(t.Context(), "listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(5 * limit)
		_, _ = w.Write([]byte("answered"))
	}))
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("a reply came after the limit")
	}
	if err := s.shutdown(); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
}
