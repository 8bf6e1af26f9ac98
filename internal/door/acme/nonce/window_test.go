package nonce

import (
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"
)

func TestWindow(t *testing.T) {
	const all = chunks * chunkBits
	w := new(window)
	steps := []struct {
		name    string
		counter uint64
		want    bool
	}{
		{"the first", 0, true},
		{"the first again", 0, false},
		{"its neighbour", 1, true},
		{"the last of its word", 63, true},
		{"the first of the next word", 64, true},
		{"the last of its chunk", chunkBits - 1, true},
		{"the first of the next chunk", chunkBits, true},
		{"the last of the window", all - 1, true},
		{"an unspent one in the oldest chunk", 2, true},
		{"the first beyond, which takes the place of the oldest chunk", all, true},
		{"an unspent one in what was the oldest chunk", 3, false},
		{"a spent one in what was the oldest chunk", 0, false},
		{"a spent one in the chunk after it", chunkBits, false},
		{"an unspent one in the chunk after it", chunkBits + 1, true},
		{"far ahead", 1 << 60, true},
		{"the same place, behind", all, false},
	}
	for _, s := range steps {
		if got := w.spend(s.counter); got != s.want {
			t.Errorf("%s: spend(%d) = %t, want %t", s.name, s.counter, got, s.want)
		}
	}
}

// TestWindowFull spends a window and a half in order: each is accepted, and the memory stays within the promise.
func TestWindowFull(t *testing.T) {
	w := new(window)
	for counter := uint64(0); counter < chunks*chunkBits*3/2; counter += 61 {
		if !w.spend(counter) {
			t.Fatalf("spend(%d) was refused", counter)
		}
	}
	held := int(unsafe.Sizeof(*w))
	for i := range w.ring {
		if c := w.ring[i].Load(); c != nil {
			held += int(unsafe.Sizeof(*c))
		}
	}
	if held > 22<<20/10 {
		t.Errorf("the window holds %d octets, more than 2.2 MiB", held)
	}
}

// TestWindowRace lets many spend the same counters while the ring turns: none is accepted twice.
func TestWindowRace(t *testing.T) {
	w := new(window)
	const turns = 200
	var accepted [turns]atomic.Int64
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for turn := range turns {
				if w.spend(uint64(turn) * chunks * chunkBits) { // all in one place of the ring
					accepted[turn].Add(1)
				}
			}
		})
	}
	wait.Wait()
	for turn := range accepted {
		if got := accepted[turn].Load(); got > 1 {
			t.Errorf("turn %d: accepted %d times", turn, got)
		}
	}
}
