package keyring

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

const (
	// SealingKeySize is the size of a sealing key in octets: AES-256.
	SealingKeySize = 32
	// MaxSealed is the size of the largest secret that Seal takes, in octets.
	MaxSealed = 64 << 10

	sealVersion       = 1
	sealingKeyVersion = 1
)

// ErrSealed says that a sealed value does not open: it was changed, belongs to another context, or was sealed under
// another key. Which of these cannot be told.
var ErrSealed = errors.New("the sealed value does not open: it was changed, or moved, or sealed under another key")

// Sealer encrypts secrets that are kept in the database, so that a copy of the database alone does not give them away.
// It is AES-256-GCM with a random nonce; one key is good for 2^32 values. Its methods may be called concurrently.
type Sealer struct {
	aead cipher.AEAD
}

// NewSealer returns a sealer on a key of SealingKeySize octets.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != SealingKeySize {
		return nil, fmt.Errorf("a sealing key has %d octets, not %d", SealingKeySize, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Sealer{aead}, nil
}

// Seal encrypts plain. Context says what the value is and whose it is; it is not part of the result, and Open wants it
// again, so that a value moved to another row does not open. The result is a version octet, the nonce, the ciphertext
// and the tag: 29 octets more than plain.
func (s *Sealer) Seal(plain, context []byte) ([]byte, error) {
	if len(plain) > MaxSealed {
		return nil, fmt.Errorf("seal: a secret has at most %d octets, not %d", MaxSealed, len(plain))
	}
	return s.aead.Seal([]byte{sealVersion}, nil, plain, authenticated(context)), nil //nolint:gosec // the version is what the result is appended to; the nonce is random
}

// Open returns what Seal was given, when the bytes and the context are the same; else an error that wraps ErrSealed.
func (s *Sealer) Open(sealed, context []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, fmt.Errorf("%w (it is empty)", ErrSealed)
	}
	if sealed[0] != sealVersion {
		return nil, fmt.Errorf("%w (its version is %d; this release knows %d)", ErrSealed, sealed[0], sealVersion)
	}
	plain, err := s.aead.Open(nil, nil, sealed[1:], authenticated(context))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// authenticated is the additional data: the version too, so that no later version can be passed off as this one.
func authenticated(context []byte) []byte {
	return slices.Concat([]byte{sealVersion}, context)
}

// sealingKey is the content of sealing.key: DER in a PEM block, under the same PBES2 as the issuers' keys where there
// is a passphrase. PKCS#8 is for asymmetric keys, and bare octets would not show a wrong passphrase.
type sealingKey struct {
	Version int
	Key     []byte
}

// HasSealingKey reports whether the ring has a sealing key. Sealed values without one are lost: callers who find such
// refuse to start, since Sealer would make a new key.
func (r *Keyring) HasSealingKey() (bool, error) {
	_, err := os.Lstat(r.path(sealingName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Sealer returns the sealer on the ring's sealing key, which is made when there is none. Concurrent first calls, in
// other processes too, get the same key. Errors are those of Load.
func (r *Keyring) Sealer() (*Sealer, error) {
	key, err := r.loadSealingKey()
	if errors.Is(err, fs.ErrNotExist) {
		if err := r.makeSealingKey(); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, r.unwritten(sealingName, err)
		}
		key, err = r.loadSealingKey()
	}
	if err != nil {
		return nil, err
	}
	return NewSealer(key)
}

func (r *Keyring) loadSealingKey() ([]byte, error) {
	text, err := readPrivate(r.path(sealingName))
	if err != nil {
		return nil, err
	}
	key, err := parseSealingKey(text, r.protection.passphrase, maxIterations)
	if err != nil {
		return nil, r.explain(sealingName, err)
	}
	return key, nil
}

func (r *Keyring) makeSealingKey() error {
	if err := r.admitPlain(); err != nil {
		return err
	}
	key := make([]byte, SealingKeySize)
	rand.Read(key) // never fails: crypto/rand ends the process instead
	text, err := encodeSealingKey(key, r.protection)
	if err != nil {
		return err
	}
	return r.write(sealingName, text)
}

func marshalSealingKey(key []byte) ([]byte, error) {
	return asn1.Marshal(sealingKey{Version: sealingKeyVersion, Key: key})
}

func encodeSealingKey(key []byte, p protection) ([]byte, error) {
	der, err := marshalSealingKey(key)
	if err != nil {
		return nil, err
	}
	return encode(sealingKeyLabel, der, p)
}

func parseSealingKey(text, passphrase []byte, maxIterations int) ([]byte, error) {
	block, err := onlyBlock(text, sealingKeyLabel)
	if err != nil {
		return nil, err
	}
	der, err := open(block, passphrase, maxIterations)
	if err != nil {
		return nil, err
	}
	var content sealingKey
	if _, err := asn1.Unmarshal(der, &content); err != nil {
		return nil, tell(err, "it is damaged, or of a form that this release does not know")
	}
	if content.Version != sealingKeyVersion || len(content.Key) != SealingKeySize {
		return nil, fmt.Errorf("it is no sealing key of version %d with %d octets", sealingKeyVersion, SealingKeySize)
	}
	return bytes.Clone(content.Key), nil
}
