//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd || windows)

package hidden

import (
	"errors"
	"os"
)

// mute fails: what cannot be hidden is not asked for.
func mute(*os.File, bool) (restore func() error, err error) {
	return nil, errors.ErrUnsupported
}
