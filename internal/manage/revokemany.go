package manage

import (
	"context"
	"encoding/hex"
	"sync"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// ManyRevocations asks for the end of the certificates that a set selects.
type ManyRevocations struct {
	Set    CertificateFilter
	Key    string // only those with this key: the serial number or id of one, or the SHA-256 of a SubjectPublicKeyInfo in hexadecimal; "": any
	Reason string
	DryRun bool // tell what would be done, and do nothing
}

// ManyRevoked is what one step did.
type ManyRevoked struct {
	Found   int               // certificates of the step
	Changed int               // of these, revoked now or given the reason keyCompromise; in a dry run, those that would be
	Sample  []CertificateView // some of the changed ones, as they were before
	Next    string            // where the next step begins; "" after the last
}

// How a step is bounded, and what of it is shown.
const (
	revokedAtOnce = 64 // revocations that wait for the store together: it commits what waits with one sync
	sampleSize    = 5
)

// RevokeMany revokes one page of the certificates that a set selects, newest first, each in a write and with an event of its
// own: what a step that broke off did is done, and the same step again does the rest. Expired certificates are left out
// unless the set asks for them; what is revoked already stays as it is, except that keyCompromise replaces another reason and blocks the key.
// The error is that of the last that failed. Errors: Malformed for a set that selects everything, and for a key, a name or a
// page that cannot be; NotFound for what the set names; BadRevocationReason.
func (s *Service) RevokeMany(ctx context.Context, by Actor, m ManyRevocations, p Page) (ManyRevoked, error) {
	reason, err := parseReason(m.Reason)
	if err != nil {
		return ManyRevoked{}, err
	}
	filter, err := s.manyFilter(ctx, m)
	if err != nil {
		return ManyRevoked{}, err
	}
	found, next, err := turn(p, func(c pki.Certificate) string { return c.ID }, func(before string, limit int) ([]pki.Certificate, error) {
		filter.Before, filter.Limit = before, limit
		return s.store.FindCertificates(ctx, filter)
	})
	if err != nil {
		return ManyRevoked{}, err
	}
	due, err := s.due(ctx, found, reason)
	if err != nil {
		return ManyRevoked{}, err
	}
	sample, err := s.viewCertificates(ctx, due[:min(sampleSize, len(due))]...)
	if err != nil {
		return ManyRevoked{}, err
	}
	result := ManyRevoked{Found: len(found), Changed: len(due), Sample: sample, Next: next}
	if !m.DryRun {
		result.Changed, err = s.revokeAll(ctx, by, due, reason)
	}
	return result, err
}

// due returns the certificates of which something is left to do: to revoke them, to give them the reason keyCompromise, or to
// block the key of one that has it by the word of an account, which blocks nothing.
func (s *Service) due(ctx context.Context, found []pki.Certificate, reason pki.Reason) ([]pki.Certificate, error) {
	var due []pki.Certificate
	for _, c := range found {
		done := !c.Revoked.IsZero()
		if done && reason == pki.KeyCompromise {
			blocked, err := s.store.KeyBlocked(ctx, c.KeyHash)
			if err != nil {
				return nil, err
			}
			done = blocked && c.Reason == reason
		}
		if !done {
			due = append(due, c)
		}
	}
	return due, nil
}

// manyFilter returns the store's filter of a set that selects something.
func (s *Service) manyFilter(ctx context.Context, m ManyRevocations) (pki.Filter, error) {
	if m.Key == "" && m.Set == (CertificateFilter{}) {
		return pki.Filter{}, fault.New(fault.Malformed, "Say which certificates: by name, connector, account, credential, profile, issuer, date or key.")
	}
	if m.Set.ExpiresAfter.IsZero() {
		m.Set.ExpiresAfter = s.now()
	}
	filter, err := s.filter(ctx, m.Set)
	if err == nil && m.Key != "" {
		filter.KeyHash, err = s.keyHash(ctx, m.Key)
	}
	return filter, err
}

// keyHash returns the key that is named by its hash, or by a certificate that has it.
func (s *Service) keyHash(ctx context.Context, text string) (pki.KeyHash, error) {
	var hash pki.KeyHash
	if octets, err := hex.DecodeString(text); err == nil && len(octets) == len(hash) {
		return pki.KeyHash(octets), nil
	}
	c, err := s.certificate(ctx, text)
	return c.KeyHash, err
}

// revokeAll revokes certificates and returns how many it did. One that cannot be revoked does not hold up the others.
func (s *Service) revokeAll(ctx context.Context, by Actor, due []pki.Certificate, reason pki.Reason) (done int, err error) {
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
	)
	queue := make(chan pki.Certificate)
	for range min(revokedAtOnce, len(due)) {
		wait.Go(func() {
			for c := range queue {
				failed := s.revokeOne(ctx, by, c, reason)
				mu.Lock()
				if failed == nil {
					done++
				} else if !fault.Is(failed, fault.AlreadyRevoked) {
					err = failed
				}
				mu.Unlock()
			}
		})
	}
	for _, c := range due {
		queue <- c
	}
	close(queue)
	wait.Wait()
	return done, err
}

func (s *Service) revokeOne(ctx context.Context, by Actor, c pki.Certificate, reason pki.Reason) error {
	e, err := s.happening(by, event.CertificateRevoked, c.Organisation, c.ID, reason.String())
	if err != nil {
		return err
	}
	_, err = s.store.Revoke(ctx, c.ID, s.now(), reason, reason == pki.KeyCompromise, e)
	return err
}
