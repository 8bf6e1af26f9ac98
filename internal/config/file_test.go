package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/config"
)

func TestFileIsStrict(t *testing.T) {
	tests := []struct {
		name, text string
		want       string // after "FILE:"; "": accepted
	}{
		{"empty", "", ""},
		{"comments", "# nothing\n---\n", ""},
		{"null", "~\n", ""},
		{"one setting", "listen: :8443\n", ""},
		{"a list for a list", "dns-resolver:\n  - 127.0.0.1\n  - 127.0.0.2:53\n", ""},
		{"one value for a list", "dns-resolver: 127.0.0.1\n", ""},
		{"an empty list", "dns-resolver: []\n", ""},
		{"a comment behind", "listen: :8443 # here\n", ""},

		{"unknown key", "data: d\npublic_urll: x\n", `2: there is no setting "public_urll"; did you mean public-url?`},
		{"underscore", "log_level: info\n", `1: there is no setting "log_level"; did you mean log-level?`},
		{"capitals", "Listen: :8443\n", `1: there is no setting "Listen"; did you mean listen?`},
		{"far from everything", "issuers: x\n", `1: there is no setting "issuers"; "everleaf config show" lists them all`},
		{"twice", "drain: 1s\nlisten: :1\ndrain: 1s\n", `3: drain is set twice, first in line 1; remove one`},
		{"no value", "listen:\n", `1: listen has no value; give one, or remove the line`},
		{"tilde", "data: ~\n", `1: data has no value; give one, or remove the line`},
		{"null in a list", "dns-resolver: [127.0.0.1, ]\nlisten: null\n", `2: listen has no value; give one, or remove the line`},
		{"a list for one value", "listen: [a, b]\n", `1: listen takes a plain value`},
		{"a mapping", "listen: {a: b}\n", `1: listen takes a plain value`},
		{"a mapping in a list", "dns-resolver:\n  - a: b\n", `1: dns-resolver takes a plain value or a list of them`},
		{"an alias", "listen: &a :1\npublic-listen: *a\n", `2: public-listen takes a plain value`},
		{"a merge", "<<: {listen: a}\n", `1: there is no setting "<<"; "everleaf config show" lists them all`},
		{"a list", "- listen\n", `1: write settings as "name: value"`},
		{"a word", "listen\n", `1: write settings as "name: value"`},
		{"a complex key", "? [a]\n: b\n", `1: there is no setting ""; "everleaf config show" lists them all`},
		{"two documents", "listen: :1\n---\nlisten: :2\n", `2: a second document begins here; put all settings into one`},
		{"too long", strings.Repeat("# 345678\n", 1<<20/9+1), ` longer than 1048576 octets`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, tt.text)
			_, err := config.Load(config.Sources{Env: env("EVERLEAF_DATA", "d"), File: file})
			got := ""
			if err != nil {
				got = strings.TrimPrefix(err.Error(), file+":")
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestFileWithSlipsOfYAML(t *testing.T) {
	for _, text := range []string{"listen: [", "\tlisten: x", "listen: :1\n--- [", "\x00", "a: \xff"} {
		file := write(t, text)
		_, err := config.Load(config.Sources{Env: env("EVERLEAF_DATA", "d"), File: file})
		if err == nil || !strings.HasPrefix(err.Error(), file+": ") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestValues(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"listen", "8443", `"8443" is not an address; write HOST:PORT, :PORT or [IPv6]:PORT`},
		{"listen", "host:99999", `"host:99999" is not an address; write HOST:PORT, :PORT or [IPv6]:PORT`},
		{"listen", "::1:443", `"::1:443" is not an address; write HOST:PORT, :PORT or [IPv6]:PORT`},
		{"metrics-listen", "none", `"none" is neither an address, written HOST:PORT, :PORT or [IPv6]:PORT, nor off`},
		{"external-url", "https://", `"https://" is not a base URL; write https://HOST or https://HOST:PORT`},
		{"external-url", "https://h/path", `"https://h/path" is not a base URL; write https://HOST or https://HOST:PORT`},
		{"external-url", "https://user@h", `"https://user@h" is not a base URL; write https://HOST or https://HOST:PORT`},
		{"public-url", "https://h", `"https://h" is not a base URL; write http://HOST or http://HOST:PORT`},
		{"public-url", "http://h?q", `"http://h?q" is not a base URL; write http://HOST or http://HOST:PORT`},
		{"dns-require-validation", "yes please", `"yes please" is not the name of a zone; write . for the root, or a name like example.com`},
		{"dns-resolver", "dns.example.com", `"dns.example.com" is not the address of a DNS server; write ADDRESS or ADDRESS:PORT`},
		{"http01-port", "65536", `"65536" is not a port; write a number from 1 to 65535`},
		{"log-level", "loud", `"loud" is none of debug, info, warn, error`},
		{"log-format", "xml", `"xml" is none of auto, text, json`},
		{"max-connections-per-address", "0", `"0" is not a number from 1 to 1000000`},
		{"drain", "-1s", `invalid length of time "-1s": write it like 90d, 160h or 1d12h`},
	}
	for _, tt := range tests {
		_, err := config.Load(config.Sources{Env: env("EVERLEAF_DATA", "d"), Flags: map[string][]string{tt.name: {tt.value}}})
		want := "--" + tt.name + ": " + tt.want
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// TestListing keeps the list of settings, as documentation and scripts know it. UPDATE_GOLDEN=1 writes it anew.
func TestListing(t *testing.T) {
	var b strings.Builder
	for _, s := range config.Settings() {
		fmt.Fprintf(&b, "%s\t%s\tdefault %q\tlist %t\tlive %t\n\t%s\n", s.Name, s.Env(), s.Default, s.List, s.Live, s.Usage)
	}
	golden := filepath.Join("testdata", "settings.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the settings changed; UPDATE_GOLDEN=1 takes it over:\n%s", diff)
	}
}

// FuzzFile feeds files to the parser: it never fails but with an error that names the file, and what it accepts
// it accepts again in any company.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"", "listen: :8443\n", "dns-resolver: [127.0.0.1]\n", "? [a]\n: b\n", "a: &a [*a]\n", "--- ~\n--- ~\n", "listen: !!binary aGk=\n", "{", "data: |\n  x\n",
	} {
		f.Add(seed)
	}
	path := filepath.Join(f.TempDir(), "fuzz.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, values, err := config.Resolve(config.Sources{Env: env("EVERLEAF_DATA", "d"), File: path, Asked: true})
		if len(values) != len(config.Settings()) {
			t.Fatalf("%d values for %d settings", len(values), len(config.Settings()))
		}
		if err == nil {
			return
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if strings.HasPrefix(line, path+":") {
				return
			}
		}
		t.Errorf("the error does not name the file: %v", err)
	})
}
