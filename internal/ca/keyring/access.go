package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	privateFile fs.FileMode = 0o600

	groupAndOthers fs.FileMode = 0o066 // read and write
	groupWrite     fs.FileMode = 0o020
	others         fs.FileMode = 0o006
)

// ErrExposed says that users other than this one and root can reach a secret; it is wrapped with what is wrong and the
// command that mends it.
var ErrExposed = errors.New("a secret is not private")

// readPrivate reads the file at path, when it is a plain file of at most MaxPEM octets that nobody else can reach.
func readPrivate(path string) ([]byte, error) {
	named, err := os.Lstat(path)
	if err != nil {
		return nil, unreadable("key file", path, missingKeyHint, err)
	}
	if !named.Mode().IsRegular() { // never opened: a link may lead anywhere, a FIFO would block
		return nil, fmt.Errorf("%s is not a plain file, and keys are nothing else: put the file itself there", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable("key file", path, missingKeyHint, err)
	}
	defer file.Close()
	opened, err := file.Stat()
	if err != nil {
		return nil, unreadable("key file", path, missingKeyHint, err)
	}
	if !os.SameFile(named, opened) {
		return nil, fmt.Errorf("the key file %s was replaced while it was opened; try again", path)
	}
	if err := checkAccess(path, opened, groupAndOthers); err != nil {
		return nil, err
	}
	text, err := readLimited(file, MaxPEM)
	if err != nil {
		return nil, unreadable("key file", path, missingKeyHint, err)
	}
	return text, nil
}

// readLimited reads all of file, and refuses more than limit octets.
func readLimited(file *os.File, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("it has more than %d octets", limit)
	}
	return content, nil
}

// shellQuote returns path as a shell takes it for one word.
func shellQuote(path string) string {
	isPlain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+,:@%", r)
	}
	if strings.IndexFunc(path, func(r rune) bool { return !isPlain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// within reports whether folder is dir or lies below it. Folders are compared by identity, so that no link, mount or
// spelling of the path hides it. A dir that does not exist yet holds nothing.
func within(dir, folder string) (bool, error) {
	outer, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, unreadable("data folder", dir, "name the right one with --data", err)
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return false, tell(err, "the folder %s cannot be found: %v", folder, err)
	}
	for parent := folder; ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return false, tell(err, "the folder %s cannot be looked at: %v", parent, reason(err))
		}
		if os.SameFile(outer, info) {
			return true, nil
		}
		if parent == filepath.Dir(parent) {
			return false, nil
		}
	}
}
