package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/config"
)

// resolved returns what is said of an environment.
func resolved(pairs ...string) string {
	var names []string
	for i := 0; i < len(pairs); i += 2 {
		names = append(names, pairs[i])
	}
	_, err := config.Load(config.Sources{Env: env(append(pairs, "EVERLEAF_DATA", "d")...), Variables: append(names, "EVERLEAF_DATA")})
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestUnknownVariablesAreRefused(t *testing.T) {
	tests := []struct {
		name, value string
		want        string
	}{
		{"EVERLEAF_LISTEN", ":1", ""},
		{"EVERLEAF_LISTN", ":1", "EVERLEAF_LISTN: there is no such variable; did you mean EVERLEAF_LISTEN?"},
		{"EVERLEAF_PUBLIC_LISTNE", ":1", "EVERLEAF_PUBLIC_LISTNE: there is no such variable; did you mean EVERLEAF_PUBLIC_LISTEN?"},
		{"EVERLEAF_PASPHRASE", "secret", "EVERLEAF_PASPHRASE: there is no such variable; did you mean EVERLEAF_PASSPHRASE?"},
		{"EVERLEAF_EAB_KEY", "x", `EVERLEAF_EAB_KEY: there is no such variable; "everleaf config show" lists the settings`},
		{"EVERLEAF_", "x", `EVERLEAF_: there is no such variable; "everleaf config show" lists the settings`},
		{"EVERLEAF_LISTN", "", ""},
		{"everleaf_listen", ":1", ""},
		{"LISTN", ":1", ""},

		{"EVERLEAF_CONFIG", "file.yaml", ""},
		{"EVERLEAF_OUTPUT", "json", ""},
		{"EVERLEAF_PASSPHRASE", "secret", ""},
		{"EVERLEAF_NEW_PASSPHRASE", "secret", ""},

		{"EVERLEAF_PORT", "tcp://10.0.0.1:443", ""},
		{"EVERLEAF_PORT", "443", `EVERLEAF_PORT: there is no such variable; "everleaf config show" lists the settings`},
		{"EVERLEAF_ACME_PORT", "tcp://10.0.0.1:443", ""},
		{"EVERLEAF_SERVICE_HOST", "10.0.0.1", ""},
		{"EVERLEAF_SERVICE_PORT", "443", ""},
		{"EVERLEAF_SERVICE_PORT_HTTPS", "443", ""},
		{"EVERLEAF_PORT_443_TCP", "tcp://10.0.0.1:443", ""},
		{"EVERLEAF_PORT_443_TCP_ADDR", "10.0.0.1", ""},
		{"EVERLEAF_ACME_PORT_443_UDP_PROTO", "udp", ""},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, resolved(tt.name, tt.value)); diff != "" {
			t.Errorf("%s=%s: %s", tt.name, tt.value, diff)
		}
	}
	want := "EVERLEAF_LISTN: there is no such variable; did you mean EVERLEAF_LISTEN?\nEVERLEAF_XYZZY: there is no such variable; \"everleaf config show\" lists the settings"
	if diff := cmp.Diff(want, resolved("EVERLEAF_XYZZY", "1", "EVERLEAF_LISTN", "2")); diff != "" {
		t.Error(diff)
	}
}

func TestOnePassphrase(t *testing.T) {
	file := write(t, "data: d\npassphrase-file: /run/secret\n")
	for name, c := range map[string]struct {
		s    config.Sources
		want string
	}{
		"variable": {config.Sources{Env: env("EVERLEAF_DATA", "d", "EVERLEAF_PASSPHRASE", "x")}, ""},
		"file":     {config.Sources{Env: env(), File: file}, ""},
		"flag and variable": {
			config.Sources{Env: env("EVERLEAF_DATA", "d", "EVERLEAF_PASSPHRASE", "x"), Flags: map[string][]string{"passphrase-file": {"p"}}},
			"--passphrase-file and EVERLEAF_PASSPHRASE both give the passphrase of the keys; keep one of them",
		},
		"two variables": {
			config.Sources{Env: env("EVERLEAF_DATA", "d", "EVERLEAF_PASSPHRASE", "x", "EVERLEAF_PASSPHRASE_FILE", "p")},
			"EVERLEAF_PASSPHRASE_FILE and EVERLEAF_PASSPHRASE both give the passphrase of the keys; keep one of them",
		},
		"file and variable": {
			config.Sources{Env: env("EVERLEAF_PASSPHRASE", "x"), File: file},
			file + ":2: passphrase-file and EVERLEAF_PASSPHRASE both give the passphrase of the keys; keep one of them",
		},
	} {
		got := ""
		if _, err := config.Load(c.s); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
