// Package keyring keeps the secrets of a data folder: the issuers' private keys and the key that seals secrets in the
// database.
//
// A ring is a folder (0700) of files (0600). The key NAME is the file NAME.key, PKCS#8 in PEM: with a passphrase
// encrypted by PBES2 so that openssl reads it, without one plain. The file sealing.key holds the sealing key.
// The guarantees:
//
//   - A key is on the disk, whole, before Generate or Import returns, and no key is ever overwritten.
//   - Files and folders that other users could reach are refused, not mended: a key that others may have read is for a
//     person to judge. Symbolic links are not followed.
//   - A ring that holds an encrypted key gets no plain one beside it by a forgotten passphrase.
//
// Errors that speak of files name them, for the operator: they carry no fault kind, so no requester sees them. What a
// caller can do wrong (names, kinds, foreign keys) is a fault.Error.
package keyring

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/everleaf-pki/everleaf/internal/core/pki"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring/pbes2"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/durable"
)

const (
	suffix      = ".key"
	sealingName = "sealing" // reserved: no issuer's key has it
)

// Options of a ring.
type Options struct {
	// Passphrase encrypts what is written, and opens what is encrypted. Empty: keys are written plain.
	Passphrase []byte
}

// Keyring is an open folder of keys. It holds no key in memory: Load reads, and derives, each time.
// Its methods may be called concurrently, and other processes may use the folder at the same time.
type Keyring struct {
	dir        string // absolute
	protection protection

	mu        sync.Mutex
	encrypted map[string]bool // by name; of the keys that Open found and those that were written since
}

// Open opens the ring in the folder dir, and makes the folder when there is none. It refuses, with ErrExposed, a folder
// or a file in it that others can read or change (on windows this is not checked: mode bits mean nothing there).
// It does not try the passphrase: Load does.
func Open(dir string, options Options) (*Keyring, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, tell(err, "the folder of the keys %s cannot be found: %v", dir, err)
	}
	if err := durable.MkdirAll(dir); err != nil {
		return nil, tell(err, "the folder of the keys %s cannot be made: %v", dir, reason(err))
	}
	r := &Keyring{
		dir:        dir,
		protection: protection{bytes.Clone(options.Passphrase), pbes2.Iterations},
		encrypted:  map[string]bool{},
	}
	if err := r.survey(); err != nil {
		return nil, err
	}
	return r, nil
}

// survey checks the folder and every file, and notes which are encrypted.
func (r *Keyring) survey() error {
	info, err := os.Stat(r.dir)
	if err != nil {
		return unreadable("folder of the keys", r.dir, missingKeyHint, err)
	}
	if err := checkAccess(r.dir, info, groupAndOthers); err != nil {
		return err
	}
	names, err := r.files()
	if err != nil {
		return unreadable("folder of the keys", r.dir, missingKeyHint, err)
	}
	for _, name := range names {
		text, err := readPrivate(r.path(name))
		if err != nil {
			return err
		}
		r.note(name, isEncrypted(text))
	}
	return nil
}

// note remembers how the key of that name is stored.
func (r *Keyring) note(name string, encrypted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.encrypted[name] = encrypted
}

