package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// sentence is an error that an operator reads. What it stands on is wrapped and not part of the text: the words of
// parsers and system calls say nothing to who has to mend it.
type sentence struct {
	text  string
	cause error
}

func (s *sentence) Error() string { return s.text }

func (s *sentence) Unwrap() error { return s.cause }

// tell returns an error that says the text and wraps the cause.
func tell(cause error, format string, args ...any) error {
	return &sentence{fmt.Sprintf(format, args...), cause}
}

// unreadable says why the file at path, a key file for example, gives nothing, and what helps where it is missing.
func unreadable(what, path, whenMissing string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return tell(err, "the %s %s does not exist; %s", what, path, whenMissing)
	case errors.Is(err, fs.ErrPermission):
		return tell(err, "the %s %s is closed to this user; run the command as the user to whom it belongs, for example with sudo -u", what, path)
	default:
		return tell(err, "the %s %s cannot be read: %v", what, path, reason(err))
	}
}

// reason returns what the system said, without the name of the call and the path.
func reason(err error) error {
	if named, ok := errors.AsType[*fs.PathError](err); ok {
		return named.Err
	}
	if linked, ok := errors.AsType[*os.LinkError](err); ok {
		return linked.Err
	}
	return err
}
