package pki_test

import (
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// 100,000 serial numbers (INCIDENTS 21): one length, positive without a leading zero octet, no two equal, and every
// random bit as often 0 as 1. The bound is 6 standard deviations: chance fails it once in four million runs.
// Proves BR-02, INC-21.
func TestSerialsAreRandomInEveryBit(t *testing.T) {
	t.Parallel()
	const samples, bits = 100_000, 8 * pki.SerialBytes
	const deviation = 6 * 158 // sqrt(samples)/2
	var ones [bits]int
	seen := make(map[pki.Serial]bool, samples)
	for range samples {
		var random [pki.SerialBytes]byte
		_, _ = rand.Read(random[:])
		serial := pki.NewSerial(random)
		n := serial.Int()
		if len(serial) != 32 || n.Sign() <= 0 || n.BitLen() != bits-1 || seen[serial] {
			t.Fatalf("serial %s: %d bits, seen %t", serial, n.BitLen(), seen[serial])
		}
		seen[serial] = true
		for i := range ones {
			ones[i] += int(n.Bit(i))
		}
	}
	for i, count := range ones {
		want, slack := samples/2, deviation
		switch i {
		case bits - 1:
			want, slack = 0, 0 // the sign
		case bits - 2:
			want, slack = samples, 0 // fixes the length
		}
		if count < want-slack || count > want+slack {
			t.Errorf("bit %d is set in %d of %d serials, want %d within %d", i, count, samples, want, slack)
		}
	}
}

func TestParseSerial(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("7f", 20)
	for text, want := range map[string]pki.Serial{
		"4a0b":                        "4a0b",
		"4A:0B":                       "4a0b",
		" 0x4a0b\n":                   "4a0b",
		"a0b":                         "0a0b",
		"00 4a 0b":                    "4a0b",
		"00" + longest:                pki.Serial(longest),
		longest:                       pki.Serial(longest),
		"8" + strings.Repeat("0", 39): "", // 160 bits
		strings.Repeat("0", 47) + "1": "01",
		strings.Repeat("0", 48) + "1": "",
		"0":                           "",
		"":                            "",
		"0x":                          "",
		"-4a":                         "",
		"+4a":                         "",
		"4a_0b":                       "",
		"4g":                          "",
		strings.Repeat("f", 1<<20):    "",
	} {
		got, err := pki.ParseSerial(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("ParseSerial(%.60q) = %q, %v; want %q", text, got, err, want)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("the error for %.20q has %d octets", text, len(err.Error()))
		}
	}
}

func TestSerialOf(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]pki.Serial{1: "01", 255: "ff", 256: "0100"} {
		if got := pki.SerialOf(big.NewInt(n)); got != want || got.Int().Int64() != n {
			t.Errorf("SerialOf(%d) = %q, want %q", n, got, want)
		}
	}
	if n := pki.Serial("no number").Int(); n.Sign() != 0 {
		t.Errorf("Int of no number = %v, want 0", n)
	}
}

func FuzzParseSerial(f *testing.F) {
	for _, seed := range []string{"4a:0b", "0x01", "", "ffffffffffffffffffffffffffffffffffffffff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		serial, err := pki.ParseSerial(text)
		if err != nil {
			return
		}
		if n := serial.Int(); n.Sign() <= 0 || n.BitLen() > 159 || pki.SerialOf(n) != serial {
			t.Errorf("%q gave %q", text, serial)
		}
		if again, err := pki.ParseSerial(string(serial)); err != nil || again != serial {
			t.Errorf("%q does not read itself: %q, %v", serial, again, err)
		}
	})
}

func TestHashKey(t *testing.T) {
	t.Parallel()
	if got := pki.HashKey([]byte("key")); got != sha256.Sum256([]byte("key")) {
		t.Errorf("HashKey = %x", got)
	}
}

// Both ends of a validity count (RFC 5280 section 4.1.2.5, INCIDENTS 7).
func TestValidity(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 13, 0, 0, 999_999_999, time.FixedZone("CET", 3600))
	notBefore, notAfter := pki.Validity(now, 90*24*time.Hour, time.Hour)
	if want := time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC); notBefore != want {
		t.Errorf("notBefore %v, want %v", notBefore, want)
	}
	if want := time.Date(2027, 2, 21, 10, 59, 59, 0, time.UTC); notAfter != want {
		t.Errorf("notAfter %v, want %v", notAfter, want)
	}
}
