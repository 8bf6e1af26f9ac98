package config_test

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/everleaf-pki/everleaf/internal/config"
)

// write returns the path of a configuration file with the given text.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "everleaf.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// env returns an environment of these variables and no other.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestDefaults(t *testing.T) {
	got, err := config.Load(config.Sources{Env: env("EVERLEAF_DATA", "/srv/ca")})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Data: "/srv/ca", Listen: "127.0.0.1:8443", HTTP01Port: 80, TLSALPN01Port: 443,
		LogLevel: slog.LevelInfo, LogFormat: "auto", MaxPerAddress: 256, Drain: 30 * time.Second,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !got.Trial() {
		t.Error("the defaults are no trial set-up")
	}
}

func TestEverySettingIsRead(t *testing.T) {
	file := write(t, `
data: /srv/ca
listen: "[::1]:443"
external-url: https://CA.example.com/
public-listen: :80
public-url: http://pki.example.com:8080
metrics-listen: off
trusted-proxy: [10.0.0.0/8, 192.0.2.1, "2001:db8::/32"]
dns-resolver: [127.0.0.1:5353, "2001:db8::53"]
dns-require-validation: .
http01-port: 5002
tlsalpn01-port: 5001
passphrase-file: /run/secret
log-level: debug
log-format: json
max-connections-per-address: 7
drain: 1m30s
`)
	got, err := config.Load(config.Sources{Env: env(), File: file, Asked: true})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Data: "/srv/ca", Listen: "[::1]:443", ExternalURL: "https://ca.example.com", PublicListen: ":80",
		PublicURL: "http://pki.example.com:8080", MetricsListen: "off",
		TrustedProxies: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/32"),
		},
		SignedZone: ".", Resolvers: []string{"127.0.0.1:5353", "[2001:db8::53]:53"},
		HTTP01Port: 5002, TLSALPN01Port: 5001, PassphraseFile: "/run/secret",
		LogLevel: slog.LevelDebug, LogFormat: "json", MaxPerAddress: 7, Drain: 90 * time.Second,
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

// Flags win over the environment, the environment over the file, the file over the defaults.
func TestPrecedence(t *testing.T) {
	file := write(t, "drain: 3s\nlog-level: warn\ndns-resolver: [192.0.2.3]\nhttp01-port: 83\n")
	s := config.Sources{
		Flags: map[string][]string{"drain": {"1s"}, "dns-resolver": {"192.0.2.1", "192.0.2.11"}},
		Env:   env("EVERLEAF_DATA", "d", "EVERLEAF_DRAIN", "2s", "EVERLEAF_HTTP01_PORT", "82", "EVERLEAF_DNS_RESOLVER", "192.0.2.2", "EVERLEAF_TRUSTED_PROXY", "10.0.0.1, 10.0.0.2"),
		File:  file,
	}
	got, err := config.Load(s)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Data: "d", Drain: time.Second, HTTP01Port: 82, LogLevel: slog.LevelWarn,
		Resolvers:      []string{"192.0.2.1:53", "192.0.2.11:53"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.0.0.2/32")},
		TLSALPN01Port:  443,
	}
	options := cmp.Options{
		cmpopts.IgnoreFields(config.Config{}, "Listen", "LogFormat", "MaxPerAddress"),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	}
	if diff := cmp.Diff(want, got, options); diff != "" {
		t.Error(diff)
	}
	_, values, err := config.Resolve(s)
	if err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]string)
	for _, v := range values {
		sources[v.Name] = v.Source + " " + strings.Join(v.Values, "+")
	}
	for name, want := range map[string]string{
		"drain": "--drain 1s", "dns-resolver": "--dns-resolver 192.0.2.1+192.0.2.11",
		"http01-port": "EVERLEAF_HTTP01_PORT 82", "trusted-proxy": "EVERLEAF_TRUSTED_PROXY 10.0.0.1+10.0.0.2",
		"log-level": file + ":2 warn", "tlsalpn01-port": "default 443", "public-url": "default ",
	} {
		if sources[name] != want {
			t.Errorf("%s: got %q, want %q", name, sources[name], want)
		}
	}
}

func TestDataFolder(t *testing.T) {
	want, wantErr := "/home/x/.local/share/everleaf", false
	xdg := "/home/x/data/everleaf"
	if os.Geteuid() == 0 {
		want, xdg = "/var/lib/everleaf", "/var/lib/everleaf"
	} else {
		wantErr = true
	}
	if c, err := config.Load(config.Sources{Env: env("HOME", "/home/x")}); err != nil || c.Data != want {
		t.Errorf("got %q, %v, want %q", c.Data, err, want)
	}
	if c, err := config.Load(config.Sources{Env: env("HOME", "/home/x", "XDG_DATA_HOME", "/home/x/data")}); err != nil || c.Data != xdg {
		t.Errorf("got %q, %v, want %q", c.Data, err, xdg)
	}
	if _, err := config.Load(config.Sources{Env: env()}); (err != nil) != wantErr {
		t.Errorf("without a home: got %v, want an error: %t", err, wantErr)
	}
}

func TestMissingFile(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := config.Load(config.Sources{Env: env("EVERLEAF_DATA", "d"), File: missing}); err != nil {
		t.Errorf("a file that nobody asked for: %v", err)
	}
	_, err := config.Load(config.Sources{Env: env("EVERLEAF_DATA", "d"), File: missing, Asked: true})
	if err == nil || !strings.HasPrefix(err.Error(), "the configuration cannot be read: open "+missing) {
		t.Errorf("got %v", err)
	}
}

// Everything that is wrong is told at once, each with its place.
func TestAllProblemsAtOnce(t *testing.T) {
	file := write(t, "listn: :8443\ndrain: soon\nlog-level:\n")
	_, err := config.Load(config.Sources{
		Flags: map[string][]string{"http01-port": {"0"}},
		Env:   env("EVERLEAF_DATA", "d", "EVERLEAF_EXTERNAL_URL", "http://ca.example.com", "EVERLEAF_TRUSTED_PROXY", "lan"),
		File:  file,
	})
	want := []string{
		file + `:1: there is no setting "listn"; did you mean listen?`,
		file + `:3: log-level has no value; give one, or remove the line`,
		`EVERLEAF_EXTERNAL_URL: "http://ca.example.com" is not a base URL; write https://HOST or https://HOST:PORT`,
		`EVERLEAF_TRUSTED_PROXY: "lan" is not a network; write it like 10.0.0.0/8 or 10.1.2.3`,
		`--http01-port: "0" is not a port; write a number from 1 to 65535`,
		file + `:2: drain: invalid length of time "soon": write it like 90d, 160h or 1d12h`,
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), err.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestTrial(t *testing.T) {
	tests := []struct {
		change func(*config.Config)
		want   bool
	}{
		{func(*config.Config) {}, true},
		{func(c *config.Config) { c.Listen = "localhost:1" }, true},
		{func(c *config.Config) { c.Listen = "[::1]:1" }, true},
		{func(c *config.Config) { c.Listen = ":8443" }, false},
		{func(c *config.Config) { c.Listen = "192.0.2.1:8443" }, false},
		{func(c *config.Config) { c.ExternalURL = "https://ca.example.com" }, false},
		{func(c *config.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} }, false},
	}
	for n, tt := range tests {
		c := config.Config{Listen: "127.0.0.1:8443"}
		tt.change(&c)
		if got := c.Trial(); got != tt.want {
			t.Errorf("case %d: got %t, want %t", n, got, tt.want)
		}
	}
}
