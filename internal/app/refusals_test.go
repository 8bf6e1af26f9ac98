package app

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

func TestRefusalsSayWhatToDo(t *testing.T) {
	listen := func(why error) error {
		return &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", why)}
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{refusedAddress("listen", ":443", listen(syscall.EADDRINUSE)), "cannot listen on :443: address already in use; stop what listens there, or choose another address with --listen"},
		{
			refusedAddress("public-listen", ":80", listen(syscall.EACCES)),
			"cannot listen on :80: permission denied; ports below 1024 need root or the capability CAP_NET_BIND_SERVICE; choose another address with --public-listen",
		},
		{refusedAddress("listen", "192.0.2.1:1", listen(syscall.EADDRNOTAVAIL)), "cannot listen on 192.0.2.1:1: cannot assign requested address; choose another address with --listen"},
		{refusedFolder("/d", "made", &fs.PathError{Op: "mkdir", Path: "/d", Err: syscall.EROFS}), "the data folder /d cannot be made: read-only file system; give another with --data"},
		{
			refusedFolder("/d", "locked", &fs.PathError{Op: "open", Path: "/d/lock", Err: syscall.EACCES}),
			"the data folder /d cannot be locked: permission denied; run this as the user to whom it belongs, or give another with --data",
		},
		{
			refusedDatabase("/d/everleaf.db", fault.Wrap(errors.New("attempt to write a readonly database"), fault.Unavailable, "Try again later.")),
			"the database /d/everleaf.db cannot be used: attempt to write a readonly database; make sure that this user may write to it and to its folder, and that the disk has room",
		},
		{refusedDatabase("/d/everleaf.db", fault.New(fault.Conflict, "It is of a newer version.")), fault.New(fault.Conflict, "It is of a newer version.").Error()},
	} {
		if tt.err.Error() != tt.want {
			t.Errorf("got\n%s\nwant\n%s", tt.err, tt.want)
		}
	}
	if refusedDatabase("/d/everleaf.db", nil) != nil {
		t.Error("a database that can be used is refused")
	}
}

func TestADamagedDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	start(t, settings(t, dir)).stop()
	path := filepath.Join(dir, DatabaseFile)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range content[4096:] {
		content[4096+i] = 0x5a
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), settings(t, dir), slog.New(slog.DiscardHandler), noEnv)
	want := "the database " + path + " is damaged: database disk image is malformed (11); restore a backup into an empty folder"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestALostDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	start(t, settings(t, dir)).stop()
	keys := folderOf(t, filepath.Join(dir, KeysFolder))
	if err := os.Remove(filepath.Join(dir, DatabaseFile)); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), settings(t, dir), slog.New(slog.DiscardHandler), noEnv)
	if err == nil || !strings.Contains(err.Error(), "has keys and no database") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, DatabaseFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a new database was made in its place")
	}
	if after := folderOf(t, filepath.Join(dir, KeysFolder)); strings.Join(after, "") != strings.Join(keys, "") {
		t.Error("the keys were changed")
	}
}

func TestAStopBeforeItIsReadyIsNoError(t *testing.T) {
	var log bytes.Buffer
	a, err := Open(t.Context(), settings(t, t.TempDir()), slog.New(slog.NewTextHandler(&log, nil)), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("terminated signal received"))
	err = errors.Join(a.Serve(ctx, Control{Ready: func(Info) {}}), a.Close())
	if err != nil || !strings.Contains(log.String(), `msg="the server was stopped before it was ready" cause="terminated signal received"`) {
		t.Errorf("%v, log:\n%s", err, log.String())
	}
}
