package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

// MaxKeyList bounds a file that names keys, in octets.
const MaxKeyList = 16 << 20

// BlockedKey is a key that is never certified.
type BlockedKey struct {
	Key   KeyHash
	Since time.Time
}

// String returns the hash in hexadecimal.
func (k KeyHash) String() string { return hex.EncodeToString(k[:]) }

// ParseKeyHash reads the SHA-256 of a SubjectPublicKeyInfo in hexadecimal, with or without colons. Error: Malformed.
func ParseKeyHash(text string) (KeyHash, error) {
	var key KeyHash
	octets, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	if err != nil || len(octets) != len(key) {
		return key, fault.New(fault.Malformed, "%.80q is not the SHA-256 of a public key: write 64 hexadecimal digits.", text)
	}
	copy(key[:], octets)
	return key, nil
}

// ReadKeys reads a file that names keys: public keys, certificates and certificate requests in PEM, or one SHA-256 of a
// SubjectPublicKeyInfo a line, where "#" begins a comment. Error: Malformed, with the line or the block.
func ReadKeys(text []byte) ([]KeyHash, error) {
	switch {
	case len(text) > MaxKeyList:
		return nil, fault.New(fault.Malformed, "The file has more than %d octets; divide it.", MaxKeyList)
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return readKeyBlocks(text)
	default:
		return readKeyLines(string(text))
	}
}

func readKeyBlocks(text []byte) ([]KeyHash, error) {
	var keys []KeyHash
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		spki, err := publicKeyIn(block)
		if err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "Block %d of the file: %s.", len(keys)+1, err)
		}
		keys = append(keys, HashKey(spki))
	}
	if len(keys) == 0 {
		return nil, fault.New(fault.Malformed, "The file has no block of PEM that can be read.")
	}
	return keys, nil
}

func publicKeyIn(block *pem.Block) ([]byte, error) {
	switch block.Type {
	case "PUBLIC KEY":
		if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
			return nil, errors.New("the public key cannot be read")
		}
		return block.Bytes, nil
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("the certificate cannot be read")
		}
		return c.RawSubjectPublicKeyInfo, nil
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		c, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil {
			return nil, errors.New("the certificate request cannot be read")
		}
		return c.RawSubjectPublicKeyInfo, nil
	default:
		return nil, fmt.Errorf("%.40q is no public key, certificate or certificate request; the public half of a private key is made with: openssl pkey -in FILE -pubout", block.Type)
	}
}

func readKeyLines(text string) ([]KeyHash, error) {
	var keys []KeyHash
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		key, err := ParseKeyHash(line)
		if err != nil {
			return nil, fault.New(fault.Malformed, "Line %d of the file: %s", number, fault.Sentence(err))
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fault.New(fault.Malformed, "The file names no key.")
	}
	return keys, nil
}
