package pki

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Fingerprint returns the SHA-256 of a certificate in DER as people compare it: the way in which
// "openssl x509 -fingerprint -sha256" and browsers show it.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return HexPairs(hex.EncodeToString(sum[:]))
}

// HexPairs writes hexadecimal in upper-case pairs with colons between them, as openssl does. An odd digit stands last.
func HexPairs(digits string) string {
	var out strings.Builder
	for i, digit := range []byte(strings.ToUpper(digits)) {
		if i > 0 && i%2 == 0 {
			out.WriteByte(':')
		}
		out.WriteByte(digit)
	}
	return out.String()
}
