package public

import (
	"context"
	"log/slog"
	"sync"
	"time"
	"weak"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
)

const (
	// memory is how many octets of revocation lists are kept: more than a million revoked certificates.
	memory = 64 << 20
	// lookInterval is how long what a look found counts, its failure too: until then, and during the next look, a list may
	// be served after a newer one was published, by this process or by another node.
	lookInterval = time.Second
	// lookLimit bounds one look: whoever fetches a list that is not held waits for it.
	lookLimit = 5 * time.Second
)

// lists gives out the newest revocation lists. It asks at most once an interval which these are, and reads a list once, however
// many fetch it and however often. Lists that find no more room are read again for each fetch, except that those who
// fetch at the same time share one copy. While nobody can say which are the newest, those that it knows are served
// until their NextUpdate.
type lists struct {
	from Publication
	room int // octets
	log  *slog.Logger

	looking sync.Mutex // lets one look at a time; locked before mu

	mu     sync.Mutex // guards what follows, and what the slots keep; never held while the store is asked
	looked time.Time  // when the last look ended
	failed error      // why the last look found nothing; nil: it did not fail
	slots  map[place]*slot
}

// place is a shard of an issuer.
type place struct {
	issuer string
	shard  int
}

// slot is for one list; the next list of the shard gets another slot.
type slot struct {
	number     int64
	nextUpdate time.Time
	kept       *document // nil: not read yet, or there is no room

	reading sync.Mutex // guards what follows, and lets one read at a time
	shared  weak.Pointer[document]
}

func newLists(from Publication, room int, log *slog.Logger) *lists {
	return &lists{from: from, room: room, log: log}
}

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

// slot returns the slot of a shard's newest list. Errors: NotFound; when no valid list is known, why the last look failed.
func (l *lists) slot(ctx context.Context, p place) (*slot, error) {
	l.refresh(ctx, p)
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.slots[p]
	switch {
	case l.failed != nil && !s.valid():
		return nil, l.failed
	case s == nil:
		return nil, noSuchList()
	}
	return s, nil
}

// refresh looks when a look is due. One fetch at a time looks; the others wait for it only without a valid list.
func (l *lists) refresh(ctx context.Context, p place) {
	due, valid := l.state(p)
	if !due {
		return
	}
	if !l.looking.TryLock() {
		if valid {
			return
		}
		l.looking.Lock()
	}
	defer l.looking.Unlock()
	if due, _ = l.state(p); due {
		l.look(ctx)
	}
}

// state returns whether a look is due, and whether a valid list of the shard is known.
func (l *lists) state(p place) (due, valid bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.looked) >= lookInterval, l.slots[p].valid()
}

func (s *slot) valid() bool { return s != nil && time.Now().Before(s.nextUpdate) }

// look asks for the numbers of the newest lists and forgets every list that is not among them; when it fails, it forgets none.
// It outlives the fetch for which it is made: that a client leaves must not count as a failure for all.
func (l *lists) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookLimit)
	defer cancel()
	newest, err := l.from.RevocationLists(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looked, l.failed = time.Now(), err
	if err != nil {
		l.log.Error("the newest revocation lists are not known; those held are served until their NextUpdate", slog.Any("error", err))
		return
	}
	slots := make(map[place]*slot, len(newest))
	for _, list := range newest {
		p := place{list.Issuer, list.Shard.Number}
		if s, ok := l.slots[p]; ok && s.number == list.Number {
			slots[p] = s
		} else {
			slots[p] = &slot{number: list.Number, nextUpdate: list.NextUpdate}
		}
	}
	l.slots = slots
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
