package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// fileFlag is a file that a flag names and whose content is sent; "" names none.
type fileFlag struct {
	flag string
	path string
	to   *string
}

// readFiles reads every file that is named. An error names the flag and says what helps.
func readFiles(files ...fileFlag) error {
	for _, f := range files {
		if f.path == "" {
			continue
		}
		text, err := os.ReadFile(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("--%s: there is no file %s; name the right one", f.flag, f.path)
		case errors.Is(err, fs.ErrPermission):
			return fmt.Errorf("--%s: the file %s is closed to this user; run the command as the user to whom it belongs, for example with sudo -u", f.flag, f.path)
		case err != nil:
			return fmt.Errorf("--%s: the file %s cannot be read: %w; name another", f.flag, f.path, systemReason(err))
		}
		*f.to = string(text)
	}
	return nil
}

// systemReason returns what the system said, without the name of the call and the path.
func systemReason(err error) error {
	if named, ok := errors.AsType[*fs.PathError](err); ok {
		return named.Err
	}
	return err
}
