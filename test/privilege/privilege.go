// Package privilege does in tests what only root may: as root or with sudo, which make test needs anyway.
package privilege

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// Chown gives a file or folder to the user with a number.
func Chown(t testing.TB, path string, owner int) {
	t.Helper()
	if os.Geteuid() == 0 {
		if err := os.Chown(path, owner, -1); err != nil {
			t.Fatal(err)
		}
		return
	}
	if out, err := exec.CommandContext(t.Context(), "sudo", "-n", "chown", strconv.Itoa(owner), path).CombinedOutput(); err != nil {
		t.Fatalf("this test needs root, or sudo without a password: %v\n%s", err, out)
	}
}
