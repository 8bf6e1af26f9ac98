package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/config"
)

func noEnv(string) string { return "" }

func settings(t *testing.T, dir string) config.Config {
	t.Helper()
	if err := os.Chmod(dir, 0o700); err != nil && !errors.Is(err, fs.ErrNotExist) { // that of t.TempDir depends on the umask
		t.Fatal(err)
	}
	return config.Config{
		Data: dir, Listen: "127.0.0.1:0", HTTP01Port: 80, TLSALPN01Port: 443, MaxPerAddress: 64, Drain: 5 * time.Second,
		Resolvers: []string{"127.0.0.1:9"},
	}
}

// running is a server that a test started.
type running struct {
	info   Info
	client *http.Client
	stop   func()
}

func start(t *testing.T, c config.Config) running {
	t.Helper()
	a, err := Open(t.Context(), c, slog.New(slog.DiscardHandler), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan Info, 1), make(chan error, 1)
	go func() {
		err := a.Serve(ctx, Control{Ready: func(i Info) { ready <- i }})
		ended <- errors.Join(err, a.Close())
	}()
	var info Info
	select {
	case info = <-ready:
	case err := <-ended:
		t.Fatalf("the server did not start: %v", err)
	}
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	}
	t.Cleanup(stop)
	return running{info: info, client: trusting(t, info.RootFile), stop: stop}
}

func trusting(t *testing.T, rootFile string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(rootFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}, Timeout: 10 * time.Second}
}

func (r running) get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := r.client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// No resolver answers where these settings point.
// Proves INC-10.
func TestTheFirstStartMakesEverythingAndTheSecondChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first := start(t, settings(t, dir))
	if !first.info.Fresh || !first.info.Trial || len(first.info.PlainKeys) == 0 {
		t.Errorf("%+v", first.info)
	}
	response, directory := first.get(t, first.info.Directory)
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		t.Errorf("%s %s: %s", response.Proto, response.Status, directory)
	}
	_, public := first.get(t, first.info.PublicURL+"/roots.pem")
	_, secure := first.get(t, strings.TrimSuffix(first.info.Directory, "/acme/default/directory")+"/roots.pem")
	file, err := os.ReadFile(first.info.RootFile)
	if err != nil || public != string(file) || secure != string(file) {
		t.Errorf("three places, not one root: %v", err)
	}
	keys := folderOf(t, filepath.Join(dir, "keys"))
	first.stop()

	second := start(t, settings(t, dir))
	if second.info.Fresh || second.info.Fingerprint != first.info.Fingerprint {
		t.Errorf("%+v", second.info)
	}
	if got := folderOf(t, filepath.Join(dir, "keys")); !slices.Equal(got, keys) {
		t.Errorf("keys %v, before %v", got, keys)
	}
	if _, directory := second.get(t, second.info.Directory); !strings.Contains(directory, "newNonce") {
		t.Errorf("the second start serves %s", directory)
	}
}

func folderOf(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(path, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name()+string(text))
	}
	return names
}

func TestAHeldFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	start(t, settings(t, dir))
	_, err := Open(t.Context(), settings(t, dir), slog.New(slog.DiscardHandler), noEnv)
	if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
}

func TestMissingKeysAreRefused(t *testing.T) {
	dir := t.TempDir()
	start(t, settings(t, dir)).stop()
	if err := os.Remove(filepath.Join(dir, "keys", "default-1.key")); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), settings(t, dir), slog.New(slog.DiscardHandler), noEnv)
	if err == nil || !strings.Contains(err.Error(), `key "default-1"`) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys", "default-1.key")); err == nil {
		t.Error("a new key was made in its place")
	}
}

func TestAMissingSealingKeyIsRefusedOnceSomethingIsSealed(t *testing.T) {
	dir := t.TempDir()
	lose := func() {
		if err := os.Remove(filepath.Join(dir, "keys", "sealing.key")); err != nil {
			t.Fatal(err)
		}
	}
	start(t, settings(t, dir)).stop()
	lose()
	r := start(t, settings(t, dir)) // nothing was sealed: a new key loses nothing
	_, err := adminapi.NewClient(adminapi.OverSocket(SocketPath(dir))).CreateCredential(t.Context(), adminapi.NewCredential{Name: "c"})
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	lose()
	_, err = Open(t.Context(), settings(t, dir), slog.New(slog.DiscardHandler), noEnv)
	if err == nil || !strings.Contains(err.Error(), "sealing key is missing") {
		t.Errorf("%v", err)
	}
}

func TestATakenPortIsToldAndLeavesTheFolderFree(t *testing.T) {
	one := start(t, settings(t, t.TempDir()))
	c := settings(t, t.TempDir())
	c.Listen = strings.TrimPrefix(strings.TrimSuffix(one.info.Directory, "/acme/default/directory"), "https://localhost")
	c.Listen = "127.0.0.1" + c.Listen
	a, err := Open(t.Context(), c, slog.New(slog.DiscardHandler), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(a.Serve(t.Context(), Control{}), a.Close())
	if err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("%v", err)
	}
	c.Listen = "127.0.0.1:0"
	start(t, c)
}

// Proves INC-38, INC-72.
func TestTheSocketIsTheOperators(t *testing.T) {
	dir := t.TempDir()
	start(t, settings(t, dir))
	path := SocketPath(dir)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	list, err := adminapi.NewClient(adminapi.OverSocket(path)).Certificates(t.Context(), adminapi.CertificateFilter{})
	if err != nil || len(list.Certificates) != 1 || !slices.Contains(list.Certificates[0].Names, "localhost") {
		t.Errorf("%+v %v", list, err)
	}
}

func TestReloadSaysWhyTheOldSettingsStay(t *testing.T) {
	dir := t.TempDir()
	a, err := Open(t.Context(), settings(t, dir), slog.New(slog.DiscardHandler), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	h := a.adminHandler(care{app: a, health: &health{}, reload: func(context.Context) (adminapi.Reloaded, error) {
		return adminapi.Reloaded{}, errors.New("line 3: no setting listn")
	}}, "")
	_, err = adminapi.NewClient(adminapi.InProcess(h)).Reload(t.Context())
	if err == nil || !strings.Contains(err.Error(), "line 3: no setting listn") {
		t.Errorf("%v", err)
	}
}
