package cli

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// newInstallation makes a certificate authority and returns its folder, and the process that holds it.
func newInstallation(t *testing.T) (data string, holder *app.App) {
	t.Helper()
	c, err := config.Load(config.Sources{Env: func(name string) string {
		return map[string]string{"EVERLEAF_DATA": filepath.Join(t.TempDir(), "data")}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	holder, err = app.Open(t.Context(), c, slog.New(slog.DiscardHandler), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Bootstrap(t.Context(), manage.Setup{PublicURL: "http://localhost:8444"}); err != nil {
		t.Fatal(err)
	}
	return c.Data, holder
}

func TestHeldFolder(t *testing.T) {
	data, holder := newInstallation(t)
	b := newBench(t, data)
	b.patience = 2 * pause
	stdout, stderr, code := b.run("org", "list")
	if code != exitLocal || stdout != "" || !strings.HasPrefix(stderr, "everleaf: the data folder is in use: "+data+" is held by process ") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}

	// Who holds it for a moment only is waited for.
	b.patience = time.Minute
	freed := make(chan error, 1)
	go func() {
		<-time.After(3 * pause)
		freed <- holder.Close()
	}()
	if stdout, stderr, code := b.run("org", "list"); code != exitDone || !strings.Contains(stdout, "\ndefault ") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if err := <-freed; err != nil {
		t.Error(err)
	}
}

// A socket that a dead server left behind is nobody.
func TestDeadSocket(t *testing.T) {
	data, holder := newInstallation(t)
	if err := holder.Close(); err != nil {
		t.Fatal(err)
	}
	socket := app.SocketPath(data)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, data)
	if stdout, stderr, code := b.run("org", "list"); code != exitDone || !strings.Contains(stdout, "\ndefault ") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}

func TestNoInstallation(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "none")
	b := newBench(t, folder)
	want := "everleaf: there is no certificate authority in " + folder + "; name its folder with --data, or make one with \"everleaf serve\"\n"
	for _, command := range []string{"org list", "credential create --name x", "cert revoke 00", "connector set default --require-eab", "ca next default"} {
		b.want(exitLocal, "", want, strings.Fields(command)...)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Error("the folder was made")
	}
}

// A server that ends in the middle of an answer is the other side's failure.
func TestNoAnswer(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, app.DatabaseFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	socket := app.SocketPath(data)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_ = connection.Close()
		}
	}()
	_, stderr, code := newBench(t, data).run("org", "list")
	if code != exitRemote || !strings.HasPrefix(stderr, "everleaf: the server of "+data+" gave no answer: ") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	<-done
}
