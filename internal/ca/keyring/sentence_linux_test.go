package keyring_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// asNobody runs f with the file rights of the user nobody, when this user may read everything.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	const nobody = 65534
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setfsuid(0) }()
	f()
}

func TestForeignFilesAreToldByName(t *testing.T) {
	dir := privateDir(t)
	ring := openRing(t, dir, "")
	if _, err := ring.Generate("root", pki.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "root.key"), 0); err != nil {
		t.Fatal(err)
	}
	var err error
	asNobody(t, func() { _, err = ring.Load("root") })
	if err == nil || !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "root.key is closed to this user; run the command as the user to whom it belongs") {
		t.Errorf("got %v", err)
	}
}
