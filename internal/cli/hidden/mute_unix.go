//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package hidden

import (
	"os"

	"golang.org/x/sys/unix"
)

// mute lets the terminal show nothing of what is typed, when off is set, and returns what makes it as it was. The error
// says that the file is no terminal.
func mute(terminal *os.File, off bool) (restore func() error, err error) {
	fd := int(terminal.Fd())
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil || !off {
		return nil, err
	}
	after := *before
	after.Lflag &^= unix.ECHO
	after.Lflag |= unix.ICANON | unix.ISIG
	after.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, setTermios, &after); err != nil {
		return nil, err
	}
	return func() error { return unix.IoctlSetTermios(fd, setTermios, before) }, nil
}
