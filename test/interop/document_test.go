package interop

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
)

var update = flag.Bool("update", false, "write docs/interop.md and docs/clients.md")

// TestDocuments keeps both documents equal to the table.
// Write them anew with: go test ./test/interop -run TestDocuments -update
func TestDocuments(t *testing.T) {
	for file, text := range map[string]string{"interop.md": renderTable(), "clients.md": renderGuide(t)} {
		path := filepath.Join("../../docs", file)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != text {
			t.Errorf("docs/%s is not what the table says; run: go test ./test/interop -run TestDocuments -update", file)
		}
	}
}

// renderTable writes docs/interop.md.
func renderTable() string {
	var out strings.Builder
	out.WriteString(`# Clients that work with Everleaf

Generated from the table in ` + "`test/interop`" + `; a test keeps both equal. Each "yes" is a test with the real client: what it
ends with is verified with openssl (chain, names, key, and the revocation by the OCSP and the CRL that the certificate names), and
the server's own records tell by which challenge each name was proved. A client that loses a "yes" fails the test, and so
does a blank without its reason. [clients.md](clients.md) has the commands.

`)
	all := clients()
	head, rule := "| |", "|---|"
	for _, c := range all {
		head, rule = head+" "+c.name+" |", rule+":-:|"
	}
	fmt.Fprintf(&out, "%s\n%s\n", head, rule)
	var reasons []string
	for _, r := range rows() {
		fmt.Fprintf(&out, "| %s |", r.title)
		for _, c := range all {
			fmt.Fprintf(&out, " %s |", mark(c.cells[r.operation], &reasons))
		}
		out.WriteString("\n")
	}
	out.WriteString("\nWhy there is a blank:\n\n")
	for i, reason := range reasons {
		fmt.Fprintf(&out, "%d. %s.\n", i+1, strings.ToUpper(reason[:1])+reason[1:])
	}
	return out.String()
}

// mark is what stands in the table for a cell: "yes", or the number of the reason, which is added where it is new.
func mark(c cell, reasons *[]string) string {
	if c.blank == "" {
		return "yes"
	}
	if !slices.Contains(*reasons, c.blank) {
		*reasons = append(*reasons, c.blank)
	}
	return fmt.Sprintf("[%d]", slices.Index(*reasons, c.blank)+1)
}

// renderGuide writes docs/clients.md: testdata/clients.md with the commands and files of the table put in.
func renderGuide(t *testing.T) string {
	t.Helper()
	cellOf := func(client string, of operation) cell {
		for _, c := range clients() {
			if strings.HasPrefix(c.name, client) && c.cells[of].blank == "" {
				return c.cells[of]
			}
		}
		t.Fatalf("the guide shows %s of %s, which is not in the table", of, client)
		return cell{}
	}
	functions := template.FuncMap{
		"run": func(client string, of operation) string {
			return example(cellOf(client, of).run, of)
		},
		"beside": func(client string, of operation) string {
			return example([]string{cellOf(client, of).beside}, of)
		},
		"file": func(client, path string, of operation) (string, error) {
			settings := ""
			if of != "" {
				settings = cellOf(client, of).settings
			}
			text, err := os.ReadFile(filepath.Join("testdata", path))
			return exampleFile(string(text), settings, of), err
		},
		"program": func() (string, error) {
			text, err := os.ReadFile("autocert/main.go")
			return strings.TrimSpace(string(text)), err
		},
	}
	guide, err := template.New("clients.md").Funcs(functions).ParseFiles("testdata/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := guide.Execute(&out, nil); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// trialOnly is what only the test needs.
var trialOnly = regexp.MustCompile(`(?s)\[\[.*?\]\]`)

// example shows commands as somebody types them who follows the guide.
func example(lines []string, of operation) string {
	var out []string
	for _, line := range lines {
		out = append(out, wrapped(strings.Fields(plain(line, of))))
	}
	return strings.Join(out, "\n")
}

// exampleFile shows a file of settings.
func exampleFile(text, settings string, of operation) string {
	if settings == "" {
		text = regexp.MustCompile(`\t*\{SETTINGS\}\n`).ReplaceAllString(text, "")
	}
	return strings.TrimSpace(plain(strings.ReplaceAll(text, "{SETTINGS}", settings), of))
}

// plain takes out what only the test needs, and puts in the values of the guide.
func plain(text string, of operation) string {
	text = trialOnly.ReplaceAllString(text, "")
	connector, name := "default", "shop.example.com"
	switch of {
	case eab:
		connector = boundConnector
	case ipAddress:
		name = "192.0.2.7"
	}
	return strings.NewReplacer(
		"{DIRECTORY}", "https://ca.example.com/acme/"+connector+"/directory", "{ROOT}", "/etc/ssl/everleaf-root.pem",
		"{NAME}", name, "{HOST}", "shop.example.com", "{NAME_LIST}", "shop.example.com",
		"{NAMES}", "shop.example.com,www.shop.example.com",
		"{DOMAINS}", "--domains shop.example.com --domains www.shop.example.com",
		"{KID}", "KID", "{HMAC}", "HMAC", "{WEB}", "/var/www/html", "{ETC}", "/etc", "{HOOKS}", "/usr/local/bin",
		"{HTTP_PORT}", "80", "{TLS_PORT}", "443", "{LEGO5}", "lego", "{AUTOCERT}", "autocert",
		"{CACHE}", "/var/lib/autocert", "{DEHYDRATED}", "/var/lib/dehydrated", "{UACME}", "/etc/ssl/uacme",
	).Replace(text)
}

// wrapped breaks a long command before its options.
func wrapped(words []string) string {
	const width = 90
	var out strings.Builder
	column := 0
	for i, word := range words {
		switch {
		case i == 0:
		case column+len(word) > width && strings.HasPrefix(word, "-"):
			out.WriteString(" \\\n    ")
			column = 4
		default:
			out.WriteString(" ")
			column++
		}
		out.WriteString(word)
		column += len(word)
	}
	return out.String()
}
