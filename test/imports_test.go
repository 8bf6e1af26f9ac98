// Package test holds what is tested about the whole: its layers here, other people's clients and drills in folders below.
package test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/everleaf-pki/everleaf/"

// A source is one Go file: its folder and name in the repository and what it imports.
type source struct {
	folder, name string
	imports      []string
}

func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

// TestImports reads every Go file of the module, whatever its build tags, and reports each import that breaks a rule.
// Proves INC-61, INC-77.
func TestImports(t *testing.T) {
	files := readModule(t, "..")
	if len(files) < 10 {
		t.Fatalf("only %d files found: this test looks in the wrong place", len(files))
	}
	for _, sentence := range violations(files) {
		t.Error(sentence)
	}
}

// violations returns a sentence for each import that breaks a rule and for each package that no rule mentions.
func violations(files []source) []string {
	var found []string
	for _, file := range files {
		at := slices.IndexFunc(layers, func(l layer) bool { return matches(l.packages, file.folder) })
		if at < 0 {
			found = append(found, fmt.Sprintf("%s stands in no layer: say in test/layers_test.go what it may import and why", file.folder))
			continue
		}
		for _, imported := range file.imports {
			target, own := strings.CutPrefix(imported, module)
			if reason := judge(file, layers[at], target, own); reason != "" {
				found = append(found, fmt.Sprintf("%s/%s imports %s: %s", file.folder, file.name, target, reason))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// judge returns why the file must not import the target, or nothing. Own marks packages of this project.
func judge(file source, l layer, target string, own bool) string {
	root, _, _ := strings.Cut(target, "/")
	if !own && strings.Contains(root, ".") {
		return judgeLibrary(file, target)
	}
	if file.isTest() {
		return ""
	}
	if own && !l.allows(file.folder, target) {
		return l.reason
	}
	for _, r := range restrictions {
		if matchesAny(r.imports, target) && matchesAny(r.in, file.folder) && !matchesAny(r.but, file.folder) {
			return r.reason
		}
	}
	return ""
}

func judgeLibrary(file source, target string) string {
	at := slices.IndexFunc(libraries, func(l library) bool { return matchesAny(l.imports, target) })
	switch {
	case at < 0:
		return "no rule knows this library: weigh it, then say in test/layers_test.go who may use it and why"
	case file.isTest() || matchesAny(libraries[at].users, file.folder):
		return ""
	default:
		return libraries[at].reason
	}
}

func (l layer) allows(folder, path string) bool {
	return slices.ContainsFunc(l.imports, func(pattern string) bool {
		if pattern != "own" {
			return matches(pattern, path)
		}
		base := strings.TrimSuffix(l.packages, "...")
		name, _, _ := strings.Cut(strings.TrimPrefix(folder, base), "/")
		return matches(base+name+"/...", path)
	})
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, path) })
}

func matches(pattern, path string) bool {
	base, below := strings.CutSuffix(pattern, "...")
	base = strings.TrimSuffix(base, "/")
	return path == base || below && (base == "" || strings.HasPrefix(path, base+"/"))
}

// readModule parses the imports of every Go file of the module at root.
func readModule(t *testing.T, root string) []source {
	t.Helper()
	var files []source
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && foreign(path, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		file := source{folder: filepath.ToSlash(filepath.Dir(relative)), name: filepath.Base(relative)}
		for _, spec := range parsed.Imports {
			file.imports = append(file.imports, strings.Trim(spec.Path.Value, "`\""))
		}
		files = append(files, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// foreign reports whether the go command would leave the folder out of the module.
func foreign(path, name string) bool {
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

// TestViolations shows that a forbidden import of each kind is found, with its reason, and a lawful one is not.
func TestViolations(t *testing.T) {
	const reason = "…" // stands for any reason
	tests := []struct {
		file, imports string
		want          string
	}{
		{"internal/core/acme/order.go", module + "internal/core/ident", ""},
		{"internal/core/acme/order.go", module + "internal/store", reason},
		{"internal/core/acme/order.go", "net", reason},
		{"internal/core/acme/order.go", "net/netip", ""},
		{"internal/core/acme/order.go", "net/http/httputil", reason},
		{"internal/core/acme/order.go", "crypto/rand", reason},
		{"internal/core/acme/order.go", "crypto/x509", reason},
		{"internal/core/pki/lint/names.go", "crypto/x509", ""},
		{"internal/core/pki/lint/names_test.go", "crypto/rand", ""},
		{"internal/probe/caa.go", module + "internal/va", reason},
		{"internal/probe/caa.go", "github.com/miekg/dns", ""},
		{"internal/va/caa.go", "github.com/miekg/dns", reason},
		{"internal/va/caa_test.go", "github.com/miekg/dns", ""},
		{"internal/va/caa_test.go", "example.org/dns", "no rule knows this library"},
		{"internal/store/sqlite/open.go", "modernc.org/sqlite", ""},
		{"internal/store/sqlite/open.go", module + "internal/issue", reason},
		{"internal/store/store.go", "modernc.org/sqlite/lib", reason},
		{"internal/store/store.go", module + "internal/store/storetest", "test code in the product"},
		{"internal/store/storetest/run.go", "testing", ""},
		{"internal/issue/order.go", module + "internal/ca", "use cases declare the interfaces that they need"},
		{"internal/issue/order.go", module + "internal/manage", reason},
		{"internal/issue/order.go", "net/http", "only doors and probes speak HTTP"},
		{"internal/config/file.go", module + "internal/config/spelling", ""},
		{"internal/config/file.go", module + "internal/app", reason},
		{"internal/adminapi/client.go", module + "internal/manage", reason},
		{"internal/door/admin/order.go", module + "internal/adminapi", ""},
		{"internal/issue/order.go", "golang.org/x/sync/errgroup", "start nothing in parallel"},
		{"internal/jobs/crl.go", "golang.org/x/crypto/acme/autocert", "a peer to test against"},
		{"internal/issue/order_test.go", module + "internal/store/sqlite", ""},
		{"internal/door/acme/order.go", module + "internal/issue", ""},
		{"internal/door/acme/order.go", module + "internal/door/acme/routes", ""},
		{"internal/door/acme/order.go", module + "internal/door/public", "a door that knows another cannot be closed alone"},
		{"internal/door/acme/order.go", module + "internal/store", reason},
		{"internal/web/limits.go", module + "internal/core/acme", reason},
		{"internal/jobs/crl.go", module + "internal/ca", reason},
		{"internal/agent/install/nginx.go", module + "internal/issue", "the agent works with any CA"},
		{"internal/agent/install/nginx.go", "os/exec", ""},
		{"internal/door/acme/order.go", "os/exec", "a certificate authority starts no programs"},
		{"internal/app/serve.go", module + "internal/store/sqlite", ""},
		{"internal/app/serve.go", module + "internal/cli", "nothing is above the commands"},
		{"internal/app/serve.go", "testing", reason},
		{"internal/cli/serve.go", module + "internal/store", reason},
		{"internal/cli/serve.go", "github.com/spf13/cobra", ""},
		{"cmd/everleaf/main.go", module + "internal/app", reason},
		{"cmd/everleaf/main.go", "log", reason},
		{"everleaftest/server.go", "testing", ""},
	}
	for _, tt := range tests {
		folder, name := path.Split(tt.file)
		got := violations([]source{{folder: path.Clean(folder), name: name, imports: []string{tt.imports}}})
		if tt.want == "" {
			if len(got) != 0 {
				t.Errorf("%s imports %s: got %q, want it allowed", tt.file, tt.imports, got)
			}
			continue
		}
		start := fmt.Sprintf("%s imports %s: ", tt.file, strings.TrimPrefix(tt.imports, module))
		if len(got) != 1 || !strings.HasPrefix(got[0], start) || tt.want != reason && !strings.Contains(got[0], tt.want) {
			t.Errorf("%s imports %s: got %q, want one sentence with %q", tt.file, tt.imports, got, tt.want)
		}
	}
}

// TestUnknownPackage shows that a new package has to say where it stands, once for all its files.
func TestUnknownPackage(t *testing.T) {
	got := violations([]source{{folder: "internal/corebis", name: "a.go"}, {folder: "internal/corebis", name: "b.go"}})
	if len(got) != 1 || !strings.HasPrefix(got[0], "internal/corebis stands in no layer") {
		t.Errorf("got %q, want one sentence about internal/corebis", got)
	}
}
