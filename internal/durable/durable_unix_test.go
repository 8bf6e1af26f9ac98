//go:build linux || darwin

package durable_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/durable"
)

// withUmask runs the test under a umask, which belongs to the whole process: such tests do not run in parallel.
func withUmask(t *testing.T, mask int) {
	t.Helper()
	old := syscall.Umask(mask)
	t.Cleanup(func() { syscall.Umask(old) })
}

// AG-09: the mode is the one asked for, whatever the umask.
// Proves INC-53.
func TestModesDoNotDependOnUmask(t *testing.T) {
	for _, mask := range []int{0o000, 0o022, 0o077, 0o777} {
		for name, write := range writers() {
			for _, perm := range []fs.FileMode{0o600, 0o644, 0o400, 0o666} {
				t.Run(fmt.Sprintf("%s/umask %03o/%v", name, mask, perm), func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "file")
					withUmask(t, mask)
					if err := write(path, []byte("x"), perm); err != nil {
						t.Fatal(err)
					}
					requireMode(t, path, perm)
				})
			}
		}
	}
}

func TestWriteFileMendsTheMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	requireMode(t, path, 0o600)
}

// The umask 0777 is left out: between mkdir and chmod only root could work in such a folder.
func TestMkdirAllIsPrivate(t *testing.T) {
	for _, mask := range []int{0o000, 0o022, 0o077, 0o377} {
		t.Run(fmt.Sprintf("umask %03o", mask), func(t *testing.T) {
			folder := t.TempDir()
			withUmask(t, mask)
			if err := durable.MkdirAll(filepath.Join(folder, "a", "b")); err != nil {
				t.Fatal(err)
			}
			requireMode(t, filepath.Join(folder, "a"), 0o700)
			requireMode(t, filepath.Join(folder, "a", "b"), 0o700)
		})
	}
}

func TestMkdirAllLeavesExistingFoldersAlone(t *testing.T) {
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := durable.MkdirAll(filepath.Join(folder, "a")); err != nil {
		t.Fatal(err)
	}
	requireMode(t, folder, 0o755)
}

func TestMkdirAllRefusesADanglingLink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("nowhere", path); err != nil {
		t.Fatal(err)
	}
	if err := durable.MkdirAll(path); err == nil {
		t.Error("no error")
	}
}

// AG-09: a symbolic link at the target is neither followed nor replaced.
func TestWritersRefuseASymbolicLink(t *testing.T) {
	refusals := map[string]error{"WriteFile": durable.ErrNotRegular, "CreateFile": fs.ErrExist, "ReplaceFile": durable.ErrNotRegular}
	all := writers()
	all["ReplaceFile"] = func(path string, data []byte, perm fs.FileMode) error {
		return durable.ReplaceFile(path, data, perm, func(string) error { return nil })
	}
	for name, write := range all {
		for _, target := range []string{"victim", "nowhere"} {
			t.Run(name+" to "+target, func(t *testing.T) {
				folder := t.TempDir()
				victim, link := filepath.Join(folder, "victim"), filepath.Join(folder, "link")
				if err := os.WriteFile(victim, []byte("kept"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(target, link); err != nil {
					t.Fatal(err)
				}
				if err := write(link, []byte("x"), 0o600); !errors.Is(err, refusals[name]) {
					t.Errorf("got %v, want %v", err, refusals[name])
				}
				if got, err := os.Readlink(link); err != nil || got != target {
					t.Errorf("the link is now %q, %v", got, err)
				}
				requireFile(t, victim, "kept")
				requireNames(t, folder, "link", "victim")
			})
		}
	}
}

// A disk that is full, or a limit on files, ends the write in the middle.
func TestWriteFileKeepsTheOldFileWhenTheWriteFails(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := durable.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	limitFileSize(t, 1<<12)
	if err := durable.WriteFile(path, make([]byte, 1<<13), 0o600); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("got %v, want EFBIG", err)
	}
	requireFile(t, path, "old")
	requireNames(t, folder, "file")
}

// limitFileSize bounds every file that the process writes, until the test ends.
func limitFileSize(t *testing.T, size uint64) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: size, Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Error(err)
		}
	})
}

func requireMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %v, want %v", path, got, want)
	}
}
