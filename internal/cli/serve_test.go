package cli

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func TestLogger(t *testing.T) {
	for format, want := range map[string]string{"json": `{"time"`, "auto": `{"time"`, "text": "time="} {
		var out bytes.Buffer
		newLogger(&out, format, slog.LevelInfo).Info("word", slog.Group("g", slog.Duration("took", 1234567*time.Nanosecond)), slog.Duration("limit", 30*time.Second))
		if !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: got %q", format, out.String())
		}
		for _, length := range []string{"1.235ms", "30s"} {
			if !strings.Contains(out.String(), length) {
				t.Errorf("%s: no %s in %q", format, length, out.String())
			}
		}
	}
}

func TestBanner(t *testing.T) {
	info := app.Info{
		HTTP01Port: 80, Directory: "https://ca.example.com/acme/default/directory", PublicURL: "http://pki.example.com", Metrics: "http://127.0.0.1:8445/metrics",
		RootFile: "/srv/ca/root.pem", Fingerprint: pki.HexPairs(strings.Repeat("ab", 32)), Data: "/srv/ca",
	}
	fresh := info
	fresh.Fresh, fresh.Trial, fresh.PlainKeys, fresh.Metrics = true, true, []string{"root-1", "default-1"}, ""
	fresh.HTTP01Port, fresh.Guessed = 5002, true
	var out strings.Builder
	banner(&out, info)
	banner(&out, fresh)
	golden(t, "banner.golden", out.String())
}

func TestShellPath(t *testing.T) {
	folder, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/srv/ca/root.pem": "/srv/ca/root.pem", "/srv/my ca": "'/srv/my ca'", "/it's": `'/it'\''s'`, "/a;b": "'/a;b'", "data/x": shellPath(folder + "/data/x"),
	} {
		if got := shellPath(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
