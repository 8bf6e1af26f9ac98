package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
)

// refusedFolder says what is to be done about a data folder that cannot be used.
func refusedFolder(path, what string, err error) error {
	next := "give another with --data"
	if errors.Is(err, fs.ErrPermission) {
		next = "run this as the user to whom it belongs, or give another with --data"
	}
	return fmt.Errorf("the data folder %s cannot be %s: %w; %s", path, what, reason(err), next)
}

// refusedDatabase says the same about its database. What the engine tells requesters, to try again later, does not help
// who starts a server.
func refusedDatabase(path string, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Unavailable && errors.Unwrap(f) != nil {
		if sqlite.Damaged(f) {
			return fmt.Errorf("the database %s is damaged: %w; restore a backup into an empty folder", path, errors.Unwrap(f))
		}
		return fmt.Errorf("the database %s cannot be used: %w; make sure that this user may write to it and to its folder, and that the disk has room", path, errors.Unwrap(f))
	}
	return err
}

// refusedAddress says what is to be done about an address that cannot be listened on.
func refusedAddress(setting, address string, err error) error {
	next := "choose another address with --" + setting
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		next = "stop what listens there, or " + next
	case errors.Is(err, fs.ErrPermission):
		next = "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE; " + next
	}
	return fmt.Errorf("cannot listen on %s: %w; %s", address, reason(err), next)
}

// reason returns what the system said, without the names of its calls and what the sentence says already.
func reason(err error) error {
	if network, ok := errors.AsType[*net.OpError](err); ok {
		err = network.Err
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	if named, ok := errors.AsType[*fs.PathError](err); ok {
		err = named.Err
	}
	return err
}
