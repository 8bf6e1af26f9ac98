package pki

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Serial is a certificate's serial number: lower-case hexadecimal, an even number of digits, the content octets of the
// DER integer. It is comparable, and equal exactly when the numbers are.
type Serial string

// SerialBytes is how many random bytes NewSerial wants.
const SerialBytes = 16

// Bounds of the serial numbers that ParseSerial reads: RFC 5280 section 4.1.2.2 has 20 octets, positive; some print
// leading zeros.
const (
	maxSerialBytes = 24
	maxSerialBits  = 159
)

// NewSerial makes a serial number of fixed length with 126 random bits: positive, and never shortened by DER
// (BR section 7.1 wants 64 bits; a generator that lost one of 64 cost millions of certificates in 2019).
// random must come from a cryptographic source.
func NewSerial(random [SerialBytes]byte) Serial {
	random[0] = random[0]&0x3f | 0x40
	return Serial(hex.EncodeToString(random[:]))
}

// SerialOf returns the serial number n.
func SerialOf(n *big.Int) Serial {
	text := n.Text(16)
	if len(text)%2 == 1 {
		text = "0" + text
	}
	return Serial(text)
}

// ParseSerial reads a serial number as people paste it: hexadecimal with or without colons, spaces or 0x, in any case.
func ParseSerial(text string) (Serial, error) {
	digits := strings.NewReplacer(":", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(text)))
	digits = strings.TrimPrefix(digits, "0x")
	n, ok := new(big.Int), false
	if len(digits) <= 2*maxSerialBytes && strings.Trim(digits, "0123456789abcdef") == "" {
		n, ok = n.SetString(digits, 16)
	}
	if !ok || n.Sign() == 0 || n.BitLen() > maxSerialBits {
		return "", fmt.Errorf("%.60q is not a serial number: write it in hexadecimal", text)
	}
	return SerialOf(n), nil
}

// Int returns the number.
func (s Serial) Int() *big.Int {
	n, ok := new(big.Int).SetString(string(s), 16)
	if !ok {
		return new(big.Int)
	}
	return n
}

// KeyHash is the SHA-256 of a DER SubjectPublicKeyInfo: the identity of a key.
type KeyHash [sha256.Size]byte

// HashKey returns the identity of the key with this SubjectPublicKeyInfo.
func HashKey(spki []byte) KeyHash { return sha256.Sum256(spki) }

// Validity returns the first and the last second of a certificate that is signed at now and lives for lifetime, both
// ends included (RFC 5280 section 4.1.2.5): notAfter - notBefore + 1 s = lifetime exactly.
func Validity(now time.Time, lifetime, backdate time.Duration) (notBefore, notAfter time.Time) {
	notBefore = now.Add(-backdate).UTC().Truncate(time.Second)
	return notBefore, notBefore.Add(lifetime - time.Second)
}

// Reason is a revocation reason code of RFC 5280 section 5.3.1.
type Reason int

// The reasons.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	PrivilegeWithdrawn   Reason = 9
)
