package durable_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/durable"
)

// TestMain is also the process that TestOrderOfSystemCalls traces: with DURABLE_ACT set it performs that act alone.
func TestMain(m *testing.M) {
	name, traced := os.LookupEnv("DURABLE_ACT")
	if !traced {
		os.Exit(m.Run())
	}
	if err := perform(name, os.Getenv("DURABLE_FOLDER")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func perform(act, folder string) error {
	file := filepath.Join(folder, "file")
	switch act {
	case "write":
		return durable.WriteFile(file, []byte("content"), 0o640)
	case "replace":
		return durable.ReplaceFile(filepath.Join(folder, "old"), []byte("content"), 0o640, func(temporary string) error {
			_, err := os.ReadFile(temporary)
			return err
		})
	case "create":
		return durable.CreateFile(file, []byte("content"), 0o640)
	case "mkdir":
		return durable.MkdirAll(filepath.Join(folder, "a", "b"))
	case "remove":
		return durable.Remove(filepath.Join(folder, "old"))
	}
	return fmt.Errorf("no act %q", act)
}

// TestOrderOfSystemCalls holds what no other test can see: that bytes are on disk before the name points at them, and
// the name before the function returns. A lost fsync passes every test that does not cut the power.
func TestOrderOfSystemCalls(t *testing.T) {
	const temporary = `\.file\.\d+\.tmp`
	tests := map[string][]string{
		"write": {
			`openat\(.*` + temporary + `.*O_EXCL.*0600\)`, `fchmod\(.*, 0640\)`, `write\(.*"content"`, `fsync\(.*` + temporary,
			`rename.*` + temporary + `.*/file"`, `fsync\(\d+<FOLDER>\)`,
		},
		"replace": {
			`openat\(.*\.old\.\d+\.tmp.*O_EXCL.*0600\)`, `fchmod\(.*, 0640\)`, `write\(.*"content"`, `fsync\(.*\.old\.\d+\.tmp`,
			`openat\(.*\.old\.\d+\.tmp.*O_RDONLY`, `rename.*\.old\.\d+\.tmp.*/old"`, `fsync\(\d+<FOLDER>\)`,
		},
		"create": {
			`openat\(.*` + temporary + `.*O_EXCL.*0600\)`, `fchmod\(.*, 0640\)`, `write\(.*"content"`, `fsync\(.*` + temporary,
			`link.*` + temporary + `.*/file"`, `unlink.*` + temporary, `fsync\(\d+<FOLDER>\)`,
		},
		"mkdir": {
			`mkdir.*"FOLDER/a", 0700\)`, `fsync\(\d+<FOLDER>\)`, `mkdir.*"FOLDER/a/b", 0700\)`, `fsync\(\d+<FOLDER/a>\)`,
		},
		"remove": {`unlink.*FOLDER/old"`, `fsync\(\d+<FOLDER>\)`},
	}
	for act, want := range tests {
		t.Run(act, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "old"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			trace := traced(t, act, folder)
			rest := trace
			for _, call := range want {
				pattern := regexp.MustCompile(strings.ReplaceAll(call, "FOLDER", regexp.QuoteMeta(folder)))
				at := pattern.FindStringIndex(rest)
				if at == nil {
					t.Fatalf("no call %s in its place; all calls:\n%s", pattern, trace)
				}
				rest = rest[at[1]:]
			}
		})
	}
}

// traced performs one act in a process of its own, and returns its system calls on files in folder.
func traced(t *testing.T, act, folder string) string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is not installed; run make tools")
	}
	output := filepath.Join(t.TempDir(), "trace")
	calls := "trace=openat,fchmod,write,fsync,fdatasync,/^rename,/^link,/^unlink,/^mkdir"
	command := exec.Command(strace, "-f", "-y", "-e", calls, "-e", "signal=none", "-o", output, os.Args[0])
	command.Env = append(os.Environ(), "DURABLE_ACT="+act, "DURABLE_FOLDER="+folder)
	said, err := command.CombinedOutput()
	if strings.Contains(string(said), "ptrace") {
		t.Fatalf("strace may not trace here, and the order of writes cannot be proven: %s", said)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	trace, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	var calledInFolder []string
	for line := range strings.Lines(string(trace)) {
		if strings.Contains(line, folder) {
			calledInFolder = append(calledInFolder, line)
		}
	}
	return strings.Join(calledInFolder, "")
}
