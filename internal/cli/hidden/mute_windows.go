package hidden

import (
	"os"

	"golang.org/x/sys/windows"
)

// mute lets the console show nothing of what is typed, when off is set, and returns what makes it as it was. The error
// says that the file is no console.
func mute(terminal *os.File, off bool) (restore func() error, err error) {
	handle := windows.Handle(terminal.Fd())
	var before uint32
	if err := windows.GetConsoleMode(handle, &before); err != nil || !off {
		return nil, err
	}
	after := before&^windows.ENABLE_ECHO_INPUT | windows.ENABLE_LINE_INPUT | windows.ENABLE_PROCESSED_INPUT
	if err := windows.SetConsoleMode(handle, after); err != nil {
		return nil, err
	}
	return func() error { return windows.SetConsoleMode(handle, before) }, nil
}
