package issue

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/limit"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// plan is one decided issuance: every door ends in one.
type plan struct {
	organisation, connector, account, order string
	profile                                 pki.Profile
	names                                   []ident.Identifier
	subject                                 []pki.Attribute // beside the common name
	inquiry                                 inquiry
	key                                     crypto.PublicKey
	notBefore, notAfter                     time.Time // as asked; zero: the profile decides
	replaces                                string    // id of the certificate whose place it takes; "" for none
	actor                                   string
	charges                                 []limit.Charge // what the certificate costs
}

// tries is how often a taken serial number or a shard that others have filled is replaced. With 126 random bits and thousands
// of places in a shard a third try never happens.
const tries = 3

// certify is the pipeline: ask CAA records, prepare and lint, record the intent, sign exactly the recorded bytes, record the
// certificate. Nothing is signed that is not recorded, and an error before the intent leaves everything as it was.
func (s *Service) certify(ctx context.Context, p plan) (pki.Certificate, error) {
	checks, err := s.askCAA(ctx, p)
	if err != nil {
		return pki.Certificate{}, err
	}
	for range tries {
		intent, prepared, err := s.prepare(ctx, p)
		if err != nil {
			return pki.Certificate{}, err
		}
		intent.Checks = checks
		err = s.store.BeginIssuance(ctx, intent, p.charges...)
		if fault.Is(err, fault.Conflict) {
			continue
		}
		if err != nil {
			return pki.Certificate{}, asBadCSR(err)
		}
		return s.complete(ctx, intent, prepared, p.actor)
	}
	return pki.Certificate{}, fmt.Errorf("no free serial number and shard in %d tries", tries)
}

// prepare builds and lints the certificate of a plan.
func (s *Service) prepare(ctx context.Context, p plan) (pki.Intent, pki.Prepared, error) {
	now := s.now()
	if err := s.trustClock(ctx, now); err != nil {
		return pki.Intent{}, nil, err
	}
	issuer, err := s.issuer(ctx, p.profile, now)
	if err != nil {
		return pki.Intent{}, nil, err
	}
	if err := s.withinConstraints(ctx, issuer, p.names); err != nil {
		return pki.Intent{}, nil, err
	}
	if !p.profile.Spec.NoCRL {
		if issuer, err = s.withRoom(ctx, issuer); err != nil {
			return pki.Intent{}, nil, err
		}
	}
	request, err := s.draft(p, issuer, now)
	if err != nil {
		return pki.Intent{}, nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(p.key)
	if err != nil {
		return pki.Intent{}, nil, fault.Wrap(err, fault.BadCSR, "The key of the request cannot be certified.")
	}
	prepared, err := s.signer.Prepare(ctx, request)
	if err != nil {
		return pki.Intent{}, nil, err
	}
	return pki.Intent{
		Certificate: pki.Certificate{
			ID: s.newID(), Organisation: p.organisation, Connector: p.connector, Account: p.account, Order: p.order,
			Profile: p.profile.ID, ProfileName: p.profile.Name, Issuer: issuer.ID, Serial: request.Serial, Names: p.names,
			NotBefore: request.NotBefore, NotAfter: request.NotAfter, KeyHash: pki.HashKey(spki), Shard: shardOf(request), Warnings: prepared.Warnings(),
			Replaces: p.replaces,
		},
		TBS: prepared.TBS(), Begun: now, Thumbprint: thumbprint(p.key),
	}, prepared, nil
}

// draft returns the certificate of a plan, under an issuer, with a new serial number. Error: that its validity cannot be
// as asked.
func (s *Service) draft(p plan, issuer pki.Issuer, now time.Time) (pki.Request, error) {
	notBefore, notAfter, err := pki.Window(p.profile.Spec, p.notBefore, p.notAfter, issuer, now)
	if err != nil {
		return pki.Request{}, err
	}
	var random [pki.SerialBytes]byte
	fill(random[:])
	return pki.Request{
		Issuer: issuer, Spec: p.profile.Spec, Names: p.names, Subject: p.subject, PublicKey: p.key, Serial: pki.NewSerial(random),
		NotBefore: notBefore, NotAfter: notAfter, IssuerURL: pki.IssuerURL(s.options.PublicURL(), issuer.ID),
		OCSPURL: pki.OCSPURL(s.options.PublicURL(), issuer.ID),
	}, nil
}

// thumbprint names a key as accounts do; "" for a key that no account can have.
func thumbprint(public crypto.PublicKey) string {
	key, err := jws.KeyFromPublic(public)
	if err != nil {
		return ""
	}
	return key.Thumbprint()
}

// shardOf returns the CRL shard that will list the certificate; 0 for a profile without revocation lists.
func shardOf(r pki.Request) int {
	if r.Spec.NoCRL {
		return 0
	}
	return r.Issuer.Shard.Number
}

// complete signs what an intent recorded and records the certificate.
func (s *Service) complete(ctx context.Context, intent pki.Intent, prepared pki.Prepared, actor string) (pki.Certificate, error) {
	der, err := prepared.Sign(ctx)
	if err != nil {
		return pki.Certificate{}, fmt.Errorf("sign serial %s: %w", intent.Serial, err)
	}
	now := s.now()
	err = s.store.CompleteIssuance(ctx, intent.ID, der, now, event.Event{
		ID: s.newID(), At: now, Organisation: intent.Organisation, Actor: actor,
		Action: event.CertificateIssued, Object: intent.ID, Detail: string(intent.Serial),
	})
	if err != nil {
		return pki.Certificate{}, err
	}
	issued := intent.Certificate
	issued.DER, issued.Issued = der, now
	return issued, nil
}
