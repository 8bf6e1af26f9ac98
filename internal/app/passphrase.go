package app

import (
	"context"
	"errors"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/config"
)

// NewPassphrase is where the passphrase comes from that keys shall get: File, when that is not empty, else the
// environment or a credential of the service manager, else whom Ask asks.
type NewPassphrase struct {
	File string
	Ask  func() ([]byte, error) // nil: there is nobody to ask
}

// ChangePassphrase encrypts every key in the data folder of the settings under another passphrase; the settings lead to
// the present one. It refuses, with ErrHeld, a folder that a server or a command has opened. For the rest see
// keyring.ChangePassphrase.
func ChangePassphrase(ctx context.Context, c config.Config, env func(string) string, next NewPassphrase) (change keyring.PassphraseChange, err error) {
	f, err := openFolder(c.Data)
	if err != nil {
		return change, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	present, err := keyring.ReadPassphrase(f.path, c.PassphraseFile, env)
	if err != nil {
		return change, err
	}
	ring, err := keyring.Open(f.keys(), keyring.Options{Passphrase: present})
	if err != nil {
		return change, err
	}
	passphrase, err := next.read(f.path, env)
	if err != nil {
		return change, err
	}
	return ring.ChangePassphrase(ctx, passphrase)
}

func (n NewPassphrase) read(data string, env func(string) string) ([]byte, error) {
	passphrase, err := keyring.ReadNewPassphrase(data, n.File, env)
	if err != nil || passphrase != nil {
		return passphrase, err
	}
	if n.Ask == nil {
		return nil, errors.New("there is no new passphrase; give it with --new-passphrase-file FILE, $" + keyring.NewPassphraseVariable +
			" or the systemd credential " + keyring.NewPassphraseCredential + ", or run the command on a terminal and type it")
	}
	typed, err := n.Ask()
	if err != nil {
		return nil, err
	}
	return keyring.CheckTyped(typed)
}
