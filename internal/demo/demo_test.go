package demo

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// It ends with a verified handshake.
func TestOnceLeavesNothing(t *testing.T) {
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
	requireNothing(t, temp)
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

// Told to end while anything is under way, it ends in order and speaks of nothing else.
func TestItEndsAtAnyTime(t *testing.T) {
	for _, milliseconds := range []int{0, 5, 20, 50, 100, 150, 200, 300} {
		temp := t.TempDir()
		t.Setenv("TMPDIR", temp)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(milliseconds)*time.Millisecond)
		var out bytes.Buffer
		if err := Run(ctx, Options{Out: &out}); err != nil {
			t.Errorf("after %d ms: %v", milliseconds, err)
		}
		cancel()
		if !strings.HasSuffix(out.String(), "\nEnded.\n\n") {
			t.Errorf("after %d ms: %s", milliseconds, &out)
		}
		requireNothing(t, temp)
	}
}

// deaf is a reader that takes some lines and then fails.
type deaf struct {
	lines int
	with  error
}

func (d *deaf) Write(p []byte) (int, error) {
	if d.lines--; d.lines < 0 {
		return 0, d.with
	}
	return len(p), nil
}

func TestItEndsWhenNobodyReads(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
	const refusal = "the demonstration cannot be shown: no space left on device; let it write elsewhere"
	for _, tt := range []struct {
		reader deaf
		want   string
	}{
		{deaf{0, syscall.EPIPE}, "<nil>"},
		{deaf{1, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}}, "<nil>"},
		{deaf{5, syscall.EPIPE}, "<nil>"},
		{deaf{0, full}, refusal},
		{deaf{1, full}, refusal},
		{deaf{9, full}, refusal}, // at the last of all
	} {
		temp := t.TempDir()
		t.Setenv("TMPDIR", temp)
		reader := tt.reader
		if err := Run(t.Context(), Options{Out: &reader, Once: true}); fmt.Sprint(err) != tt.want {
			t.Errorf("after %d lines: got %v, want %s", tt.reader.lines, err, tt.want)
		}
		requireNothing(t, temp)
	}
}

func TestItNamesAFolderThatCannotBeUsed(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TMPDIR", missing)
	want := "a folder for the demonstration cannot be made in " + missing + ": no such file or directory; name another place with TMPDIR"
	if err := Run(t.Context(), Options{Out: &bytes.Buffer{}, Once: true}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func requireNothing(t *testing.T, folder string) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(left) > 0 {
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
		"piped":    {false, "   0.00s  renewal in 20s\n  10.00s  renewal in 10s\n  20.00s  renewal, early for whoever watches\n"},
		"terminal": {true, "\r   0.00s  renewal in 2s" + spaces + "\r   1.00s  renewal in 1s" + spaces + "\r" + strings.Repeat(" ", wide) + "\r   2.00s  renewal, early for whoever watches\n"},
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
