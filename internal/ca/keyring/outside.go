package keyring

import (
	"crypto"
	"errors"
	"io/fs"

	"github.com/everleaf-pki/everleaf/internal/core/pki"

	"github.com/everleaf-pki/everleaf/internal/durable"
)

// NewKey makes a key that is kept nowhere.
func NewKey(kind pki.KeyType) (crypto.Signer, error) { return generate(kind) }

// WriteOutside writes a key to a new file outside the ring, in the ring's form: encrypted when the ring has a
// passphrase, readable by its owner only. An existing file is never replaced; the error wraps fs.ErrExist.
func (r *Keyring) WriteOutside(path string, key crypto.Signer) error {
	text, err := r.encodePrivateKey(key)
	if err == nil {
		err = durable.CreateFile(path, text, privateFile)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return tell(err, "the key file %s exists already, and no key is ever overwritten; name another file", path)
	case err != nil:
		return tell(err, "the key file %s cannot be written: %v", path, reason(err))
	}
	return nil
}
