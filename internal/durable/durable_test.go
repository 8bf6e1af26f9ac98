package durable_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/durable"
)

// writer is the shape that WriteFile and CreateFile share.
type writer func(path string, data []byte, perm fs.FileMode) error

func writers() map[string]writer {
	return map[string]writer{"WriteFile": durable.WriteFile, "CreateFile": durable.CreateFile}
}

func TestWritersMakeTheFile(t *testing.T) {
	for name, write := range writers() {
		for _, content := range []string{"", "content", string(make([]byte, 1<<20))} {
			t.Run(fmt.Sprintf("%s/%d bytes", name, len(content)), func(t *testing.T) {
				folder := t.TempDir()
				if err := write(filepath.Join(folder, "file"), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				requireFile(t, filepath.Join(folder, "file"), content)
				requireNames(t, folder, "file")
			})
		}
	}
}

func TestWriteFileReplaces(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	for _, content := range []string{"a long first version", "second"} {
		if err := durable.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		requireFile(t, path, content)
	}
	requireNames(t, folder, "file")
}

func TestReplaceFile(t *testing.T) {
	errNo := errors.New("not good")
	for about, test := range map[string]struct {
		old     string // "" for no file
		verdict error
		want    error
	}{
		"checked": {old: "old"},
		"refused": {old: "old", verdict: errNo, want: errNo},
		"missing": {want: fs.ErrNotExist},
	} {
		t.Run(about, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "file")
			if test.old != "" {
				if err := durable.WriteFile(path, []byte(test.old), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := durable.ReplaceFile(path, []byte("new"), 0o600, func(temporary string) error {
				requireFile(t, temporary, "new")
				requireFile(t, path, test.old)
				return test.verdict
			})
			switch {
			case !errors.Is(err, test.want):
				t.Errorf("got %v, want %v", err, test.want)
			case test.old == "":
				requireNames(t, folder)
				return
			case err == nil:
				requireFile(t, path, "new")
			default:
				requireFile(t, path, "old")
			}
			requireNames(t, folder, "file")
		})
	}
}

func TestSweep(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{".a.key.123.tmp", ".b.tmp", ".hidden", "c.tmp", "d.key"} {
		if err := durable.WriteFile(filepath.Join(folder, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, ".folder.tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := durable.Sweep(folder); err != nil {
			t.Fatal(err)
		}
		requireNames(t, folder, ".folder.tmp", ".hidden", "c.tmp", "d.key")
	}
	if err := durable.Sweep(filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestCreateFileNeverReplaces(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := durable.CreateFile(path, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := durable.CreateFile(path, []byte("second"), 0o600)
	if !errors.Is(err, fs.ErrExist) {
		t.Fatalf("got %v, want fs.ErrExist", err)
	}
	if want := "create " + path + ": file already exists"; err.Error() != want {
		t.Errorf("got %q, want %q: the temporary name is nobody's business", err, want)
	}
	requireFile(t, path, "first")
	requireNames(t, folder, "file")
}

func TestCreateFileHasOneWinner(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	var winner atomic.Pointer[string]
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			content := fmt.Sprintf("writer %d", i)
			switch err := durable.CreateFile(path, []byte(content), 0o600); {
			case err == nil && winner.Swap(&content) != nil:
				t.Error("two writers were told that they made the file")
			case err != nil && !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if winner.Load() == nil {
		t.Fatal("no writer made the file")
	}
	requireFile(t, path, *winner.Load())
	requireNames(t, folder, "file")
}

func TestReadersSeeOldOrNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	versions := []string{string(make([]byte, 100_000)), "short"}
	if err := durable.WriteFile(path, []byte(versions[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for i := range 20 {
			if err := durable.WriteFile(path, []byte(versions[i%2]), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	for range 200 {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != versions[0] && string(got) != versions[1] {
			t.Fatalf("a reader saw %d bytes, which is no version", len(got))
		}
	}
	group.Wait()
}

func TestWritersFailWithoutATrace(t *testing.T) {
	for name, write := range writers() {
		t.Run(name+"/the target is a folder", func(t *testing.T) {
			folder := t.TempDir()
			if err := os.Mkdir(filepath.Join(folder, "file"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := write(filepath.Join(folder, "file"), []byte("x"), 0o600); err == nil {
				t.Error("no error")
			}
			requireNames(t, folder, "file")
			requireNames(t, filepath.Join(folder, "file"))
		})
		t.Run(name+"/the folder is missing", func(t *testing.T) {
			folder := t.TempDir()
			err := write(filepath.Join(folder, "missing", "file"), []byte("x"), 0o600)
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want fs.ErrNotExist", err)
			}
			requireNames(t, folder)
		})
		t.Run(name+"/a file stands where the folder should be", func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "parent"), []byte("kept"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := write(filepath.Join(folder, "parent", "file"), []byte("x"), 0o600); err == nil {
				t.Error("no error")
			}
			requireFile(t, filepath.Join(folder, "parent"), "kept")
			requireNames(t, folder, "parent")
		})
	}
}

func TestRemove(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := durable.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Remove(path); err != nil {
		t.Fatal(err)
	}
	requireNames(t, folder)
	if err := durable.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestMkdirAll(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a", "b", "c")
	for range 2 { // an existing folder is no error
		if err := durable.MkdirAll(path + string(filepath.Separator)); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		t.Fatalf("no folder: %v, %v", info, err)
	}
}

func TestMkdirAllConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "c")
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if err := durable.MkdirAll(path); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestMkdirAllRefusesAFileInTheWay(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if err := durable.MkdirAll(path); err == nil {
			t.Errorf("MkdirAll(%s): no error", path)
		}
	}
	requireFile(t, file, "kept")
}

func requireFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Fatalf("%s holds %d bytes (%.40q), want %d (%.40q)", path, len(got), got, len(want), want)
	}
}

// requireNames fails unless folder holds exactly the names: what is more is a temporary file left behind.
func requireNames(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names in the folder (-want +got):\n%s", diff)
	}
}
