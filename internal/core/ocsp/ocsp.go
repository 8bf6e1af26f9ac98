// Package ocsp reads the requests and writes the replies of the Online Certificate Status Protocol (RFC 6960), in the
// profile for large numbers of clients (RFC 5019): one certificate a request, no nonce, replies that caches may keep. It
// signs nothing and never reads a clock.
package ocsp

import (
	"bytes"
	"crypto"
	"crypto/sha1" //nolint:gosec // names an issuer, as RFC 5019 section 2.1.1 demands; nothing is signed over it
	"crypto/sha256"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// MaxRequest bounds a request in octets: one CertID, and room for the signature and the certificates of a client that signs
// its requests.
const MaxRequest = 16 << 10

// maxSerialBytes is the longest serial number (RFC 5280 section 4.1.2.2).
const maxSerialBytes = 20

// CertID names a certificate by its issuer's name and key, and its serial number (RFC 6960 section 4.1.1).
type CertID struct {
	Hash     crypto.Hash // SHA-1 or SHA-256
	NameHash []byte      // of the issuer's name
	KeyHash  []byte      // of the issuer's key
	Serial   pki.Serial
	Raw      []byte // DER, which the reply repeats octet by octet
}

// IssuedBy reports whether the certificate is one of the issuer with this name and SubjectPublicKeyInfo, both in DER: both
// count, since one key may have several names and one name several keys (INCIDENTS 39).
func (id CertID) IssuedBy(name, spki []byte) bool {
	key, err := keyBits(spki)
	return err == nil && bytes.Equal(id.NameHash, digest(id.Hash, name)) && bytes.Equal(id.KeyHash, digest(id.Hash, key))
}

func digest(hash crypto.Hash, octets []byte) []byte {
	if hash == crypto.SHA1 {
		sum := sha1.Sum(octets) //nolint:gosec // see the import
		return sum[:]
	}
	sum := sha256.Sum256(octets)
	return sum[:]
}

// keyBits returns the BIT STRING of a SubjectPublicKeyInfo without tag, length and count of unused bits, which is what names
// a key.
func keyBits(spki []byte) ([]byte, error) {
	input := cryptobyte.String(spki)
	var outer cryptobyte.String
	var bits []byte
	if !input.ReadASN1(&outer, tags.SEQUENCE) || !outer.SkipASN1(tags.SEQUENCE) || !outer.ReadASN1BitStringAsBytes(&bits) {
		return nil, errors.New("the key is no SubjectPublicKeyInfo")
	}
	return bits, nil
}
