package public

import (
	"context"
	"sync"
	"time"
	"weak"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

const (
	// memory is how many octets of revocation lists are kept: more than a million revoked certificates.
	memory = 64 << 20
	// lookInterval is how long a list may be served after a newer one was published, by this process or by another node.
	lookInterval = time.Second
)

// lists gives out the newest revocation lists. It asks at most once an interval which these are, and reads a list once, however
// many fetch it and however often. Lists that find no more room are read again for each fetch, except that those who
// fetch at the same time share one copy.
type lists struct {
	from Publication
	room int // octets

	mu     sync.Mutex // guards what follows, and what the slots keep
	looked time.Time
	slots  map[place]*slot
}

// place is a shard of an issuer.
type place struct {
	issuer string
	shard  int
}

// slot is for one list; the next list of the shard gets another slot.
type slot struct {
	number int64
	kept   *document // nil: not read yet, or there is no room

	reading sync.Mutex // guards what follows, and lets one read at a time
	shared  weak.Pointer[document]
}

func newLists(from Publication, room int) *lists { return &lists{from: from, room: room} }

func noSuchList() error { return fault.New(fault.NotFound, "There is no such revocation list.") }

// newest returns the newest list of a shard. Error: NotFound, also while none was made.
func (l *lists) newest(ctx context.Context, p place) (*document, error) {
	s, err := l.slot(ctx, p)
	if err != nil {
		return nil, err
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	if doc := s.shared.Value(); doc != nil {
		return doc, nil
	}
	list, err := l.from.RevocationList(ctx, p.issuer, p.shard)
	if err != nil {
		return nil, err
	}
	doc := newDocument("application/pkix-crl", list.DER, list.ThisUpdate)
	if list.Number >= s.number { // a replica of the store may lag behind
		s.shared = weak.Make(doc)
		l.keep(s, doc)
	}
	return doc, nil
}

// slot returns the slot of a shard's newest list.
func (l *lists) slot(ctx context.Context, p place) (*slot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.slots == nil || now.Sub(l.looked) >= lookInterval {
		if err := l.look(ctx); err != nil {
			return nil, err
		}
		l.looked = now
	}
	s, ok := l.slots[p]
	if !ok {
		return nil, noSuchList()
	}
	return s, nil
}

// look asks for the numbers of the newest lists and forgets every list that is not among them.
func (l *lists) look(ctx context.Context) error {
	newest, err := l.from.RevocationLists(ctx)
	if err != nil {
		return err
	}
	slots := make(map[place]*slot, len(newest))
	for _, list := range newest {
		p := place{list.Issuer, list.Shard.Number}
		if s, ok := l.slots[p]; ok && s.number == list.Number {
			slots[p] = s
		} else {
			slots[p] = &slot{number: list.Number}
		}
	}
	l.slots = slots
	return nil
}

// keep keeps a list in its slot when there is room for it.
func (l *lists) keep(s *slot, doc *document) {
	l.mu.Lock()
	defer l.mu.Unlock()
	octets := len(doc.body)
	for _, other := range l.slots {
		if other.kept != nil {
			octets += len(other.kept.body)
		}
	}
	if octets <= l.room {
		s.kept = doc
	}
}
