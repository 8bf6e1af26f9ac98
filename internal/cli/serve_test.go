package cli

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/config"
)

// A reload takes over what it can, refuses the rest by name, and after an error everything is as before.
func TestReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "everleaf.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log-level: info\nlisten: :1\n")
	s := config.Sources{File: file, Env: func(name string) string { return map[string]string{"EVERLEAF_DATA": "d"}[name] }}
	_, before, err := config.Resolve(s)
	if err != nil {
		t.Fatal(err)
	}
	level := new(slog.LevelVar)
	log := slog.New(slog.DiscardHandler)
	for _, step := range []struct {
		text  string
		err   string
		level slog.Level
	}{
		{"log-level: debug\nlisten: :1\n", "", slog.LevelDebug},
		{"log-level: warn\nlisten: :2\ndrain: 1s\n", "a change of listen, drain needs a restart of the server", slog.LevelDebug},
		{"log-level: loud\nlisten: :1\n", file + `:1: log-level: "loud" is none of debug, info, warn, error`, slog.LevelDebug},
		{"listen: :1\n", "", slog.LevelInfo},
	} {
		write(step.text)
		err := reload(before, s, level, log)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != step.err || level.Level() != step.level {
			t.Errorf("%q: got %q and level %s, want %q and %s", step.text, got, level.Level(), step.err, step.level)
		}
	}
}

func TestLogger(t *testing.T) {
	for format, want := range map[string]string{"json": `{"time"`, "auto": `{"time"`, "text": "time="} {
		var out bytes.Buffer
		newLogger(&out, format, slog.LevelInfo).Info("word")
		if !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: got %q", format, out.String())
		}
	}
}

func TestBanner(t *testing.T) {
	info := app.Info{
		HTTP01Port: 80, Directory: "https://ca.example.com/acme/default/directory", PublicURL: "http://pki.example.com", Metrics: "http://127.0.0.1:8445/metrics",
		RootFile: "/srv/ca/root.pem", Fingerprint: strings.Repeat("ab", 32), Data: "/srv/ca",
	}
	fresh := info
	fresh.Fresh, fresh.Trial, fresh.PlainKeys, fresh.Metrics = true, true, []string{"root-1", "default-1"}, ""
	fresh.HTTP01Port = 5002
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
