package script

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/cli"
)

// TestDocumentedCommands asks every command line of the documents for its help: that fails where the command or one of
// its flags does not exist, and does nothing else.
func TestDocumentedCommands(t *testing.T) {
	found := 0
	for _, document := range documents(t) {
		for _, line := range commandLines(document.text) {
			found++
			if problem := refusal(t, line); problem != "" {
				t.Errorf("%s: %q: %s", document.path, line, problem)
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d command lines found: this test looks in the wrong place", found)
	}
}

// TestDocumentedSettings reads the configuration files of the documents, and makes the profiles.
func TestDocumentedSettings(t *testing.T) {
	found := 0
	for _, document := range documents(t) {
		for _, block := range yamlBlock.FindAllStringSubmatch(document.text, -1) {
			if strings.HasPrefix(block[1], "groups:") { // rules of Prometheus
				continue
			}
			found++
			file := filepath.Join(t.TempDir(), "everleaf.yaml")
			if err := os.WriteFile(file, []byte(block[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			if code, out := say(t, readingOf(t, block[1], file)...); code != 0 {
				t.Errorf("%s: %s", document.path, out)
			}
		}
	}
	if found == 0 {
		t.Error("no configuration file found: this test looks in the wrong place")
	}
}

// readingOf returns the command that reads a block of YAML which lies in a file.
func readingOf(t *testing.T, block, file string) []string {
	t.Helper()
	if !strings.HasPrefix(block, "issuer:") {
		return []string{"config", "check", "--config", file}
	}
	data := filepath.Join(t.TempDir(), "data")
	if code, out := say(t, "init", "--data", data, "--public-url", "http://ca.example.com"); code != 0 {
		t.Fatal(out)
	}
	return []string{"profile", "set", "documented", "--file", file, "--data", data}
}

// TestRefusal proves that what TestDocumentedCommands relies on can fail.
func TestRefusal(t *testing.T) {
	for line, refused := range map[string]bool{
		"everleaf cert revoke 4f3c --reason keyCompromise": false,
		"everleaf cert revoke 4f3c --raison keyCompromise": true,
		"everleaf cert unrevoke 4f3c":                      true,
		"everleaf certify":                                 true,
		"everleaf cert":                                    true,
	} {
		if problem := refusal(t, line); (problem != "") != refused {
			t.Errorf("%q: %q", line, problem)
		}
	}
}

type document struct{ path, text string }

func documents(t *testing.T) []document {
	t.Helper()
	var all []document
	for _, pattern := range []string{"../../README.md", "../../docs/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, document{path, string(text)})
		}
	}
	return all
}

var (
	yamlBlock    = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	continued    = regexp.MustCompile(`\\\n\s*`)
	inText       = regexp.MustCompile("`([^`\n]+)`")
	assignment   = regexp.MustCompile(`^[A-Z_]+=\S* +`)
	anotherUser  = regexp.MustCompile(`^sudo (-u \S+ )?`)
	endOfCommand = regexp.MustCompile(`\s(&&|\|\|?|[<>;#]).*$`)
)

// commandLines returns what a reader may type: lines of blocks, and commands between backquotes, that begin with the
// name of the program.
func commandLines(text string) (commands []string) {
	text = continued.ReplaceAllString(text, "")
	candidates := strings.Split(text, "\n")
	for _, match := range inText.FindAllStringSubmatch(text, -1) {
		candidates = append(candidates, match[1])
	}
	for _, line := range candidates {
		line = anotherUser.ReplaceAllString(strings.TrimSpace(line), "")
		line = assignment.ReplaceAllString(line, "")
		line = endOfCommand.ReplaceAllString(line, "")
		if strings.HasPrefix(line, "everleaf ") {
			commands = append(commands, line)
		}
	}
	return commands
}

// refusal returns what is wrong with a command line; "" is nothing.
func refusal(t *testing.T, line string) string {
	t.Helper()
	words := strings.Fields(line)
	for i, word := range words {
		if word == "KEY" { // stands for what is read before the help is shown
			words[i] = strings.Repeat("0", 64)
		}
	}
	code, out := say(t, append(words[1:], "--help")...)
	switch {
	case code != 0:
		return out
	case strings.Contains(out, "COMMAND --help"): // the help of a group: its last word is no command
		return "it names no command"
	default:
		return ""
	}
}

// say runs a command in this process, as somebody who has set nothing up.
func say(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var text bytes.Buffer
	code = cli.Run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &text, Err: &text}, []string{"HOME=" + t.TempDir()})
	return code, text.String()
}
