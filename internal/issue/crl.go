package issue

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// The life of revocation lists. A list is renewed when half of its life is left, so that an outage of days does not
// let it expire; its date lies back a little for clients whose clocks are behind.
const (
	crlLife     = 7 * 24 * time.Hour
	crlRenewal  = crlLife / 2
	crlBackdate = time.Minute
)

// listsAtOnce is how many lists are made at the same time: a million revoked certificates are fifty-odd lists, and each keeps
// a processor busy for a while and some megabytes of memory.
const listsAtOnce = 4

// PublishLists makes and records every revocation list that is missing, stale, or due for renewal, and returns how
// many. A list that cannot be made does not hold up the others; the error joins nothing and names the last. A clock that
// stands before the newest event stops issuance and not this, since a revocation must not wait; but no list is then dated
// before the one that it replaces, which may be the better one. When the context ends it begins no other list.
func (s *Service) PublishLists(ctx context.Context) (int, error) {
	now := s.now()
	due, err := s.store.CRLsDue(ctx, now.Add(crlRenewal))
	if err != nil {
		return 0, err
	}
	press := press{service: s, now: now, trusted: s.trustClock(ctx, now) == nil}
	var wait sync.WaitGroup
	lists := make(chan pki.CRL)
	for range min(listsAtOnce, len(due)) {
		wait.Go(func() {
			for list := range lists {
				press.make(ctx, list)
			}
		})
	}
	for _, list := range due {
		if ctx.Err() != nil {
			break
		}
		lists <- list
	}
	close(lists)
	wait.Wait()
	if ctx.Err() != nil {
		return press.made, ctx.Err()
	}
	return press.made, press.failed
}

// press makes the lists of one run.
type press struct {
	service *Service
	now     time.Time
	trusted bool // the clock may be believed

	mu     sync.Mutex // guards what follows
	made   int
	failed error // why the last that failed did
}

func (p *press) make(ctx context.Context, list pki.CRL) {
	date := p.now
	if !p.trusted && list.ThisUpdate.After(p.now) {
		date = list.ThisUpdate
	}
	made, err := p.service.publish(ctx, list, p.now, date)
	p.mu.Lock()
	defer p.mu.Unlock()
	if made {
		p.made++
	}
	if err != nil && ctx.Err() == nil {
		p.failed = fmt.Errorf("revocation list %d of issuer %s: %w", list.Shard.Number, list.Issuer, err)
		p.service.log.Error("a revocation list could not be made", slog.String("issuer", list.Issuer), slog.Int("shard", list.Shard.Number), slog.Any("error", err))
	}
}

// coveredUntil is the time up to which the last list named whatever had expired. The date of a list that was made while
// the clock was ahead says nothing of that: certificates that are valid now would leave the next list as if they had
// expired long ago.
func coveredUntil(last pki.CRL, now time.Time) time.Time {
	if last.ThisUpdate.After(now) {
		return now.Add(-crlLife)
	}
	return last.ThisUpdate
}

// publish makes the next list of a shard, as it is now, with the given date. An issuer that has expired or whose key is elsewhere, such as a root kept off the
// machine, is skipped: its list is made where its key is.
func (s *Service) publish(ctx context.Context, last pki.CRL, now, date time.Time) (bool, error) {
	issuer, err := s.issuerByID(ctx, last.Issuer)
	if err != nil {
		return false, err
	}
	if !now.Before(issuer.NotAfter) || issuer.Key == "" {
		return false, nil
	}
	since := coveredUntil(last, now)
	entries, err := s.store.Entries(ctx, last.Issuer, last.Shard.Number, since)
	if err != nil {
		return false, err
	}
	next := pki.CRL{
		Issuer: last.Issuer, Shard: last.Shard, Number: last.Number + 1,
		ThisUpdate: date, NextUpdate: date.Add(crlLife),
	}
	next.DER, err = s.signer.SignCRL(ctx, pki.CRLRequest{
		Issuer: issuer, Shard: next.Shard, Number: next.Number,
		ThisUpdate: next.ThisUpdate.Add(-crlBackdate), NextUpdate: next.NextUpdate,
		Entries: datedBy(entries, next.ThisUpdate.Add(-crlBackdate)),
	})
	if err != nil {
		return false, err
	}
	err = s.store.SaveCRL(ctx, next, since, len(entries), event.Event{
		ID: s.newID(), At: now, Organisation: issuer.Organisation, Actor: "system",
		Action: event.CRLPublished, Object: issuer.ID, Detail: fmt.Sprintf("shard %d number %d: %d revoked", next.Shard.Number, next.Number, len(entries)),
	})
	if fault.Is(err, fault.Conflict) { // another node was first
		return false, nil
	}
	return err == nil, err
}

// datedBy returns the entries with no date after thisUpdate: a list tells what happened before it (RFC 5280 section
// 5.1.2.6), and ours are dated back for slow clocks. That a certificate counts as revoked a little early harms nobody.
func datedBy(entries []pki.Entry, thisUpdate time.Time) []pki.Entry {
	dated := slices.Clone(entries)
	for i := range dated {
		if dated[i].At.After(thisUpdate) {
			dated[i].At = thisUpdate
		}
	}
	return dated
}
