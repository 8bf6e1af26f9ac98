package keyring

import (
	"crypto"
	"fmt"

	"github.com/everleaf-pki/everleaf/internal/core/pki"

	"github.com/everleaf-pki/everleaf/internal/durable"
)

// NewKey makes a key that is kept nowhere.
func NewKey(kind pki.KeyType) (crypto.Signer, error) { return generate(kind) }

// WriteOutside writes a key to a new file outside the ring, in the ring's form: encrypted when the ring has a
// passphrase, readable by its owner only. An existing file is never replaced; the error wraps fs.ErrExist.
func (r *Keyring) WriteOutside(path string, key crypto.Signer) error {
	text, err := r.encodePrivateKey(key)
	if err != nil {
		return fmt.Errorf("write a key to %s: %w", path, err)
	}
	if err := durable.CreateFile(path, text, privateFile); err != nil {
		return fmt.Errorf("write a key to %s: %w", path, err)
	}
	return nil
}
