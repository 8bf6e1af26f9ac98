//go:build unix

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/test/privilege"
)

// folderOfMode returns a new folder of a mode, whatever the umask is.
func folderOfMode(t *testing.T, mode fs.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAFolderThatOthersCanChangeIsRefused(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		0o700: "", 0o755: "", 0o711: "",
		0o770:                 " has mode 0770, so other users of this machine can change what is in it; run: chmod 700 ",
		0o702:                 " has mode 0702, so other users of this machine can change what is in it; run: chmod 700 ",
		0o777 | fs.ModeSticky: " has mode 0777, so other users of this machine can change what is in it; give another with --data",
	} {
		dir := folderOfMode(t, mode)
		f, err := openFolder(dir)
		if err == nil {
			err = f.close()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), "the data folder "+dir+want)) {
			t.Errorf("mode %v: %v", mode, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || want != "" && len(entries) != 0 {
			t.Errorf("mode %v: %v %v", mode, entries, err)
		}
	}
}

func TestAFolderOfAnotherUserIsRefused(t *testing.T) {
	dir := folderOfMode(t, 0o755)
	privilege.Chown(t, dir, 4711)
	want := fmt.Sprintf("the data folder %s belongs to user 4711, and this process is user %d; ", dir, os.Geteuid())
	if _, err := openFolder(dir); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

func TestAStartTellsThatOthersCanListTheFolder(t *testing.T) {
	for mode, told := range map[fs.FileMode]bool{0o700: false, 0o755: true, 0o750: true} {
		var log bytes.Buffer
		c := settings(t, t.TempDir())
		if err := os.Chmod(c.Data, mode); err != nil {
			t.Fatal(err)
		}
		a, err := Open(t.Context(), c, slog.New(slog.NewTextHandler(&log, nil)), noEnv)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := errors.Join(a.Serve(ctx, Control{Ready: func(Info) { cancel() }}), a.Close()); err != nil {
			t.Error(err)
		}
		cancel()
		if got := strings.Contains(log.String(), "other users of this machine can see which files are in the data folder"); got != told {
			t.Errorf("mode %v: told %t, want %t", mode, got, told)
		}
	}
}
