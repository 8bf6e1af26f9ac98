package app

import (
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// CheckSetup decides what Bootstrap would refuse of the setup, before a folder is made for it. Error: Malformed.
func CheckSetup(setup manage.Setup) error {
	return setup.Check(keyring.ParsePrivateKey, time.Now())
}
