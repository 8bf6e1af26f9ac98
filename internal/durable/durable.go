// Package durable writes files that survive a crash and a power cut whole or not at all.
//
// When a function here returns nil, the result is on the disk: the bytes and the name in its folder. When the machine
// stops earlier, the old file (or none) is there, never a part of the new one. What a stopped machine can leave behind
// is a hidden temporary file, ".NAME.*.tmp", readable by its owner alone; readers pass over it.
//
// Permissions are exactly those asked for, whatever the umask is. On windows mode bits mean nothing beyond "read-only",
// and folders cannot be synced: there the file system's journal alone keeps the order of names.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	privateFolder fs.FileMode = 0o700 // of what MkdirAll makes
	privateFile   fs.FileMode = 0o600

	temporarySuffix = ".tmp"
)

// ErrNotRegular is returned, wrapped, when the name to be written belongs to something else than a plain file.
var ErrNotRegular = errors.New("not a regular file")

// WriteFile makes path hold data with the mode perm, in place of what it held before: readers see the old bytes or the
// new ones. A symbolic link, folder or device at path is refused with ErrNotRegular; no link is ever written through.
//
// After an error the old file stands, with one exception: when only the sync of the folder failed, the new file
// stands, and a power cut may bring back the old one.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("write %s: %w", path, ErrNotRegular)
	}
	return place(path, data, perm, os.Rename)
}

// ReplaceFile is WriteFile for a file whose old bytes must not go before the new ones are proven: check looks at the
// new file, whole and on the disk under the temporary path that it is given, and when it returns an error the old file
// stands and the new one is gone. A file that does not exist is not made; the error wraps fs.ErrNotExist.
func ReplaceFile(path string, data []byte, perm fs.FileMode, check func(temporary string) error) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("replace %s: %w", path, ErrNotRegular)
	}
	return place(path, data, perm, func(temporary, path string) error {
		if err := check(temporary); err != nil {
			return err
		}
		return os.Rename(temporary, path)
	})
}

// CreateFile is WriteFile for a name that nothing has yet. Of any number of callers, in this process and in others,
// exactly one makes the file; the rest get an error that wraps fs.ErrExist and change nothing. Whatever has the name
// counts, a dangling symbolic link too.
//
// After another error there is no file, with one exception: when only the last steps failed (removing the temporary
// name, syncing the folder), the file stands. On file systems without hard links (FAT, as on a memory stick) a crash
// can leave the file empty.
func CreateFile(path string, data []byte, perm fs.FileMode) error {
	err := place(path, data, perm, claim)
	if errors.Is(err, fs.ErrExist) {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return err
}

// claim gives temporary the name path unless something has it: link(2), unlike rename(2), never replaces.
func claim(temporary, path string) error {
	err := os.Link(temporary, path)
	switch {
	case err == nil:
		return os.Remove(temporary)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	return claimWithoutLinks(temporary, path)
}

// claimWithoutLinks takes the name with an empty file, which O_EXCL gives to one caller only, and renames over that.
func claimWithoutLinks(temporary, path string) error {
	empty, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, privateFile)
	if err != nil {
		return err
	}
	err = empty.Close()
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// place writes data to a temporary file beside path, and lets publish move it to its name once its bytes are on disk.
func place(path string, data []byte, perm fs.FileMode, publish func(temporary, path string) error) error {
	folder, name := filepath.Split(path)
	folder = filepath.Clean(folder)
	// O_EXCL and 0600; the mode asked for is set before the first byte is written.
	file, err := os.CreateTemp(folder, "."+name+".*"+temporarySuffix)
	if err != nil {
		return err
	}
	temporary := file.Name()
	if err := fill(file, data, perm); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	if err := publish(temporary, path); err != nil {
		return errors.Join(err, discard(temporary))
	}
	return syncFolder(folder)
}

// discard removes temporary, which may be gone already.
func discard(temporary string) error {
	if err := os.Remove(temporary); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// fill writes data to file, gives it the mode, and closes it in every case.
func fill(file *os.File, data []byte, perm fs.FileMode) error {
	err := file.Chmod(perm)
	if err == nil {
		_, err = file.Write(data)
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// Remove deletes the file at path and syncs the folder, so that a power cut does not bring it back.
// The error wraps fs.ErrNotExist when there is none.
func Remove(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// Sweep removes the temporary files that a stopped machine left in folder. Whoever calls it knows that nobody writes
// there at the time.
func Sweep(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	swept := false
	for _, entry := range entries {
		name := entry.Name()
		if !entry.Type().IsRegular() || !strings.HasPrefix(name, ".") || !strings.HasSuffix(name, temporarySuffix) {
			continue
		}
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			return err
		}
		swept = true
	}
	if !swept {
		return nil
	}
	return syncFolder(folder)
}

// MkdirAll makes the folder path and the missing ones above it, each 0700 and on disk when it returns.
// Folders that exist are left as they are: whoever needs a folder to be private checks it.
func MkdirAll(path string) error {
	path = filepath.Clean(path)
	err := requireFolder(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if parent == path {
		return err
	}
	if err := MkdirAll(parent); err != nil {
		return err
	}
	return mkdir(path, parent)
}

// requireFolder returns nil when path is a folder, and fs.ErrNotExist, wrapped, when there is nothing.
func requireFolder(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: path, Err: errors.New("exists and is not a folder")}
	}
	return err
}

// mkdir makes one folder below parent; that another process made it in the meantime is no error.
func mkdir(path, parent string) error {
	err := os.Mkdir(path, privateFolder)
	if errors.Is(err, fs.ErrExist) {
		return requireFolder(path)
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(path, privateFolder); err != nil { // the umask may have taken bits from the owner
		return err
	}
	return syncFolder(parent)
}
