//go:build !windows

package durable

import (
	"errors"
	"os"
	"syscall"
)

// syncFolder makes the names in folder durable. File systems that cannot sync a folder say EINVAL (some network file
// systems do); what they promise about names is then all there is.
func syncFolder(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}
