package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// PassphraseVariable is the environment variable that can hold the passphrase.
	PassphraseVariable = "EVERLEAF_PASSPHRASE"
	// PassphraseCredential is the name of the systemd credential that can hold it (LoadCredential=, systemd.exec(5)).
	PassphraseCredential = "everleaf-passphrase"
	// NewPassphraseVariable is the environment variable that can hold the passphrase that keys shall get.
	NewPassphraseVariable = "EVERLEAF_NEW_PASSPHRASE"
	// NewPassphraseCredential is the name of the systemd credential that can hold that one.
	NewPassphraseCredential = "everleaf-new-passphrase"

	credentialsVariable = "CREDENTIALS_DIRECTORY"
	// maxPassphrase is in octets: openssl reads no longer line.
	maxPassphrase = 1000
)

// source is where a passphrase may stand.
type source struct{ flag, variable, credential string }

// ReadPassphrase finds the passphrase of the keys: in file, when that is not empty, in $EVERLEAF_PASSPHRASE, or in the
// systemd credential everleaf-passphrase. It returns nil when there is none of these, and refuses more than one. One
// newline at the end is not part of it.
//
// A file is refused when it lies in dataDir (the passphrase would be beside the keys, in every copy of the folder), or
// when others can read it or its group can change it. Reading is granted to the group, since that is how systemd shows
// the grant that it gives to the service's user.
func ReadPassphrase(dataDir, file string, env func(string) string) ([]byte, error) {
	return source{"--passphrase-file", PassphraseVariable, PassphraseCredential}.read(dataDir, file, env)
}

// ReadNewPassphrase is ReadPassphrase for the one that keys shall get: $EVERLEAF_NEW_PASSPHRASE, everleaf-new-passphrase.
func ReadNewPassphrase(dataDir, file string, env func(string) string) ([]byte, error) {
	return source{"--new-passphrase-file", NewPassphraseVariable, NewPassphraseCredential}.read(dataDir, file, env)
}

// CheckTyped returns a passphrase that a person typed, or says why it cannot be one.
func CheckTyped(passphrase []byte) ([]byte, error) {
	return checkPassphrase("that was typed", passphrase)
}

func (s source) read(dataDir, file string, env func(string) string) ([]byte, error) {
	value, credential := env(s.variable), s.credentialFile(env)
	if credential != "" && filepath.Clean(file) == credential {
		credential = "" // one file, named twice
	}
	if err := s.refuseTwo(file, value, credential); err != nil {
		return nil, err
	}
	switch {
	case file != "":
		return s.readFile(dataDir, file)
	case value != "":
		return checkPassphrase("in $"+s.variable, []byte(value))
	case credential != "":
		return s.readFile(dataDir, credential)
	}
	return nil, nil
}

// credentialFile returns the path of the systemd credential, "" when the service manager gave none.
func (s source) credentialFile(env func(string) string) string {
	folder := env(credentialsVariable)
	if folder == "" {
		return ""
	}
	path := filepath.Join(folder, s.credential)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// refuseTwo returns an error when more than one of the sources is given: which of them counts would be a guess, and keys
// that are encrypted with the other one do not open.
func (s source) refuseTwo(file, value, credential string) error {
	var given []string
	if file != "" {
		given = append(given, "the file "+file+" ("+s.flag+")")
	}
	if value != "" {
		given = append(given, "$"+s.variable)
	}
	if credential != "" {
		given = append(given, "the systemd credential "+s.credential)
	}
	if len(given) < 2 {
		return nil
	}
	return fmt.Errorf("the passphrase is given more than once, by %s; keep one of them", strings.Join(given, " and by "))
}

// readFile follows links, and reads pipes: a passphrase may come from a secret's mount or from a command.
func (s source) readFile(dataDir, path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, s.unreadable(path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, s.unreadable(path, err)
	}
	if info.Mode().IsRegular() {
		if err := refuseInside(dataDir, path); err != nil {
			return nil, err
		}
	}
	if err := checkAccess(path, info, groupWrite|others); err != nil {
		return nil, err
	}
	content, err := readLimited(file, maxPassphrase+int64(len("\r\n")))
	if err != nil {
		return nil, s.unreadable(path, err)
	}
	return checkPassphrase("in "+path, content)
}

func (s source) unreadable(path string, err error) error {
	return unreadable("passphrase file", path, "name the right one with "+s.flag, err)
}

// refuseInside returns an error when the passphrase file at path lies in the data folder dir.
func refuseInside(dir, path string) error {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return tell(err, "the folder of the passphrase file %s cannot be found: %v", path, reason(err))
	}
	inside, err := within(dir, filepath.Dir(resolved))
	if err == nil && inside {
		err = fmt.Errorf("the passphrase file %s lies in the data folder %s, so whoever copies the folder has the keys and the passphrase; move it out of there", path, dir)
	}
	return err
}

// checkPassphrase takes the newline off raw, and refuses what openssl could not be given as the first line of a file.
// Which says where the passphrase is from.
func checkPassphrase(which string, raw []byte) ([]byte, error) {
	passphrase := bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
	switch {
	case len(passphrase) == 0:
		return nil, fmt.Errorf("the passphrase %s is empty; give one", which)
	case len(passphrase) > maxPassphrase:
		return nil, fmt.Errorf("the passphrase %s has more than %d octets; use a shorter one", which, maxPassphrase)
	case bytes.ContainsAny(passphrase, "\x00\r\n"):
		return nil, fmt.Errorf("the passphrase %s has more than one line, or a NUL; write it in one line", which)
	}
	return passphrase, nil
}
