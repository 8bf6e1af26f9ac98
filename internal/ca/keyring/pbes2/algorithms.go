package pbes2

import (
	"crypto/sha1" //nolint:gosec // only to read what older openssl wrote, and within HMAC
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"hash"
)

// Object identifiers of RFC 8018 appendix C, and of NIST for AES.
var (
	oidPBES2          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACWithSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACWithSHA384 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	oidHMACWithSHA512 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}
	oidAES128CBC      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidAES192CBC      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}
	oidAES256CBC      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// hashOf returns the hash of a PBKDF2 pseudo-random function, nil for an unknown one. SHA-1 is read because older
// openssl wrote it, by leaving the function out; within HMAC it is not broken.
func hashOf(prf asn1.ObjectIdentifier) func() hash.Hash {
	switch {
	case len(prf) == 0, prf.Equal(oidHMACWithSHA1):
		return sha1.New
	case prf.Equal(oidHMACWithSHA256):
		return sha256.New
	case prf.Equal(oidHMACWithSHA384):
		return sha512.New384
	case prf.Equal(oidHMACWithSHA512):
		return sha512.New
	}
	return nil
}

// aesKeySize returns the octets of the key of an AES-CBC cipher, 0 for another cipher.
func aesKeySize(cipher asn1.ObjectIdentifier) int {
	switch {
	case cipher.Equal(oidAES128CBC):
		return 16
	case cipher.Equal(oidAES192CBC):
		return 24
	case cipher.Equal(oidAES256CBC):
		return 32
	}
	return 0
}
