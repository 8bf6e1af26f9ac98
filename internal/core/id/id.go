// Package id makes the primary keys of the installation: short, unguessable, and ordered by time.
//
// Time-ordered keys keep inserts at the right edge of every index, which is worth more than the choice of a
// database driver; the random part makes a key unguessable and needs no sequence shared between nodes.
package id

import "time"

// RandomBytes is how many random bytes New wants; 55 bits of them are used.
const RandomBytes = 7

// Length is the length of every id.
const Length = timeDigits + randomDigits

const (
	alphabet     = "234567abcdefghijklmnopqrstuvwxyz" // in ASCII order, so that text order is time order
	timeDigits   = 9                                  // 45 bits of milliseconds: until the year 3084
	randomDigits = 11                                 // 55 bits
)

// New returns the id of something that came to be at now. random must come from a cryptographic source.
func New(now time.Time, random [RandomBytes]byte) string {
	var bits uint64
	for _, b := range random {
		bits = bits<<8 | uint64(b)
	}
	var out [Length]byte
	put(out[:timeDigits], uint64(now.UnixMilli()))
	put(out[timeDigits:], bits)
	return string(out[:])
}

// Valid reports whether s has the shape of an id.
func Valid(s string) bool {
	if len(s) != Length {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '2' || c > '7') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func put(digits []byte, value uint64) {
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = alphabet[value&31]
		value >>= 5
	}
}
