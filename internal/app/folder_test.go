package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever may write to the place of the socket can pose as the server: it is in the data folder, or there is none.
func TestTheSocketIsInTheDataFolder(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	for _, data := range []string{"/srv/everleaf", "/srv/" + strings.Repeat("x", 150)} {
		if got := SocketPath(data); got != data+"/everleaf.sock" {
			t.Error(got)
		}
	}
}

func TestAFolderWhosePathIsTooLongIsRefused(t *testing.T) {
	parent := t.TempDir()
	longest := filepath.Join(parent, strings.Repeat("x", maxFolder-len(parent)-1))
	a, err := Open(t.Context(), settings(t, longest), slog.New(slog.DiscardHandler), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	l, err := bindSocket(t.Context(), SocketPath(longest))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), a.Close()); err != nil {
		t.Error(err)
	}
	_, err = Open(t.Context(), settings(t, longest+"x"), slog.New(slog.DiscardHandler), noEnv)
	if err == nil || !strings.HasSuffix(err.Error(), "octets, too long for the admin socket; use a shorter one") {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("a folder was made: %v %v", entries, err)
	}
}
