//go:build unix

package keyring

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkAccess refuses a file or folder that has one of the forbidden permission bits, or that belongs to another user
// than this one and root. The error wraps ErrExposed. Entries of an access control list show in the bits of the group.
func checkAccess(path string, info fs.FileInfo, forbidden fs.FileMode) error {
	if info.Mode().Perm()&forbidden != 0 {
		mend := privateFile
		if info.IsDir() {
			mend = 0o700
		}
		return fmt.Errorf("%w: %s has mode %04o, so other users of this machine can get at the keys; run: chmod %o %s",
			ErrExposed, path, info.Mode().Perm(), mend, shellQuote(path))
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%w: the system does not say who owns %s", ErrExposed, path)
	}
	owner, us := int(stat.Uid), os.Geteuid()
	if owner != us && owner != 0 {
		return fmt.Errorf("%w: %s belongs to user %d, who can get at the keys, and this process is user %d; run the command as that user, for example with sudo -u '#%d', or make it yours: chown %d %s",
			ErrExposed, path, owner, us, owner, us, shellQuote(path))
	}
	return nil
}
