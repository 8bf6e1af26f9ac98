//go:build unix

package app

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Permission bits of a data folder.
const (
	othersWrite fs.FileMode = 0o022 // for the group or others: whoever has it can put another database or socket in place
	othersLook  fs.FileMode = 0o055 // for them: shows the names in the folder, not what is in its private files
)

// checkFolder refuses a data folder that other users than this one and root can change.
func checkFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&othersWrite != 0 {
		next := "run: chmod 700 " + path
		if info.Mode()&fs.ModeSticky != 0 { // a folder that is for everybody
			next = "give another with --data"
		}
		return fmt.Errorf("the data folder %s has mode %04o, so other users of this machine can change what is in it; %s", path, info.Mode().Perm(), next)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("the data folder %s belongs to user %d, and this process is user %d; run this as that user, for example with sudo -u '#%d', or give another with --data",
			path, owner.Uid, os.Geteuid(), owner.Uid)
	}
	return nil
}

// showsNames reports whether other users can list a data folder.
func showsNames(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&othersLook != 0
}
