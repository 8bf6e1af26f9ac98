package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A file system without hard links is hard to come by in a test; what CreateFile does on one is not.
func TestClaimWithoutLinks(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	for _, content := range []string{"first", "second"} {
		temporary := filepath.Join(folder, content)
		if err := os.WriteFile(temporary, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		err := claimWithoutLinks(temporary, path)
		if content == "first" && err != nil {
			t.Fatal(err)
		}
		if content == "second" && !errors.Is(err, fs.ErrExist) {
			t.Errorf("got %v, want fs.ErrExist", err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "first" {
			t.Errorf("after %s: got %q, %v", content, got, err)
		}
	}
}

func TestClaimWithoutLinksGivesTheNameBack(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := claimWithoutLinks(filepath.Join(folder, "missing"), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty file stayed: %v", err)
	}
}
