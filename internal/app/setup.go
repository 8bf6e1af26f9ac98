package app

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// CheckSetup decides what Bootstrap would refuse of the setup with these settings, before a folder is made for it. Error:
// Malformed.
func CheckSetup(c config.Config, setup manage.Setup) error {
	setup, err := located(c, setup)
	if err != nil {
		return err
	}
	return setup.Check(keyring.ParsePrivateKey, time.Now())
}

// Encrypts reports whether keys that are written get a passphrase.
func (a *App) Encrypts() bool { return a.encrypted }

// CheckOutside says whether WriteKey would have a place at path, before there is an App.
func CheckOutside(c config.Config, path string) error { return keyring.CheckOutside(c.Data, path) }
