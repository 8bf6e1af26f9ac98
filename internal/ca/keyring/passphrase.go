package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	// PassphraseVariable is the environment variable that can hold the passphrase.
	PassphraseVariable = "EVERLEAF_PASSPHRASE"
	// PassphraseCredential is the name of the systemd credential that can hold it (LoadCredential=, systemd.exec(5)).
	PassphraseCredential = "everleaf-passphrase"

	credentialsVariable = "CREDENTIALS_DIRECTORY"
	// maxPassphrase is in octets: openssl reads no longer line.
	maxPassphrase = 1000
)

// ReadPassphrase finds the passphrase of the keys: in file, when that is not empty; else in $EVERLEAF_PASSPHRASE; else
// in the systemd credential everleaf-passphrase. It returns nil when there is none of these. One newline at the end is
// not part of it.
//
// A file is refused when it lies in dataDir (the passphrase would be beside the keys, in every copy of the folder), or
// when others can read it or its group can change it. Reading is granted to the group, since that is how systemd shows
// the grant that it gives to the service's user.
func ReadPassphrase(dataDir, file string, env func(string) string) ([]byte, error) {
	if file != "" {
		return readPassphraseFile(dataDir, file)
	}
	if value := env(PassphraseVariable); value != "" {
		return checkPassphrase("$"+PassphraseVariable, []byte(value))
	}
	credentials := env(credentialsVariable)
	if credentials == "" {
		return nil, nil
	}
	passphrase, err := readPassphraseFile(dataDir, filepath.Join(credentials, PassphraseCredential))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return passphrase, err
}

// readPassphraseFile follows links, and reads pipes: a passphrase may come from a secret's mount or from a command.
func readPassphraseFile(dataDir, path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	if info.Mode().IsRegular() {
		if err := refuseInside(dataDir, path); err != nil {
			return nil, err
		}
	}
	if err := checkAccess(path, info, groupWrite|others); err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	content, err := readLimited(file, maxPassphrase+int64(len("\r\n")))
	if err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	return checkPassphrase(path, content)
}

// refuseInside returns an error when the file at path lies in the folder dir. Folders are compared by identity, so that
// no link, mount or spelling of the path hides it. A folder that does not exist yet holds nothing.
func refuseInside(dir, path string) error {
	folder, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the data folder: %w", err)
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err == nil {
		resolved, err = filepath.Abs(resolved)
	}
	if err != nil {
		return fmt.Errorf("look at the passphrase file: %w", err)
	}
	for parent := filepath.Dir(resolved); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return fmt.Errorf("look at the passphrase file: %w", err)
		}
		if os.SameFile(folder, info) {
			return fmt.Errorf("the passphrase file %s lies in the data folder %s, so whoever copies the folder has the keys and the passphrase; move it out of there", path, dir)
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

// checkPassphrase takes the newline off raw, and refuses what openssl could not be given as the first line of a file.
func checkPassphrase(source string, raw []byte) ([]byte, error) {
	passphrase := bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
	switch {
	case len(passphrase) == 0:
		return nil, fmt.Errorf("the passphrase in %s is empty; write one there, or take the setting away to keep keys plain", source)
	case len(passphrase) > maxPassphrase:
		return nil, fmt.Errorf("the passphrase in %s has more than %d octets; use a shorter one", source, maxPassphrase)
	case bytes.ContainsAny(passphrase, "\x00\r\n"):
		return nil, fmt.Errorf("the passphrase in %s has more than one line, or a NUL; write it in one line", source)
	}
	return passphrase, nil
}
