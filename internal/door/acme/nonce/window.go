package nonce

import "sync/atomic"

// The window is a ring of chunks. A chunk comes to be when the first of its nonces is spent, and makes room for a newer
// one in the same place: so an idle server has a few chunks, and a busy one all of them.
const (
	chunkBits = 1 << 15 // nonces in a chunk: 4 KiB
	chunks    = 512     // 2^24 nonces in all
	words     = chunkBits / 64
)

type window struct {
	ring [chunks]atomic.Pointer[chunk]
}

// chunk holds one bit for each of the counters number*chunkBits to (number+1)*chunkBits - 1. Its number never changes.
type chunk struct {
	number uint64
	spent  [words]atomic.Uint64
}

// spend reports whether counter was unspent and is not older than the window, and spends it. Of many calls with one
// counter exactly one gets true: all of them meet in one word of one chunk, and a chunk that was replaced can no
// longer be found, so that its successor refuses.
func (w *window) spend(counter uint64) bool {
	c := w.chunk(counter / chunkBits)
	if c == nil {
		return false
	}
	bit := counter % chunkBits
	mask := uint64(1) << (bit % 64)
	return c.spent[bit/64].Or(mask)&mask == 0
}

// chunk returns the chunk with a number, which may be new; nil when a newer one has taken its place.
func (w *window) chunk(number uint64) *chunk {
	place := &w.ring[number%chunks]
	for {
		current := place.Load()
		switch {
		case current != nil && current.number == number:
			return current
		case current != nil && current.number > number:
			return nil
		}
		fresh := &chunk{number: number}
		if place.CompareAndSwap(current, fresh) {
			return fresh
		}
	}
}
