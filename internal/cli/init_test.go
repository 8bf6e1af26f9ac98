package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// What init made is the same in every form: the root alone on stdout for a person, all of it for a program.
func TestInitShowsWhatItMade(t *testing.T) {
	data := filepath.Join(t.TempDir(), "ca")
	b := newBench(t, data)
	b.env["EVERLEAF_OUTPUT"] = "json"
	args := []string{"init", "--public-url", "http://pki.example.com"}
	first, second := initialised{Made: true}, initialised{}
	for _, want := range []*initialised{&first, &second} {
		stdout, stderr, code := b.run(args...)
		made := want.Made
		if err := json.Unmarshal([]byte(stdout), want); err != nil || code != exitDone || stderr != "" {
			t.Fatalf("exit %d, %v: %s%s", code, err, stdout, stderr)
		}
		if want.Made != made || want.Data != data || want.PublicURL != "http://pki.example.com" {
			t.Errorf("got %+v", *want)
		}
	}
	if first.Root == "" || first.Root != second.Root || first.Fingerprint != second.Fingerprint || len(first.Fingerprint) != len(pki.Fingerprint(nil)) {
		t.Errorf("the roots differ: %+v, %+v", first, second)
	}
	b.want(exitDone, first.Root, "", append(args, "-o", "pem")...)
	b.want(exitDone, "", data+" has a certificate authority already; nothing was changed.\n", append(args, "-o", "table")...)

	b.env["EVERLEAF_DATA"] = filepath.Join(t.TempDir(), "other")
	stdout, stderr, code := b.run(append(args, "-o", "table")...)
	if code != exitDone || !strings.HasPrefix(stdout, "-----BEGIN CERTIFICATE-----\n") || !strings.HasPrefix(stderr, "A certificate authority was made in ") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}
