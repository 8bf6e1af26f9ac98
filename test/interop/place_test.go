package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// place is where one cell runs: its folder, its values for the placeholders, and the names it is to get.
type place struct {
	*testing.T
	*world
	client client
	values map[string]string
	names  []string // as openssl prints them
}

// newPlace makes the folder of a cell. Servers that give up their rights can read what is in it.
func newPlace(t *testing.T, w *world, c client, want row) *place {
	t.Helper()
	p := &place{T: t, world: w, client: c}
	folder := t.TempDir()
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	p.values = p.valuesIn(folder)
	name, _, _ := strings.Cut(strings.ToLower(c.name), " ")
	p.rename(string(want.operation) + "." + name + ".example")
	if want.place != nil {
		want.place(p)
	}
	p.values["{SETTINGS}"] = p.expand(c.cells[want.operation].settings)
	p.furnish()
	return p
}

// valuesIn returns what stands for the placeholders, the names aside.
func (p *place) valuesIn(folder string) map[string]string {
	p.Helper()
	lego5, err := filepath.Abs(lego5Program)
	if err != nil {
		p.Fatal(err)
	}
	caddy, err := filepath.Abs(caddyProgram)
	if err != nil {
		p.Fatal(err)
	}
	in := func(path string) string { return filepath.Join(folder, path) }
	return map[string]string{
		"{DIRECTORY}": p.server.Directory, "{ROOT}": in("root.pem"), "{KID}": p.bound.KID, "{HMAC}": p.bound.HMAC,
		"{DIR}": folder, "{HOOKS}": in("hooks"), "{WEB}": in("web"), "{ETC}": in("etc"), "{CACHE}": in("cache"),
		"{DEHYDRATED}": folder, "{UACME}": in("uacme"), "{LEGO5}": lego5, "{CADDY}": caddy, "{AUTOCERT}": p.autocert, "{MANAGE}": p.manage,
		"{RESOLVER}": p.resolver, "{HTTP_PORT}": p.httpPort, "{TLS_PORT}": p.tlsPort,
	}
}

// furnish puts the root, the hooks and the client's files into the folder.
func (p *place) furnish() {
	p.Helper()
	root, err := os.ReadFile(p.server.Root)
	if err != nil {
		p.Fatal(err)
	}
	p.write(p.values["{ROOT}"], string(root))
	if err := os.CopyFS(p.values["{HOOKS}"], os.DirFS("testdata/hooks")); err != nil {
		p.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(p.values["{WEB}"], ".well-known", "acme-challenge"), 0o755); err != nil {
		p.Fatal(err)
	}
	for file, to := range p.client.files {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			p.Fatal(err)
		}
		p.write(p.expand(to), p.expand(string(text)))
	}
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

func (p *place) wantBinding() { p.turnTo(boundConnector) }

// wantBrief lets a server, which nobody can tell to renew, have certificates that are soon due.
func (p *place) wantBrief() {
	if p.client.server {
		p.turnTo(briefConnector)
	}
}

func (p *place) turnTo(connector string) {
	p.values["{DIRECTORY}"] = strings.Replace(p.values["{DIRECTORY}"], "/default/", "/"+connector+"/", 1)
}

func (p *place) write(path, text string) {
	p.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		p.Fatal(err)
	}
}
