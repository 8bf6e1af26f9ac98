package keyring

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/everleaf-pki/everleaf/internal/durable"
)

// CheckOutside says whether WriteOutside would have a place at path: a new file in a folder that exists and is not within
// the data folder, where the key would be beside those that it shall outlive.
func CheckOutside(dataDir, path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return exists(path, fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return unreadable("key file", path, "name another", err)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) && spelledWithin(dataDir, path) {
		return beside(dataDir, path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return tell(err, "the folder of the key file %s does not exist; make it, or name another file", path)
	}
	if err != nil {
		return tell(err, "the folder of the key file %s cannot be found: %v", path, reason(err))
	}
	inside, err := within(dataDir, folder)
	if err == nil && inside {
		err = beside(dataDir, path)
	}
	return err
}

func beside(dataDir, path string) error {
	return fmt.Errorf("the key file %s would lie in the data folder %s, and whoever copies the folder would have it; name a file elsewhere", path, dataDir)
}

// spelledWithin reports whether path leads below dir by its spelling, which is all there is while neither exists.
func spelledWithin(dir, path string) bool {
	outer, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	inner, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	relative, err := filepath.Rel(outer, inner)
	return err == nil && filepath.IsLocal(relative)
}

func exists(path string, cause error) error {
	return tell(cause, "the key file %s exists already, and no key is ever overwritten; name another file", path)
}

// WriteOutside writes a key to a new file outside the ring, in the ring's form: encrypted when the ring has a
// passphrase, readable by its owner only. An existing file is never replaced; the error wraps fs.ErrExist.
func (r *Keyring) WriteOutside(path string, key crypto.Signer) error {
	text, err := r.encodePrivateKey(key)
	if err == nil {
		err = durable.CreateFile(path, text, privateFile)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return exists(path, err)
	case err != nil:
		return tell(err, "the key file %s cannot be written: %v", path, reason(err))
	}
	return nil
}
