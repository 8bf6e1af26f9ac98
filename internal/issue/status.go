package issue

import (
	"context"
	"crypto/x509"
	"sync"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ocsp"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// The life of OCSP replies (BR section 4.9.10: eight hours to ten days). A reply is given out until half of its life is
// left, so that whoever has just got one can keep it for two days at least.
const (
	statusLife     = 4 * 24 * time.Hour
	statusRenewal  = statusLife / 2
	statusBackdate = time.Minute // for clients whose clocks are behind
)

// StatusReply is a signed OCSP reply.
type StatusReply struct {
	DER        []byte
	ThisUpdate time.Time
	NextUpdate time.Time
}

// Status says what a certificate is worth, at the address of an issuer. What is known of it is read each time, so a
// revocation is seen by the next who asks, on every node; only the signature over what did not change is taken again.
// Errors: Unauthorized when nothing is known of that certificate at that address, Unavailable while it is being signed or
// nothing can be signed. A certificate that nobody issued is never good, and costs no signature.
func (s *Service) Status(ctx context.Context, issuer string, id ocsp.CertID) (StatusReply, error) {
	unknown := fault.New(fault.Unauthorized, "Nothing is known here of that certificate.")
	issuers, err := s.namesakes(ctx, issuer, id)
	if err != nil {
		return StatusReply{}, err
	}
	for _, i := range issuers {
		standing, err := s.store.Standing(ctx, i.ID, id.Serial)
		switch {
		case fault.Is(err, fault.NotFound):
			continue
		case err != nil:
			return StatusReply{}, err
		case standing.Pending:
			return StatusReply{}, fault.New(fault.Unavailable, "The certificate is being signed.")
		}
		return s.reply(ctx, i, id, standing)
	}
	return StatusReply{}, unknown
}

// namesakes returns the issuers that a CertID can mean, when the one of this address is among them: those with its name and
// its key, since a client cannot tell them apart. None when it expired: what it signed did too.
func (s *Service) namesakes(ctx context.Context, issuer string, id ocsp.CertID) ([]pki.Issuer, error) {
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	var meant []pki.Issuer
	here := false
	for _, i := range all {
		certificate, err := s.parsed.certificate(i)
		if err != nil {
			return nil, err
		}
		if id.IssuedBy(certificate.RawSubject, certificate.RawSubjectPublicKeyInfo) && s.now().Before(i.NotAfter) {
			meant = append(meant, i)
			here = here || i.ID == issuer
		}
	}
	if !here {
		return nil, nil
	}
	return meant, nil
}

// reply returns the signed answer, from before when nothing changed since.
func (s *Service) reply(ctx context.Context, i pki.Issuer, id ocsp.CertID, standing pki.Standing) (StatusReply, error) {
	now := s.now()
	key := answerKey{i.ID, string(id.Raw), standing}
	if known, found := s.answers.get(key); found && !now.Before(known.ThisUpdate) && now.Before(known.ThisUpdate.Add(statusRenewal)) {
		return known, nil
	}
	if !inForce(i, now) {
		return StatusReply{}, fault.New(fault.Unavailable, "The key of the issuer %q is not here.", i.Name)
	}
	until, err := s.responderUntil(ctx, i, now)
	if err != nil {
		return StatusReply{}, err
	}
	answer := ocsp.Answer{
		ID: id, Revoked: earliest(standing.Revoked, now), Reason: standing.Reason,
		ThisUpdate: now.Add(-statusBackdate), NextUpdate: earliest(now.Add(statusLife), until),
	}
	der, err := s.signer.SignOCSP(ctx, i, answer)
	if err != nil {
		return StatusReply{}, err
	}
	made := StatusReply{DER: der, ThisUpdate: answer.ThisUpdate, NextUpdate: answer.NextUpdate}
	s.answers.put(key, made)
	return made, nil
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// answerKey is all that a reply depends on but the time: with another standing it is another reply, so none can be out of date.
type answerKey struct {
	issuer, id string
	standing   pki.Standing
}

// answersRoom is how many octets of replies are kept: of some thirty thousand certificates.
const answersRoom = 32 << 20

// answers keeps signed replies. When the young ones fill half of the room they become the old ones, and what was old and not
// asked for since is forgotten.
type answers struct {
	mu         sync.Mutex
	young, old map[answerKey]StatusReply
	octets     int // of the young
}

func (a *answers) get(key answerKey) (StatusReply, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	reply, found := a.young[key]
	if !found {
		if reply, found = a.old[key]; found {
			a.add(key, reply)
		}
	}
	return reply, found
}

func (a *answers) put(key answerKey, reply StatusReply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.add(key, reply)
}

func (a *answers) add(key answerKey, reply StatusReply) {
	if a.young == nil || a.octets > answersRoom/2 {
		a.young, a.old, a.octets = map[answerKey]StatusReply{}, a.young, 0
	}
	a.young[key] = reply
	a.octets += len(reply.DER) + len(key.id)
}

// parsedIssuers keeps the parsed certificates of issuers, which never change.
type parsedIssuers struct {
	mu   sync.Mutex
	byID map[string]*x509.Certificate
}

func (p *parsedIssuers) certificate(i pki.Issuer) (*x509.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, found := p.byID[i.ID]; found {
		return known, nil
	}
	certificate, err := i.Parse()
	if err != nil {
		return nil, err
	}
	if p.byID == nil {
		p.byID = map[string]*x509.Certificate{}
	}
	p.byID[i.ID] = certificate
	return certificate, nil
}
