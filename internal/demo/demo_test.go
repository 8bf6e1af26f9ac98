package demo

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOnceEndsWithAVerifiedHandshakeAndLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Out: &out, Once: true}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"ACME directory https://localhost:", "http-01", "certificate ", "valid 2m0s", "a handshake shows exactly it", "Done: https://shop.localhost:"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not told:\n%s", want, &out)
		}
	}
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestItEndsWhenItIsTold(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	out := &watched{until: "renewal in", then: cancel}
	if err := Run(ctx, Options{Out: out}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "curl --cacert") || !strings.Contains(out.String(), "Ended.") {
		t.Error(out.String())
	}
}

// watched calls then when a text is written.
type watched struct {
	bytes.Buffer
	until string
	then  func()
}

func (w *watched) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.until) {
		w.then()
	}
	return w.Buffer.Write(p)
}

func TestTheCountdownEndsAtItsTime(t *testing.T) {
	var out bytes.Buffer
	s := &stage{out: &out, started: time.Now()}
	if !s.countdown(t.Context(), time.Now().Add(-time.Second)) || !strings.Contains(out.String(), "renewal") {
		t.Error(out.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s.countdown(ctx, time.Now().Add(time.Hour)) {
		t.Error("it did not notice the end")
	}
}

func TestRootsAreWanted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "root.pem")
	if _, err := readRoots(file); err == nil {
		t.Error("a missing file is taken")
	}
	if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readRoots(file); err == nil {
		t.Error("a file without certificates is taken")
	}
}
