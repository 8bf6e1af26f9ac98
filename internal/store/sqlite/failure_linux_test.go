package sqlite

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// childFolder names the environment variable that makes TestWriteErrorChild work, in that folder.
const childFolder = "EVERLEAF_TEST_WRITE_ERROR"

// An I/O error at COMMIT. The kernel refuses to make the log longer (RLIMIT_FSIZE), which holds for a whole process:
// hence the child.
func TestWriteErrorAtCommit(t *testing.T) {
	folder := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestWriteErrorChild$", "-test.v")
	child.Env = append(os.Environ(), childFolder+"="+folder)
	output, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	db, err := Open(context.Background(), filepath.Join(folder, "everleaf.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, want := range map[string]bool{"before": true, "after": true} {
		if stored(t, db, name) != want {
			t.Errorf("after a restart %q is stored: %v", name, !want)
		}
	}
	checkSound(t, db)
}

func TestWriteErrorChild(t *testing.T) {
	folder := os.Getenv(childFolder)
	if folder == "" {
		return // it runs as the child of TestWriteErrorAtCommit
	}
	signal.Ignore(syscall.SIGXFSZ) // the write returns EFBIG instead
	path := filepath.Join(folder, "everleaf.db")
	db, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.PutSetting(context.Background(), "before", "x"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []uint64{0, 100} { // no frame, a part of one
		restore := limitFiles(t, uint64(info.Size())+room)
		errs := group(t, db, put("first", "x"), put("second", "x"))
		for i, err := range errs {
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("member %d: %v", i, err)
			}
			t.Log(err)
		}
		if stored(t, db, "first") || stored(t, db, "second") {
			t.Error("a part of the group is visible")
		}
		restore()
	}
	if err := db.PutSetting(context.Background(), "after", "x"); err != nil {
		t.Error(err)
	}
	checkSound(t, db)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// limitFiles bounds the size of the files that the process can write, until restore is called.
func limitFiles(t *testing.T, size uint64) (restore func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	set := func(limit syscall.Rlimit) {
		t.Helper()
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	set(syscall.Rlimit{Cur: size, Max: before.Max})
	return func() { set(before) }
}