// stored returns, in order, the names of the keys that are stored encrypted, or of those that are not.
func (r *Keyring) stored(encrypted bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for name, is := range r.encrypted {
		if is == encrypted {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Plain returns the names of the keys that are not encrypted, as Open found them and as they were written since;
// "sealing" for the sealing key. A ring with a passphrase loads them all the same; the start-up says so.
func (r *Keyring) Plain() []string { return r.stored(false) }

// Names returns the names of the issuers' keys, in order.
func (r *Keyring) Names() ([]string, error) {
	names, err := r.files()
	if err != nil {
		return nil, unreadable("folder of the keys", r.dir, missingKeyHint, err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == sealingName }), nil
}

// files returns the names of all keys, the sealing key's too, in order. Other files are passed over.
func (r *Keyring) files() ([]string, error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if name, isKey := strings.CutSuffix(entry.Name(), suffix); isKey && nameForm.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names) // "a" before "a-b": the suffix has them the other way round
	return names, nil
}

// Generate makes a key, stores it under the name, and returns it. Of any number of callers with one name exactly one
// gets a key; the rest get a fault.Conflict that wraps fs.ErrExist. RSA of 4096 bits takes seconds.
func (r *Keyring) Generate(name string, kind pki.KeyType) (crypto.Signer, error) {
	if err := r.admit(name); err != nil {
		return nil, err
	}
	key, err := generate(kind)
	if err != nil {
		return nil, err
	}
	if err := r.store(name, key); err != nil {
		return nil, err
	}
	return key, nil
}

// Import stores a key that was made elsewhere (ParsePrivateKey reads one) under the name. It refuses kinds of keys that
// no issuer may have, and like Generate a name that is taken.
func (r *Keyring) Import(name string, key crypto.Signer) error {
	if err := r.admit(name); err != nil {
		return err
	}
	if err := checkKind(key); err != nil {
		return fault.Wrap(err, fault.Malformed, "The key cannot be imported: %v.", err)
	}
	return r.store(name, key)
}

// admit says whether a new key may have the name, before the work of making one.
func (r *Keyring) admit(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	switch _, err := os.Lstat(r.path(name)); {
	case err == nil:
		return taken(name, fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return unreadable("key file", r.path(name), missingKeyHint, err)
	}
	return r.admitPlain()
}

// admitPlain refuses to write without a passphrase beside encrypted keys.
func (r *Keyring) admitPlain() error {
	if len(r.protection.passphrase) > 0 {
		return nil
	}
	if encrypted := r.stored(true); len(encrypted) > 0 {
		return tell(ErrNoPassphrase, "the key file %s is encrypted, so no plain key is written beside it, and no passphrase was given; give it with %s",
			r.path(encrypted[0]), passphraseHint)
	}
	return nil
}

func taken(name string, cause error) error {
	return fault.Wrap(cause, fault.Conflict,
		"A key named %q exists already, and no key is ever overwritten; choose another name.", name)
}

func (r *Keyring) store(name string, key crypto.Signer) error {
	text, err := r.encodePrivateKey(key)
	if err != nil {
		return r.unwritten(name, err)
	}
	switch err := r.write(name, text); {
	case errors.Is(err, fs.ErrExist):
		return taken(name, err)
	case err != nil:
		return r.unwritten(name, err)
	}
	return nil
}

// unwritten says why the file of a key was not made; a refusal about passphrases says it by itself.
func (r *Keyring) unwritten(name string, err error) error {
	if errors.Is(err, ErrNoPassphrase) {
		return err
	}
	return tell(err, "the key file %s cannot be written: %v", r.path(name), reason(err))
}

// write makes the file of a key.
func (r *Keyring) write(name string, text []byte) error {
	if err := durable.CreateFile(r.path(name), text, privateFile); err != nil {
		return err
	}
	r.note(name, isEncrypted(text))
	return nil
}

// Load reads the key of that name. With a passphrase this takes some tenths of a second: callers keep what they use.
// The error wraps fs.ErrNotExist when there is no such key, ErrExposed when others can reach it, ErrNoPassphrase or
// ErrWrongPassphrase.
func (r *Keyring) Load(name string) (crypto.Signer, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	text, err := readPrivate(r.path(name))
	if err != nil {
		return nil, err
	}
	key, err := parsePrivateKey(text, r.protection.passphrase, maxIterations)
	if err != nil {
		return nil, r.explain(name, err)
	}
	return key, nil
}

// explain adds to err which file it is about, and what to do.
func (r *Keyring) explain(name string, err error) error {
	next := missingKeyHint
	switch {
	case errors.Is(err, ErrNoPassphrase):
		next = "give it with " + passphraseHint
	case errors.Is(err, ErrWrongPassphrase):
		next = "give the right one with " + passphraseHint + ", or, when a change of the passphrase was interrupted, finish it with \"everleaf key passphrase\""
	}
	return fmt.Errorf("the key file %s cannot be used: %w; %s", r.path(name), err, next)
}

// Delete removes the key of that name for ever. The error wraps fs.ErrNotExist when there is none.
func (r *Keyring) Delete(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := durable.Remove(r.path(name)); err != nil {
		return tell(err, "the key file %s cannot be removed: %v", r.path(name), reason(err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.encrypted, name)
	return nil
}

func (r *Keyring) path(name string) string { return filepath.Join(r.dir, name+suffix) }

var nameForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func checkName(name string) error {
	switch {
	case !nameForm.MatchString(name):
		return fault.New(fault.Malformed, "%q cannot be the name of a key: use 1 to 64 of a-z, 0-9 and hyphen.", name)
	case name == sealingName:
		return fault.New(fault.Malformed, "%q cannot be the name of a key: it is reserved; choose another name.", name)
	}
	return nil
}
