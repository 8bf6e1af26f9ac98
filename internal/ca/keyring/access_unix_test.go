//go:build unix

package keyring_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/pki"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/test/privilege"
)

// AG-09, INCIDENTS 53: folder 0700 and files 0600, whatever the umask.
// Proves INC-53.
func TestModesDoNotDependOnUmask(t *testing.T) {
	for _, mask := range []int{0o000, 0o022, 0o077} {
		t.Run(fmt.Sprintf("umask %03o", mask), func(t *testing.T) {
			dir := filepath.Join(privateDir(t), "deeper")
			old := syscall.Umask(mask) // of the whole process: this test does not run in parallel
			defer syscall.Umask(old)

			ring := openRing(t, dir, "")
			key, err := ring.Generate("generated", pki.ECDSAP256)
			if err != nil {
				t.Fatal(err)
			}
			if err := ring.Import("imported", key); err != nil {
				t.Fatal(err)
			}
			if _, err := ring.Sealer(); err != nil {
				t.Fatal(err)
			}
			outside := filepath.Join(t.TempDir(), "root.key")
			if err := ring.WriteOutside(outside, key); err != nil {
				t.Fatal(err)
			}
			requireMode(t, outside, 0o600)
			for name, want := range map[string]fs.FileMode{
				"..": 0o700, ".": 0o700, "generated.key": 0o600, "imported.key": 0o600, "sealing.key": 0o600,
			} {
				requireMode(t, filepath.Join(dir, name), want)
			}
		})
	}
}

// Proves INC-53.
func TestExposedFilesAreRefused(t *testing.T) {
	dir := privateDir(t)
	ring := openRing(t, dir, "")
	if _, err := ring.Generate("root", pki.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Sealer(); err != nil {
		t.Fatal(err)
	}
	loads := map[string]func() error{
		"root.key":    func() error { _, err := ring.Load("root"); return err },
		"sealing.key": func() error { _, err := ring.Sealer(); return err },
	}
	for file, load := range loads {
		path := filepath.Join(dir, file)
		for _, mode := range []fs.FileMode{0o640, 0o620, 0o604, 0o602, 0o644, 0o666} {
			chmod(t, path, mode)
			want := fmt.Sprintf("a secret is not private: %s has mode %04o, so other users of this machine can get at the keys; run: chmod 600 %s",
				path, mode, path)
			requireExposed(t, load(), want)
			_, err := keyring.Open(dir, keyring.Options{})
			requireExposed(t, err, want)
		}
		for _, mode := range []fs.FileMode{0o600, 0o400, 0o700} {
			chmod(t, path, mode)
			if err := load(); err != nil {
				t.Errorf("mode %04o: %v", mode, err)
			}
			openRing(t, dir, "")
		}
	}
}

func TestExposedFolderIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's the CA's")
	openRing(t, dir, "")
	for _, mode := range []fs.FileMode{0o755, 0o750, 0o720, 0o777} {
		chmod(t, dir, mode)
		_, err := keyring.Open(dir, keyring.Options{})
		requireExposed(t, err, fmt.Sprintf("%s has mode %04o, so other users of this machine can get at the keys; run: chmod 700 '%s'",
			dir, mode, strings.ReplaceAll(dir, "'", `'\''`)))
	}
	chmod(t, dir, 0o700)
	openRing(t, dir, "")
}

func TestForeignOwnerIsRefused(t *testing.T) {
	us := os.Geteuid()
	dir := privateDir(t)
	ring := openRing(t, dir, "")
	if _, err := ring.Generate("root", pki.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "root.key"), dir} {
		privilege.Chown(t, path, 4711)
		_, err := keyring.Open(dir, keyring.Options{})
		requireExposed(t, err, fmt.Sprintf("%s belongs to user 4711, who can get at the keys, and this process is user %d; run the command as that user, for example with sudo -u '#4711', or make it yours: chown %d %s", path, us, us, path))
		privilege.Chown(t, path, us)
		openRing(t, dir, "")
	}
	privilege.Chown(t, filepath.Join(dir, "root.key"), 4711)
	_, err := ring.Load("root")
	requireExposed(t, err, "belongs to user 4711")
}

// AG-09: symbolic links are not followed, neither to read nor to write.
func TestWhatIsNoPlainFileIsRefused(t *testing.T) {
	makers := map[string]func(t *testing.T, path string){
		"symbolic link": func(t *testing.T, path string) {
			elsewhere := filepath.Join(t.TempDir(), "elsewhere")
			if _, err := openRing(t, elsewhere, "").Generate("root", pki.ECDSAP256); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(elsewhere, "root.key"), path); err != nil {
				t.Fatal(err)
			}
		},
		"dangling link": func(t *testing.T, path string) {
			if err := os.Symlink("nowhere", path); err != nil {
				t.Fatal(err)
			}
		},
		"folder": func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"FIFO": func(t *testing.T, path string) {
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, place := range makers {
		t.Run(name, func(t *testing.T) {
			dir := privateDir(t)
			ring := openRing(t, dir, "")
			path := filepath.Join(dir, "root.key")
			place(t, path)
			_, loaded := ring.Load("root")
			_, opened := keyring.Open(dir, keyring.Options{})
			for act, err := range map[string]error{"Load": loaded, "Open": opened} {
				if err == nil || !strings.Contains(err.Error(), path+" is not a plain file") {
					t.Errorf("%s: got %v", act, err)
				}
			}
			if _, err := ring.Generate("root", pki.ECDSAP256); !errors.Is(err, fs.ErrExist) {
				t.Errorf("Generate: got %v, want fs.ErrExist", err)
			}
		})
	}
}

func requireExposed(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, keyring.ErrExposed) || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func requireMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %v, want %v", path, got, want)
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
