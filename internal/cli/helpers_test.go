package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/app"
)

// noon is the present of these tests.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// bench runs commands and keeps what they say.
type bench struct {
	t        *testing.T
	env      map[string]string
	patience time.Duration
}

// newBench returns a bench whose commands use the data folder.
func newBench(t *testing.T, data string) *bench {
	t.Helper()
	return &bench{t: t, env: map[string]string{"EVERLEAF_DATA": data, "EVERLEAF_CONFIG": emptyFile(t)}}
}

func emptyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs one command.
func (b *bench) run(args ...string) (stdout, stderr string, code int) {
	b.t.Helper()
	var out, talk strings.Builder
	c := &command{
		Streams: Streams{In: strings.NewReader(""), Out: &out, Err: &talk},
		env:     func(name string) string { return b.env[name] }, names: slices.Collect(maps.Keys(b.env)), now: func() time.Time { return noon }, patience: b.patience,
	}
	code = run(b.t.Context(), c, args)
	return out.String(), talk.String(), code
}

// want runs one command and compares everything that it says.
func (b *bench) want(code int, stdout, stderr string, args ...string) {
	b.t.Helper()
	gotOut, gotErr, gotCode := b.run(args...)
	got := fmt.Sprintf("exit %d\n%s---\n%s", gotCode, gotOut, gotErr)
	if diff := cmp.Diff(fmt.Sprintf("exit %d\n%s---\n%s", code, stdout, stderr), got); diff != "" {
		b.t.Errorf("everleaf %s:\n%s", strings.Join(args, " "), diff)
	}
}

// fakeDoor is a server of the administration that says what a test told it.
type fakeDoor struct {
	mu      sync.Mutex
	answers map[string]any // by method and URI
	asked   []string       // method, URI and body of every request
}

// refused is an answer with another status than 200.
type refused struct {
	status int
	body   string
}

func (d *fakeDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	asked := r.Method + " " + r.URL.RequestURI()
	d.asked = append(d.asked, strings.TrimSpace(asked+" "+string(body)))
	answer, ok := d.answers[asked]
	if !ok {
		answer = refused{http.StatusNotFound, `{"kind":"not_found","message":"There is no such thing."}`}
	}
	if no, ok := answer.(refused); ok {
		w.WriteHeader(no.status)
		_, _ = io.WriteString(w, no.body)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// requests returns what was asked since the last call.
func (d *fakeDoor) requests() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := d.asked
	d.asked = nil
	return asked
}

// serveDoor lets the handler stand for the running server of a data folder, which it returns.
func serveDoor(t *testing.T, door http.Handler) string {
	t.Helper()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, app.DatabaseFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	socket := app.SocketPath(data)
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: door, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Shutdown(context.Background())
		<-done
	})
	return data
}

// golden compares text with a file of testdata, or writes it when UPDATE_GOLDEN is set.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (UPDATE_GOLDEN=1 takes the new text over):\n%s", name, diff)
	}
}
