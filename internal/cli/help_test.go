package cli

import (
	"strings"
	"testing"
)

// However help is asked for, it is the same text.
func TestHelpIsFoundEverywhere(t *testing.T) {
	b := newBench(t, t.TempDir())
	for _, one := range []struct {
		begin string
		asked []string
	}{
		{"Everleaf is an ACME certificate authority", []string{"", "help", "--help", "-h"}},
		{"Certificates are kept for ever", []string{"cert", "cert --help", "--help cert", "help cert", "cert help", "help certificate", "certificate -h"}},
		{"Revoke a certificate.", []string{"cert revoke --help", "--help cert revoke", "cert --help revoke", "help cert revoke", "cert help revoke", "cert revoke -h x"}},
	} {
		for _, args := range one.asked {
			stdout, stderr, code := b.run(strings.Fields(args)...)
			if !strings.HasPrefix(stdout, one.begin) || stderr != "" || code != exitDone {
				t.Errorf("everleaf %s: exit %d, %.60q, %q", args, code, stdout, stderr)
			}
		}
	}
}
