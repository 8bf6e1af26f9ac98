package issue

import (
	"net/netip"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// maxPaces bounds how many addresses are remembered; some MB. While all of them have taken something, others are not counted:
// whoever has so many addresses is not to be stopped by counting.
const maxPaces = 50_000

// paces limits by address who asks when to renew: a stranger's question costs no write, so what was taken of the limit is kept
// in memory, each node for itself. The zero value is ready for use, by several at once.
type paces struct {
	mu     sync.Mutex
	levels map[paceKey]limit.Level
	swept  time.Time // when it was last looked for who can be forgotten
}

type paceKey struct{ connector, subject string }

// take takes one question of an address from the connector's limit. Error: RateLimited. Whoever has no address is on this
// machine and not counted.
func (p *paces) take(c policy.Connector, from netip.Addr, now time.Time) error {
	key := paceKey{c.ID, limit.Address(from)}
	charge := c.Rules.Limits.Charge(limit.RenewalsPerAddress, key.subject, now)
	if key.subject == "" || charge.Rate.IsNone() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	next, err := limit.Judge([]limit.Charge{charge}, []limit.Level{p.levels[key]}, now)
	if err != nil || !p.room(key, now) {
		return err
	}
	p.levels[key] = next[0]
	return nil
}

// room makes room for an address, and reports whether there is any: whoever has earned all again is forgotten. It is looked
// for them once a second at most.
func (p *paces) room(key paceKey, now time.Time) bool {
	if p.levels == nil {
		p.levels = map[paceKey]limit.Level{}
	}
	if _, known := p.levels[key]; known || len(p.levels) < maxPaces {
		return true
	}
	if !now.After(p.swept) {
		return false
	}
	p.swept = now
	for known, level := range p.levels {
		if !level.Arrival.After(now) {
			delete(p.levels, known)
		}
	}
	return len(p.levels) < maxPaces
}
