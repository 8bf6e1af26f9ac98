package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReport feeds streams that each stand for one way to end.
func TestReport(t *testing.T) {
	tests := []struct {
		name   string
		stream string
		want   string
		passed bool
	}{
		{
			name: "pass, a parent counts through its subtests",
			stream: `
{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"output","Package":"p","Test":"TestA/one","Output":"noise\n"}
{"Action":"run","Package":"p","Test":"TestA/two/with/slashes"}
{"Action":"pass","Package":"p","Test":"TestA/one","Elapsed":0.01}
{"Action":"pass","Package":"p","Test":"TestA/two/with/slashes","Elapsed":2.25}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":2.26}
{"Action":"pass","Package":"p","Elapsed":2.3}`,
			want: `ok   p 2.3s, 2 passed, 0 failed, 0 skipped

tests took 0s

slowest tests:
    2.3s  p TestA/two/with/slashes
2 passed, 0 failed, 0 skipped
`,
			passed: true,
		},
		{
			name: "a failure is printed in full, its parent is not",
			stream: `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"output","Package":"p","Test":"TestA/one","Output":"=== RUN   TestA/one\n"}
{"Action":"output","Package":"p","Test":"TestA/one","Output":"    a_test.go:7: got 1, want 2\n"}
{"Action":"output","Package":"p","Test":"TestA/one","Output":"    --- FAIL: TestA/one (0.01s)\n"}
{"Action":"fail","Package":"p","Test":"TestA/one","Elapsed":0.01}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA (0.01s)\n"}
{"Action":"fail","Package":"p","Test":"TestA","Elapsed":0.01}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"fail","Package":"p","Elapsed":0.1}`,
			want: `--- FAIL p TestA/one (0.01s)
    a_test.go:7: got 1, want 2
FAIL p 0.1s, 0 passed, 1 failed, 0 skipped

tests took 0s
0 passed, 1 failed, 0 skipped
`,
		},
		{
			name: "a parent that fails by itself counts",
			stream: `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA/one","Elapsed":0.01}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:9: left over\n"}
{"Action":"fail","Package":"p","Test":"TestA","Elapsed":0.01}
{"Action":"fail","Package":"p","Elapsed":0.1}`,
			want: `--- FAIL p TestA (0.01s)
    a_test.go:9: left over
FAIL p 0.1s, 1 passed, 1 failed, 0 skipped

tests took 0s
1 passed, 1 failed, 0 skipped
`,
		},
		{
			name: "skipped tests are listed with their reason",
			stream: `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:3: caddy is not installed\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB","Elapsed":0}
{"Action":"run","Package":"p","Test":"TestC"}
{"Action":"skip","Package":"p","Test":"TestC","Elapsed":0}
{"Action":"pass","Package":"p","Elapsed":0.1}`,
			want: `ok   p 0.1s, 1 passed, 0 failed, 2 skipped

tests took 0s

SKIPPED: 2 tests did not run
  p TestB: b_test.go:3: caddy is not installed
  p TestC: no reason given
1 passed, 0 failed, 2 skipped
`,
			passed: true,
		},
		{
			name: "the compiler is quoted once",
			stream: `
{"ImportPath":"core","Action":"build-output","Output":"core/a.go:3:1: undefined: b\n"}
{"ImportPath":"core","Action":"build-fail"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","Elapsed":0,"FailedBuild":"core"}
{"Action":"fail","Package":"q","Elapsed":0,"FailedBuild":"core"}`,
			want: `--- FAIL p, no single test
core/a.go:3:1: undefined: b
FAIL	p [build failed]
FAIL p 0.0s, 0 passed, 0 failed, 0 skipped
--- FAIL q, no single test
core does not build: see above
FAIL q 0.0s, 0 passed, 0 failed, 0 skipped

tests took 0s
0 passed, 2 failed, 0 skipped
`,
		},
		{
			name: "a stream that ends early fails",
			stream: `
go: a note of the go command
{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"half a line"}`,
			want: `go: a note of the go command
--- FAIL p TestA (did not end)
half a line
FAIL p 0.0s, 0 passed, 1 failed, 0 skipped

tests took 0s
0 passed, 1 failed, 0 skipped
`,
		},
		{
			name:   "only skipped tests are no pass",
			stream: `{"Action":"skip","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"p","Elapsed":1}`,
			want: `ok   p 1.0s, 0 passed, 0 failed, 1 skipped

tests took 0s

SKIPPED: 1 tests did not run
  p TestA: no reason given
no test ran
0 passed, 0 failed, 1 skipped
`,
		},
		{
			name: "nothing at all is no pass",
			want: "\ntests took 0s\nno test ran\n0 passed, 0 failed, 0 skipped\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			passed, err := run(strings.NewReader(strings.TrimPrefix(tt.stream, "\n")), &out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			if passed != tt.passed {
				t.Errorf("passed = %v, want %v", passed, tt.passed)
			}
		})
	}
}

// TestRealStream runs go test on a module made for this, so that the report follows what the go command really sends.
func TestRealStream(t *testing.T) {
	folder := t.TempDir()
	files := map[string]string{
		"go.mod":                "module made\n\ngo 1.26\n",
		"good/a_test.go":        "package good\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) { t.Run(\"x\", func(*testing.T) {}) }\n",
		"skip/a_test.go":        "package skip\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) { t.Skip(\"no reason but this\") }\n",
		"panics/a_test.go":      "package panics\n\nimport \"testing\"\n\nfunc TestA(*testing.T) { panic(\"out of order\") }\n",
		"exits/a_test.go":       "package exits\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(*testing.M) { os.Exit(3) }\n",
		"unbuildable/a.go":      "package unbuildable\n\nvar a int = \"text\"\n",
		"unbuildable/a_test.go": "package unbuildable\n\nimport \"testing\"\n\nfunc TestA(*testing.T) {}\n",
		"untested/a.go":         "package untested\n",
	}
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	test := exec.CommandContext(t.Context(), "go", "test", "-json", "-vet=off", "./...")
	test.Dir = folder
	test.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	stream, err := test.Output()
	if len(stream) == 0 {
		t.Fatalf("go test said nothing: %v", err)
	}

	var out bytes.Buffer
	passed, err := run(bytes.NewReader(stream), &out)
	if err != nil {
		t.Fatal(err)
	}
	if passed {
		t.Error("passed although packages fail")
	}
	for _, want := range []string{
		`ok   made/good [0-9.]+s, 1 passed, 0 failed, 0 skipped\n`,
		`--- FAIL made/panics TestA \(.*\)\n(.*\n)*panic: out of order`,
		`--- FAIL made/exits, no single test\n`,
		`--- FAIL made/unbuildable, no single test\n(.*\n)*.*a\.go:3:\d+: cannot use "text"`,
		`SKIPPED: 1 tests did not run\n  made/skip TestA: a_test.go:5: no reason but this\n`,
		`\n1 passed, 3 failed, 1 skipped\n$`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("the report has no %s", want)
		}
	}
	if t.Failed() {
		t.Logf("report:\n%s", &out)
	}
}
