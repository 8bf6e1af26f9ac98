package issue

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
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
	err = s.makeResponder(ctx, i, now)
	return err == nil, err
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
