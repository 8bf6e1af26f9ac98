package interop

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// commandLimit is how long one command of a client may take on a slow machine.
const commandLimit = 3 * time.Minute

// place is where one cell runs: its folder, its values for the placeholders, and the names it is to get.
type place struct {
	*testing.T
	*world
	client client
	values map[string]string
	names  []string // as openssl prints them
}

// newPlace makes the folder of a cell.
func newPlace(t *testing.T, w *world, c client, want row) *place {
	t.Helper()
	folder := t.TempDir()
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil { //nolint:gosec // web servers give up their rights
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(strings.ToLower(c.name), " ")
	p := &place{T: t, world: w, client: c, values: map[string]string{
		"{DIRECTORY}": w.server.Directory, "{ROOT}": filepath.Join(folder, "root.pem"), "{DIR}": folder, "{HOOKS}": absolute(t, "testdata/hooks"), "{LEGO5}": absolute(t, lego5Program),
		"{WEB}": filepath.Join(folder, "web"), "{ETC}": filepath.Join(folder, "etc"), "{DEHYDRATED}": folder, "{CACHE}": filepath.Join(folder, "cache"), "{AUTOCERT}": w.autocert, "{MANAGE}": w.manage, "{RESOLVER}": w.resolver,
		"{HTTP_PORT}": w.httpPort, "{TLS_PORT}": w.tlsPort, "{KID}": w.bound.KID, "{HMAC}": w.bound.HMAC,
	}}
	p.rename(string(want.operation) + "." + name + ".example")
	if want.place != nil {
		want.place(p)
	}
	p.copyRoot()
	if err := os.MkdirAll(filepath.Join(p.values["{WEB}"], ".well-known", "acme-challenge"), 0o755); err != nil { //nolint:gosec // web servers give up their rights
		t.Fatal(err)
	}
	p.values["{SETTINGS}"] = p.expand(c.cells[want.operation].settings)
	for file, to := range c.files {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		p.write(p.expand(to), p.expand(string(text)))
	}
	return p
}

// copyRoot puts the root where servers that gave up their rights can read it.
func (p *place) copyRoot() {
	p.Helper()
	root, err := os.ReadFile(p.server.Root)
	if err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(p.values["{ROOT}"], root, 0o644); err != nil { //nolint:gosec // a root is public
		p.Fatal(err)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *place) rename(name string) {
	p.values["{NAME}"], p.values["{NAME_LIST}"], p.values["{HOST}"] = name, name, name
	p.names = []string{"DNS:" + name}
}

func (p *place) wantWildcard() {
	name := p.values["{NAME}"]
	p.values["{NAME_LIST}"], p.values["{HOST}"] = "*."+name, "www."+name
	p.names = []string{"DNS:*." + name}
}

func (p *place) wantAddress() {
	p.values["{NAME}"] = "127.0.0.1"
	p.names = []string{"IP Address:127.0.0.1"}
}

func (p *place) wantMany() {
	names := []string{p.values["{NAME}"]}
	for i := 1; i < 20; i++ {
		names = append(names, fmt.Sprintf("n%02d.%s", i, names[0]))
	}
	p.values["{NAMES}"] = strings.Join(names, ",")
	p.values["{NAME_LIST}"] = strings.Join(names, " ")
	p.values["{DOMAINS}"] = "--domains " + strings.Join(names, " --domains ")
	p.names = nil
	for _, name := range names {
		p.names = append(p.names, "DNS:"+name)
	}
}

func (p *place) wantBinding() {
	p.values["{DIRECTORY}"] = strings.Replace(p.values["{DIRECTORY}"], "/default/", "/"+boundConnector+"/", 1)
}

func (p *place) write(path, text string) {
	p.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // web servers give up their rights
		p.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
}

// expand puts the values in, and keeps what only the test needs.
func (p *place) expand(text string) string {
	text = strings.NewReplacer("[[", "", "]]", "").Replace(text)
	for placeholder, value := range p.values {
		text = strings.ReplaceAll(text, placeholder, value)
	}
	return text
}

// command makes a process of a line of the table.
func (p *place) command(ctx context.Context, line string) *exec.Cmd {
	p.Helper()
	words := strings.Fields(strings.NewReplacer("[[", "", "]]", "").Replace(line))
	environment := []string{"HOME=" + p.values["{DIR}"], "LC_ALL=C.UTF-8", "TZ=UTC"}
	for len(words) > 0 && strings.Contains(words[0], "=") {
		environment = append(environment, p.expand(words[0]))
		words = words[1:]
	}
	var argv []string
	for _, word := range words {
		if inner := strings.Trim(word, "'"); inner != word {
			argv = append(argv, p.expand(inner))
		} else {
			argv = append(argv, strings.Fields(p.expand(word))...)
		}
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = p.values["{DIR}"]
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdin = strings.NewReader("Y\n") // to a client that asks whether it is meant
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs commands to their end.
func (p *place) run(lines []string) {
	p.Helper()
	for _, line := range lines {
		ctx, cancel := context.WithTimeout(p.Context(), commandLimit)
		cmd := p.command(ctx, line)
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			p.Fatalf("%s: %v\n%s\nthe server's log ends with:\n%s", cmd, err, out, p.log())
		}
	}
}

// serveWeb stands for the web server in front of a client that puts files into a folder.
func (p *place) serveWeb() {
	p.Helper()
	server := &http.Server{
		Addr: "127.0.0.1:" + p.httpPort, Handler: http.FileServer(http.Dir(p.values["{WEB}"])), ReadHeaderTimeout: time.Minute,
	}
	ended := make(chan struct{})
	go func() { _ = server.ListenAndServe(); close(ended) }()
	p.Cleanup(func() { _ = server.Close(); <-ended })
}

// log returns the end of the server's log.
func (p *place) log() string {
	const enough = 12
	lines := strings.Split(p.server.Log(), "\n")
	return strings.Join(lines[max(0, len(lines)-enough):], "\n")
}

// openssl runs it and returns what it printed; failed says that it ended with an error.
func (p *place) openssl(input []byte, arguments ...string) (out string, failed bool) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "openssl", arguments...)
	cmd.Stdin = strings.NewReader(string(input))
	text, err := cmd.CombinedOutput()
	return string(text), err != nil
}

// get fetches a small document over plain HTTP.
func (p *place) get(url string) []byte {
	p.Helper()
	request, err := http.NewRequestWithContext(p.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		p.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		p.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	if err != nil || reply.StatusCode != http.StatusOK {
		p.Fatalf("GET %s: status %d (%v)", url, reply.StatusCode, err)
	}
	return body
}

// waitFor polls a condition that another process brings about.
func (p *place) waitFor(what string, condition func() bool) {
	p.Helper()
	deadline := time.Now().Add(commandLimit)
	for !condition() {
		if time.Now().After(deadline) {
			p.Fatalf("waited in vain until %s; the server's log ends with:\n%s", what, p.log())
		}
		time.Sleep(100 * time.Millisecond)
	}
}
