package app

import (
	"context"
	"crypto"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/probe/remote"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/internal/va"
)

// validationKey is the name of the key in the keyring by which the CA and its validators know each other.
const validationKey = "validation"

// validators reaches the validators on other machines. The key is opened when it is needed first: a passphrase takes time.
type validators struct {
	db   *sqlite.DB
	open func() (ends, error)
}

// ends is what this end shows, and how.
type ends struct {
	client *remote.Client
	key    pki.KeyHash
}

func newValidators(keys *keyring.Keyring, db *sqlite.DB) *validators {
	return &validators{db: db, open: sync.OnceValues(func() (ends, error) {
		signer, err := ownKey(keys, validationKey)
		if err != nil {
			return ends{}, err
		}
		identity, err := remote.Identity(signer, time.Now())
		if err != nil {
			return ends{}, err
		}
		key, err := remote.KeyOf(signer.Public())
		return ends{remote.New(identity), key}, err
	})}
}

// ownKey returns a key of the installation itself, and makes it when it is needed first.
func ownKey(keys *keyring.Keyring, name string) (crypto.Signer, error) {
	key, err := keys.Load(name)
	if errors.Is(err, fs.ErrNotExist) {
		return keys.Generate(name, pki.ECDSAP256)
	}
	return key, err
}

// Perspective implements va.Perspectives.
func (v *validators) Perspective(ctx context.Context, name string) (policy.Perspective, va.Looker, error) {
	p, err := v.db.PerspectiveByName(ctx, name)
	if err != nil {
		return p, nil, err
	}
	end, err := v.open()
	if err != nil {
		return p, nil, err
	}
	return p, end.client.At(p), nil
}

// Key implements manage.Validators.
func (v *validators) Key() (pki.KeyHash, error) {
	end, err := v.open()
	return end.key, err
}

// Alive implements manage.Validators.
func (v *validators) Alive(ctx context.Context, p policy.Perspective) error {
	end, err := v.open()
	if err != nil {
		return err
	}
	return end.client.At(p).Alive(ctx)
}
