package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
)

// own is what the operator of a test is called.
func own() string {
	if runtime.GOOS != "linux" {
		return "local"
	}
	return "uid:" + strconv.Itoa(os.Getuid())
}

// declare makes an organisation and returns who made it, as the log of events says.
func declare(t *testing.T, client *adminapi.Client, name string) string {
	t.Helper()
	made, err := client.CreateOrganisation(t.Context(), adminapi.NewOrganisation{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.Events(t.Context(), made.ID, adminapi.Page{})
	if err != nil || len(list.Events) != 1 {
		t.Fatalf("%+v %v", list, err)
	}
	return list.Events[0].Actor
}

func TestEventsAndTheLogNameTheOperator(t *testing.T) {
	var log bytes.Buffer
	a, err := Open(t.Context(), settings(t, t.TempDir()), slog.New(slog.NewTextHandler(&log, nil)), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = errors.Join(a.Serve(ctx, Control{Ready: func(Info) {
		client := adminapi.NewClient(adminapi.OverSocket(SocketPath(a.config.Data)))
		if actor := declare(t, client, "one"); actor != "admin:"+own() {
			t.Errorf("over the socket: %s", actor)
		}
		cancel()
	}}), a.Close())
	if err != nil {
		t.Fatal(err)
	}
	if want := "client=local method=POST"; !strings.Contains(log.String(), want) || !strings.Contains(log.String(), "actor="+own()) {
		t.Errorf("no %q by %s in\n%s", want, own(), log.String())
	}
}

func TestACommandWithoutAServerNamesItsUser(t *testing.T) {
	a := opened(t)
	if actor := declare(t, adminapi.NewClient(adminapi.InProcess(a.AdminHandler())), "one"); actor != "admin:uid:"+strconv.Itoa(os.Getuid()) {
		t.Error(actor)
	}
}

func TestWhoIsNotOnASocketIsNotNamed(t *testing.T) {
	one, two := net.Pipe()
	defer one.Close()
	defer two.Close()
	if got := peer(one); got != "local" {
		t.Error(got)
	}
}
