package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/everleaf-pki/everleaf/internal/durable"
)

// What is in a data folder, as far as commands have to know.
const (
	DatabaseFile = "everleaf.db"
	KeysFolder   = "keys"
	RootsFile    = "root.pem" // the roots, for people and scripts
)

// ErrHeld says that another process has the data folder.
var ErrHeld = errors.New("the data folder is in use")

// folder is a data folder that this process alone has opened.
type folder struct {
	path string
	lock *flock.Flock
}

// openFolder makes the folder if it does not exist, refuses one that others can change, and takes its lock. The lock ends with the process, however it ends.
func openFolder(path string) (*folder, error) {
	if err := checkLength(path); err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(path); err != nil {
		return nil, refusedFolder(path, "made", err)
	}
	if err := checkFolder(path); err != nil {
		return nil, err
	}
	f := &folder{path: path, lock: flock.New(filepath.Join(path, "lock"), flock.SetPermissions(0o600))}
	held, err := f.lock.TryLock()
	if err != nil {
		return nil, refusedFolder(path, "locked", err)
	}
	if !held {
		return nil, fmt.Errorf("%w: %s is held by %s; stop it, or give another folder with --data", ErrHeld, path, f.holder())
	}
	if err := os.WriteFile(f.file("lock"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(refusedFolder(path, "written to", err), f.close())
	}
	return f, nil
}

// holder names the process that has the lock, as far as it wrote its number down.
func (f *folder) holder() string {
	pid, err := os.ReadFile(f.file("lock"))
	if err != nil || strings.TrimSpace(string(pid)) == "" {
		return "another process"
	}
	return "process " + strings.TrimSpace(string(pid))
}

func (f *folder) close() error { return f.lock.Unlock() }

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

func (f *folder) database() string { return f.file(DatabaseFile) }

func (f *folder) keys() string { return f.file(KeysFolder) }

// roots is where the roots stand as PEM.
func (f *folder) roots() string { return f.file(RootsFile) }

// serverChain is the certificate of the HTTPS listener with its chain.
func (f *folder) serverChain() string { return f.file("server.pem") }

// socketFile is where the server of a data folder listens for administration.
const socketFile = "everleaf.sock"

// maxFolder is the longest absolute path of a data folder, in octets: the path of its socket must fit into the address of a
// Unix socket, with the NUL that ends it (sun_path of unix(7)).
const maxFolder = len(syscall.RawSockaddrUnix{}.Path) - 1 - len("/"+socketFile)

// SocketPath returns where the server of a data folder listens for administration: in the folder and nowhere else, for
// whoever may write to the place of the socket can pose as the server.
func SocketPath(data string) string { return filepath.Join(absolute(data), socketFile) }

// checkLength refuses a data folder in which a server could not listen for administration.
func checkLength(path string) error {
	if len(absolute(path)) > maxFolder {
		return fmt.Errorf("the path of the data folder %s is longer than %d octets, too long for the admin socket; use a shorter one", path, maxFolder)
	}
	return nil
}

// absolute returns path as it is where the working folder is gone.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}
