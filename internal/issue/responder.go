package issue

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// The life of the certificates with which OCSP replies are signed. Nobody asks for their own status, so it is short; a new
// one is made, with a new key, when half of it is left, long before a reply could outlive it.
const (
	responderLife     = 14 * 24 * time.Hour
	responderRenewal  = responderLife / 2
	responderBackdate = time.Hour
)

// responderPause is how long whoever asks for a status waits after a certificate could not be made: each try leaves a record,
// and anybody may ask. Jobs do not wait.
const responderPause = time.Minute

// responders lets one certificate for OCSP replies be made at a time, and remembers when that last failed, by issuer.
type responders struct {
	sync.Mutex
	failed map[string]time.Time
}

// ResponderProfile stands in the place of the profile's name in these certificates' records.
const ResponderProfile = "ocsp-responder"

// RenewResponders makes the certificates of OCSP responders that are missing or due, and returns how many: for each issuer
// that signs for a profile with OCSP, and for those that were asked for before. One that cannot be made does not hold up
// the others; the error is that of the last. A clock that stands before the newest event does not stop it: the status of
// certificates must not wait.
func (s *Service) RenewResponders(ctx context.Context) (int, error) {
	issuers, err := s.store.Issuers(ctx)
	if err != nil {
		return 0, err
	}
	profiles, err := s.store.Profiles(ctx, "")
	if err != nil {
		return 0, err
	}
	made := 0
	for _, i := range issuers {
		if !inForce(i, s.now()) || s.signer.ResponderUntil(i.ID, s.now()).IsZero() && !i.NeedsResponder(profiles) {
			continue
		}
		done, failed := s.ensureResponder(ctx, i)
		if failed != nil {
			err = failed
			s.log.Error("a certificate for OCSP replies could not be made", slog.String("issuer", i.ID), slog.Any("error", failed))
		}
		if done {
			made++
		}
	}
	return made, err
}

// inForce reports whether an issuer is valid and has its key here.
func inForce(i pki.Issuer, now time.Time) bool {
	return i.Key != "" && !now.Before(i.NotBefore) && now.Before(i.NotAfter)
}

// ensureResponder makes the certificate of an issuer's responder unless it has one that lasts. The error of a renewal that
// failed says nothing of the certificate before it, which may be good for a while.
func (s *Service) ensureResponder(ctx context.Context, i pki.Issuer) (made bool, err error) {
	s.responders.Lock()
	defer s.responders.Unlock()
	now := s.now()
	until := s.signer.ResponderUntil(i.ID, now)
	if until.Sub(now) > responderRenewal || !until.IsZero() && until.Equal(i.NotAfter) {
		return false, nil
	}
	if err = s.makeResponder(ctx, i, now); err != nil {
		if s.responders.failed == nil {
			s.responders.failed = map[string]time.Time{}
		}
		s.responders.failed[i.ID] = now
		return false, err
	}
	delete(s.responders.failed, i.ID)
	return true, nil
}

// responderUntil returns when the certificate ends with which a reply can be signed now. Whoever asks waits for one only when
// there is none: to renew it in time is the affair of a job, and a renewal that fails takes nothing from what is valid.
// Error: Unavailable when a try has failed just now.
func (s *Service) responderUntil(ctx context.Context, i pki.Issuer, now time.Time) (time.Time, error) {
	if until := s.signer.ResponderUntil(i.ID, now); until.After(now) {
		return until, nil
	}
	s.responders.Lock()
	failed, found := s.responders.failed[i.ID]
	s.responders.Unlock()
	if found && !now.Before(failed) && now.Before(failed.Add(responderPause)) {
		return time.Time{}, fault.New(fault.Unavailable, "The certificate for the OCSP replies of the issuer %q could not be made.", i.Name)
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	_, err := s.ensureResponder(ctx, i)
	return s.signer.ResponderUntil(i.ID, now), err
}

// makeResponder takes the way of every certificate: prepared and linted, recorded as an intent, signed, recorded.
func (s *Service) makeResponder(ctx context.Context, i pki.Issuer, now time.Time) error {
	var random [pki.SerialBytes]byte
	fill(random[:])
	request := pki.ResponderRequest{Issuer: i, Serial: pki.NewSerial(random)}
	request.NotBefore, request.NotAfter = pki.CAWindow(now, responderLife, responderBackdate, i.NotBefore, i.NotAfter)
	key, prepared, err := s.signer.PrepareResponder(ctx, request)
	if err != nil {
		return err
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("key of an OCSP responder: %w", err)
	}
	intent := pki.Intent{
		Certificate: pki.Certificate{
			ID: s.newID(), Organisation: i.Organisation, ProfileName: ResponderProfile, Issuer: i.ID, Serial: request.Serial,
			NotBefore: request.NotBefore, NotAfter: request.NotAfter, KeyHash: pki.HashKey(spki), Warnings: prepared.Warnings(),
		},
		TBS: prepared.TBS(), Begun: now,
	}
	if err := s.store.BeginIssuance(ctx, intent); err != nil {
		return err
	}
	c, err := s.complete(ctx, intent, prepared, "system")
	if err != nil {
		return err
	}
	return s.signer.UseResponder(i, key, c.DER)
}

// forgone ends the intent of a responder's certificate that an earlier run of the server left behind: its key is gone.
func (s *Service) forgone(ctx context.Context, intent pki.Intent) error {
	return s.store.AbandonIssuance(ctx, intent.ID, acme.Failure{Kind: string(fault.Unavailable), Public: "Its key ended with the process that made it."}, event.Event{
		ID: s.newID(), At: s.now(), Organisation: intent.Organisation, Actor: "system",
		Action: event.OrderFailed, Object: intent.ID, Detail: fmt.Sprintf("certificate of an OCSP responder, serial number %s", intent.Serial),
	})
}
