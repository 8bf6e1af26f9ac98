package issue

import (
	"context"
	"crypto"
	"log/slog"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// Finalize checks the order against the connector's rules of now, and the certificate request against the order and
// the profile, and issues the certificate (RFC 8555 section 7.4). Refusals leave the order ready, so that a better
// request can follow. When the intent is recorded and something fails after it, the order is returned as processing and
// a job finishes it.
func (s *Service) Finalize(ctx context.Context, r Requester, id string, der []byte) (OrderView, error) {
	if err := open(r.Connector); err != nil {
		return OrderView{}, err
	}
	view, err := s.Order(ctx, r, id)
	if err != nil {
		return OrderView{}, err
	}
	if view.Status != acme.Ready {
		return OrderView{}, fault.New(fault.NotReady, "The order is %s; only a ready order can be finalized.", view.Status)
	}
	profile, err := s.store.Profile(ctx, view.Profile)
	if err != nil {
		return OrderView{}, err
	}
	if r, err = s.under(ctx, r, profile); err != nil {
		return OrderView{}, err
	}
	if err := stillAllowed(r, view); err != nil {
		return OrderView{}, err
	}
	key, subject, err := s.requested(ctx, profile, view.Order, der)
	if err != nil {
		return OrderView{}, err
	}
	charges, err := s.certificateCharges(ctx, r, view.Order)
	if err != nil {
		return OrderView{}, err
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	_, err = s.certify(ctx, plan{
		organisation: r.Connector.Organisation, connector: r.Connector.ID, account: r.Account.ID, order: id,
		profile: profile, names: view.Identifiers, subject: subject, key: key,
		inquiry:   s.inquire(r.Connector, view.Order, view.proofs()),
		notBefore: view.NotBefore, notAfter: view.NotAfter, replaces: view.Replaces, actor: r.actor(),
		charges: charges,
	})
	if err != nil && fault.Is(err, fault.Internal) {
		s.log.Error("issuance failed", slog.String("order", id), slog.Any("error", err))
	}
	return s.finalized(ctx, r, id, err)
}

// finalized returns the order as it is after an attempt to issue; the error stands only while no intent is recorded.
func (s *Service) finalized(ctx context.Context, r Requester, id string, failed error) (OrderView, error) {
	view, err := s.Order(ctx, r, id)
	if err != nil {
		return OrderView{}, err
	}
	if failed != nil && (fault.Is(failed, fault.NotReady) || view.Begun.IsZero()) {
		return OrderView{}, failed
	}
	return view, nil
}

// requested returns what a certificate gets from a certificate request that fits the order and the profile: the key, and
// the parts of the subject that the profile leaves to it. Every refusal is BadCSR.
func (s *Service) requested(ctx context.Context, p pki.Profile, o acme.Order, der []byte) (crypto.PublicKey, []pki.Attribute, error) {
	csr, err := pki.ParseCSR(der)
	if err != nil {
		return nil, nil, err
	}
	if err := pki.CheckCSR(csr, o.Identifiers, p.Spec); err != nil {
		return nil, nil, err
	}
	subject, err := p.Spec.DecideSubject(csr)
	if err != nil {
		return nil, nil, err
	}
	return csr.PublicKey, subject, s.notAnAccountKey(ctx, csr.PublicKey)
}

// notAnAccountKey refuses the key of any account for a certificate (RFC 8555 section 11.1).
func (s *Service) notAnAccountKey(ctx context.Context, public crypto.PublicKey) error {
	name := thumbprint(public)
	if name == "" {
		return nil
	}
	taken, err := s.store.KeyHasAccount(ctx, name)
	if err == nil && taken {
		err = fault.New(fault.BadCSR, "The key of the request is the key of an ACME account; make a separate key for the certificate.")
	}
	return err
}

// asBadCSR gives a refusal of the key the kind that finalize answers with.
func asBadCSR(err error) error {
	if fault.Is(err, fault.BadPublicKey) {
		return fault.Wrap(err, fault.BadCSR, "The key of the request is refused: %s", fault.Sentence(err))
	}
	return err
}
