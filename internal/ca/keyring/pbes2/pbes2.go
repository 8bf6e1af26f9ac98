// Package pbes2 encrypts secrets under a passphrase as openssl does: PBES2 of RFC 8018 (PKCS #5 v2.1) in the
// EncryptedPrivateKeyInfo of RFC 5958 section 3.
//
// Written is one form: PBKDF2 with HMAC-SHA-256, AES-256-CBC. Read is every PBES2 of PBKDF2
// with an HMAC of the SHA family and AES-CBC, which is what openssl has written since 1.0.
//
// CBC does not authenticate. A wrong passphrase shows in the padding with 255 of 256 chances, and the caller sees the
// rest in the structure of the plain text; whoever can change the file can replace it anyway.
package pbes2

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

// Iterations is the number of PBKDF2 rounds that a passphrase of people needs: OWASP's figure for HMAC-SHA-256, some
// tenths of a second of one core.
const Iterations = 600_000

const (
	saltSize = 16 // octets; RFC 8018 section 4.1 wants at least 8
	keySize  = 32 // octets; AES-256
	maxSalt  = 1024
)

// Errors of Decrypt.
var (
	// ErrPassphrase says that the passphrase is wrong, or the bytes were damaged; the two look the same.
	ErrPassphrase = errors.New("the passphrase does not fit")
	// ErrMalformed says that the bytes are no PBES2 in DER.
	ErrMalformed = errors.New("malformed PBES2 encryption")
	// ErrUnsupported says that the encryption is another one, or dearer than the caller allows.
	ErrUnsupported = errors.New("unsupported encryption")
)

// encryptedPrivateKeyInfo is RFC 5958 section 3.
type encryptedPrivateKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// parameters is PBES2-params, RFC 8018 appendix A.4.
type parameters struct {
	Derivation pkix.AlgorithmIdentifier
	Encryption pkix.AlgorithmIdentifier
}

// derivation is PBKDF2-params, RFC 8018 appendix A.2; an absent PRF means HMAC-SHA-1.
type derivation struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// Encrypt returns the DER of plain under the passphrase, which must not be empty, after that many rounds of PBKDF2.
func Encrypt(plain, passphrase []byte, iterations int) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, errors.New("encrypt: the passphrase is empty")
	}
	salt, iv := make([]byte, saltSize), make([]byte, aes.BlockSize)
	rand.Read(salt) // never fails: crypto/rand ends the process instead
	rand.Read(iv)
	key, err := pbkdf2.Key(sha256.New, string(passphrase), salt, iterations, keySize)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	data := pad(plain)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return encode(salt, iterations, iv, data)
}

func encode(salt []byte, iterations int, iv, data []byte) ([]byte, error) {
	derived, err := algorithm(oidPBKDF2, derivation{
		Salt:       salt,
		Iterations: iterations,
		PRF:        pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSHA256, Parameters: asn1.NullRawValue},
	})
	if err != nil {
		return nil, err
	}
	encrypted, err := algorithm(oidAES256CBC, iv)
	if err != nil {
		return nil, err
	}
	scheme, err := algorithm(oidPBES2, parameters{Derivation: derived, Encryption: encrypted})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(encryptedPrivateKeyInfo{Algorithm: scheme, Data: data})
}

func algorithm(oid asn1.ObjectIdentifier, parameters any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(parameters)
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}, err
}

// Decrypt returns what Encrypt or openssl put under the passphrase. Encryptions with more than maxIterations PBKDF2
// rounds are refused before the work is done: that bounds the time that a hostile file can cost.
// Errors wrap ErrPassphrase, ErrMalformed or ErrUnsupported.
func Decrypt(der, passphrase []byte, maxIterations int) ([]byte, error) {
	var info encryptedPrivateKeyInfo
	if err := unmarshal(der, &info); err != nil {
		return nil, err
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("%w: algorithm %v is not PBES2", ErrUnsupported, info.Algorithm.Algorithm)
	}
	var scheme parameters
	if err := unmarshal(info.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, err
	}
	size, iv, err := readEncryption(scheme.Encryption)
	if err != nil {
		return nil, err
	}
	key, err := deriveKey(scheme.Derivation, passphrase, size, maxIterations)
	if err != nil {
		return nil, err
	}
	return decrypt(key, iv, info.Data)
}

// readEncryption returns the key's size and the initialisation vector of an AES-CBC scheme.
func readEncryption(encryption pkix.AlgorithmIdentifier) (size int, iv []byte, err error) {
	size = aesKeySize(encryption.Algorithm)
	if size == 0 {
		return 0, nil, fmt.Errorf("%w: cipher %v is not AES-CBC", ErrUnsupported, encryption.Algorithm)
	}
	if err := unmarshal(encryption.Parameters.FullBytes, &iv); err != nil {
		return 0, nil, err
	}
	if len(iv) != aes.BlockSize {
		return 0, nil, fmt.Errorf("%w: initialisation vector of %d octets", ErrMalformed, len(iv))
	}
	return size, iv, nil
}

func deriveKey(algorithm pkix.AlgorithmIdentifier, passphrase []byte, size, maxIterations int) ([]byte, error) {
	if !algorithm.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("%w: key derivation %v is not PBKDF2", ErrUnsupported, algorithm.Algorithm)
	}
	var params derivation
	if err := unmarshal(algorithm.Parameters.FullBytes, &params); err != nil {
		return nil, err
	}
	newHash := hashOf(params.PRF.Algorithm)
	switch {
	case newHash == nil:
		return nil, fmt.Errorf("%w: PBKDF2 with the pseudo-random function %v", ErrUnsupported, params.PRF.Algorithm)
	case params.Iterations > maxIterations:
		return nil, fmt.Errorf("%w: %d PBKDF2 rounds, more than %d", ErrUnsupported, params.Iterations, maxIterations)
	case params.Iterations < 1, params.KeyLength != 0 && params.KeyLength != size, len(params.Salt) > maxSalt:
		return nil, fmt.Errorf("%w: PBKDF2 parameters", ErrMalformed)
	}
	key, err := pbkdf2.Key(newHash, string(passphrase), params.Salt, params.Iterations, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return key, nil
}

func decrypt(key, iv, data []byte) ([]byte, error) {
	if len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: %d octets are no whole blocks", ErrMalformed, len(data))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	return unpad(plain)
}

// pad returns a copy of plain, filled to whole blocks (RFC 8018 section 6.1.1).
func pad(plain []byte) []byte {
	n := aes.BlockSize - len(plain)%aes.BlockSize
	return append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
}

func unpad(plain []byte) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n < 1 || n > aes.BlockSize || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, ErrPassphrase
	}
	return plain[:len(plain)-n], nil
}

// unmarshal is asn1.Unmarshal without trailing bytes.
func unmarshal(der []byte, value any) error {
	rest, err := asn1.Unmarshal(der, value)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: trailing bytes", ErrMalformed)
	}
	return nil
}
