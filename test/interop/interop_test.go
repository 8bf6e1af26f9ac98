// Package interop lets other people's ACME clients use the real server: a table of client x operation, in which each
// blank has its reason. What a client ends with is looked at with openssl, what the server recorded with its own
// administration. docs/interop.md and docs/clients.md are made from the same table.
package interop

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/test/chaltest"
	"github.com/everleaf-pki/everleaf/test/process"
)

// TestClients runs the table. Each client has a server of its own, and its cells run one after the other.
func TestClients(t *testing.T) {
	binary, autocert := process.Build(t), build(t, "./autocert")
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			demand(t, c.needs)
			w := newWorld(t, binary)
			w.autocert = autocert
			for _, want := range rows() {
				if cell := c.cells[want.operation]; cell.blank == "" {
					t.Run(string(want.operation), func(t *testing.T) { w.try(t, c, cell, want) })
				}
			}
		})
	}
}

// TestTable finds a cell that is neither commands nor a reason, or both.
func TestTable(t *testing.T) {
	for _, c := range clients() {
		for _, want := range rows() {
			cell, ok := c.cells[want.operation]
			if !ok || (cell.blank == "") == (len(cell.run) == 0) {
				t.Errorf("%s, %s: a cell has commands, or the reason why not", c.name, want.operation)
			}
		}
		if len(c.cells) != len(rows()) {
			t.Errorf("%s has %d cells, there are %d operations", c.name, len(c.cells), len(rows()))
		}
	}
}

// build compiles a program of this folder.
func build(t *testing.T, folder string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(folder))
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, folder).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", folder, err, out)
	}
	return program
}

// demand fails where a tool is missing: a skipped client would look like one that works.
func demand(t *testing.T, tools []string) {
	t.Helper()
	for _, tool := range append(tools, "openssl", "curl") {
		if _, err := exec.LookPath(tool); err != nil && !isFile(tool) {
			t.Errorf("%s is missing: run make tools", tool)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// world is a server with what is around it. Every name leads to 127.0.0.1.
type world struct {
	server   *process.Server
	admin    *adminapi.Client
	bound    adminapi.CreatedCredential
	manage   string // URL of the interface that the hooks put TXT records in by
	resolver string
	autocert string // program
	httpPort string
	tlsPort  string
}

// boundConnector takes only accounts with a credential, briefConnector issues certificates that are due after ten seconds
// by the rule that most clients have: a third of their minute is left.
const (
	boundConnector = "partners"
	briefConnector = "brief"
)

func newWorld(t *testing.T, binary string) *world {
	t.Helper()
	names := chaltest.NewDNS(t)
	names.SetDefault("127.0.0.1")
	w := &world{manage: names.Manage(t), resolver: names.Addr(), httpPort: freePort(t), tlsPort: freePort(t)}
	data := filepath.Join(t.TempDir(), "data")
	w.server = process.Start(t, binary, "serve", "--data", data, "--listen", "127.0.0.1:0", "--metrics-listen", "off",
		"--dns-resolver", w.resolver, "--http01-port", w.httpPort, "--tlsalpn01-port", w.tlsPort)
	everleaf := func(arguments string) {
		cmd := exec.CommandContext(t.Context(), binary, append(strings.Fields(arguments), "--data", data)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	everleaf("profile set default --ocsp")
	everleaf("profile set brief --lifetime 1m --backdate 30s")
	everleaf("connector create " + briefConnector + " --profiles brief")
	everleaf("connector create " + boundConnector + " --require-eab")
	w.admin = adminapi.NewClient(adminapi.OverSocket(app.SocketPath(data)))
	var err error
	w.bound, err = w.admin.CreateCredential(t.Context(), adminapi.NewCredential{Name: "shop", Connector: boundConnector})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// freePort returns a port of 127.0.0.1 that nobody listens on. It is not held: only the clients of one world use it.
func freePort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nobody connected
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}
