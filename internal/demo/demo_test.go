package demo

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
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

// deaf is a reader that has seen enough after the first line.
type deaf struct{ lines int }

func (d *deaf) Write(p []byte) (int, error) {
	if d.lines++; d.lines > 1 {
		return 0, syscall.EPIPE
	}
	return len(p), nil
}

func TestItEndsWhenNobodyReads(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	if err := Run(t.Context(), Options{Out: &deaf{}}); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
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

func TestTheCountdown(t *testing.T) {
	spaces := strings.Repeat(" ", wide-len("   0.00s  renewal in 2s"))
	for name, tt := range map[string]struct {
		live bool
		want string
	}{
		"piped":    {false, "   0.00s  renewal in 20s\n  10.00s  renewal in 10s\n  20.00s  two thirds of its life are over: renewal\n"},
		"terminal": {true, "\r   0.00s  renewal in 2s" + spaces + "\r   1.00s  renewal in 1s" + spaces + "\r" + strings.Repeat(" ", wide) + "\r   2.00s  two thirds of its life are over: renewal\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				s := newStage(&out, func() {})
				wait := 20 * time.Second
				if s.live = tt.live; s.live {
					wait = 2 * time.Second
				}
				if !s.countdown(t.Context(), time.Now().Add(wait)) {
					t.Error("it did not wait")
				}
				if diff := cmp.Diff(tt.want, out.String()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestTheCountdownNoticesTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if newStage(&bytes.Buffer{}, func() {}).countdown(ctx, time.Now().Add(time.Hour)) {
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
