package id

import (
	"testing"
	"time"
)

func TestIDsAreOrderedByTime(t *testing.T) {
	start := time.UnixMilli(1_800_000_000_000)
	before := New(start, [RandomBytes]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	for step := time.Millisecond; step < 100*365*24*time.Hour; step *= 3 {
		after := New(start.Add(step), [RandomBytes]byte{})
		if after <= before {
			t.Fatalf("after %v: %s is not above %s", step, after, before)
		}
	}
}

func TestEveryRandomBitCounts(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	zero := New(now, [RandomBytes]byte{})
	for bit := 1; bit < 8*RandomBytes; bit++ { // the topmost of 56 bits is not used
		var random [RandomBytes]byte
		random[bit/8] = 0x80 >> (bit % 8)
		if New(now, random) == zero {
			t.Errorf("bit %d changes nothing", bit)
		}
	}
}

func TestWhatComesLaterSortsLater(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_123)
	most := [RandomBytes]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	first, last, next := New(now, [RandomBytes]byte{}), New(now, most), New(now.Add(time.Millisecond), [RandomBytes]byte{})
	if first >= last || last >= next {
		t.Errorf("%s, %s, %s are not in sequence", first, last, next)
	}
}

func TestValid(t *testing.T) {
	made := New(time.Now(), [RandomBytes]byte{1, 2, 3, 4, 5, 6, 7})
	for text, want := range map[string]bool{
		made: true, "": false, made[1:]: false, made + "a": false, made[:19] + "1": false, made[:19] + "A": false, made[:19] + "/": false,
	} {
		if Valid(text) != want {
			t.Errorf("Valid(%q) = %t", text, !want)
		}
	}
}
