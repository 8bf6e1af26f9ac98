package issue

import (
	"sync"
	"time"
)

// maxFailing bounds how many failing intents are remembered; some MB. Those beyond it are never given up.
const maxFailing = 100_000

// patience remembers since when intents fail. It lives as long as the server, so that the time for which a server was
// off never counts as time in which it tried. The zero value is ready for use, by several at once.
type patience struct {
	mu      sync.Mutex
	failing map[string]failure // by intent
}

// failure is when the tries to sign one intent failed.
type failure struct{ first, last time.Time }

// failed notes that a try failed at now, and returns for how long the tries have failed.
func (p *patience) failed(intent string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.failing[intent]
	if !ok {
		if len(p.failing) >= maxFailing {
			return 0
		}
		known.first = now
	}
	if p.failing == nil {
		p.failing = map[string]failure{}
	}
	known.last = now
	p.failing[intent] = known
	return now.Sub(known.first)
}

// forget forgets the intents that failed before the given time and not since: after a round that tried every intent
// from then on, they have ended.
func (p *patience) forget(before time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for intent, f := range p.failing {
		if f.last.Before(before) {
			delete(p.failing, intent)
		}
	}
}
