package cli

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/config"
)

// A reload takes over what it can and says so, refuses the rest by name, and after an error everything is as before.
func TestReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "everleaf.yaml")
	write := func(text string) {
		if text == "" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			return
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log-level: info\nlisten: :1\n")
	s := config.Sources{File: file, Env: func(name string) string {
		return map[string]string{"EVERLEAF_DATA": "d", "EVERLEAF_LISTEN": "127.0.0.1:1"}[name]
	}}
	_, before, err := config.Resolve(s)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	again := &reloader{sources: s, level: new(slog.LevelVar), log: newLogger(&log, "text", slog.LevelInfo), values: before}
	for _, step := range []struct {
		text  string
		said  string // FILE stands for the path
		level slog.Level
	}{
		{"log-level: debug\n", "FILE was read. Changed: log-level from info to debug (FILE:1).", slog.LevelDebug},
		{"# moved\nlog-level: debug\nlisten: :2\n", "FILE was read; no setting has changed.", slog.LevelDebug},
		{
			"log-level: warn\ndns-resolver: [192.0.2.1, 192.0.2.2]\ndrain: 1s\n",
			"nothing was taken over, since this needs a restart of the server: dns-resolver from nothing to 192.0.2.1, 192.0.2.2 (FILE:2); drain from 30s to 1s (FILE:3)",
			slog.LevelDebug,
		},
		{"log-level: loud\n", `FILE:1: log-level: "loud" is none of debug, info, warn, error`, slog.LevelDebug},
		{"", "There is no file FILE. Changed: log-level from debug to info (default).", slog.LevelInfo},
	} {
		write(step.text)
		log.Reset()
		done, err := again.reload(t.Context())
		said := tellReloaded(done)
		if err != nil {
			said = err.Error()
		}
		if want := strings.ReplaceAll(step.said, "FILE", file); said != want || again.level.Level() != step.level {
			t.Errorf("%q: got\n%s\nand level %s, want\n%s\nand %s", step.text, said, again.level.Level(), want, step.level)
		}
		if !strings.Contains(log.String(), "file="+file) {
			t.Errorf("the log does not name the file: %s", log.String())
		}
	}
}

// A person reads a sentence, a program the changes.
func TestReloadShowsWhatChanged(t *testing.T) {
	b := newBench(t, serveDoor(t, &fakeDoor{answers: map[string]any{
		"POST /v1/operation/reload": adminapi.Reloaded{File: "/f", Read: true, Changes: []adminapi.SettingChange{
			{Name: "log-level", From: []string{"info"}, To: []string{"debug"}, Source: "/f:1"},
		}},
	}}))
	b.want(exitDone, "", "/f was read. Changed: log-level from info to debug (/f:1).\n", "reload")
	b.env["EVERLEAF_OUTPUT"] = "json"
	stdout, stderr, code := b.run("reload")
	const want = `{"schema_version":1,"file":"/f","read":true,"changes":[{"name":"log-level","from":["info"],"to":["debug"],"source":"/f:1"}]}`
	var got bytes.Buffer
	if err := json.Compact(&got, []byte(stdout)); err != nil || got.String() != want || stderr != "" || code != exitDone {
		t.Errorf("exit %d, %v: %s%s", code, err, stdout, stderr)
	}
}
