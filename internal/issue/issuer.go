package issue

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// issuer returns the newest issuer of the profile's issuer name that is valid at now and whose key is at hand.
// Error: Unavailable when there is none.
func (s *Service) issuer(ctx context.Context, p pki.Profile, now time.Time) (pki.Issuer, error) {
	issuers, err := s.store.Issuers(ctx)
	if err != nil {
		return pki.Issuer{}, err
	}
	cause := fmt.Errorf("no issuer named %q is in service", p.Spec.Issuer)
	for _, i := range issuers {
		if i.Name != p.Spec.Issuer || i.Organisation != p.Organisation || now.Before(i.NotBefore) || !now.Before(i.NotAfter) {
			continue
		}
		if cause = s.signer.CanSign(i); cause == nil {
			return i, nil
		}
	}
	return pki.Issuer{}, fault.Wrap(cause, fault.Unavailable, "The issuer of this profile cannot sign at the moment; the operator of the CA has to look.")
}

func (s *Service) issuerByID(ctx context.Context, id string) (pki.Issuer, error) {
	issuers, err := s.store.Issuers(ctx)
	if err != nil {
		return pki.Issuer{}, err
	}
	for _, i := range issuers {
		if i.ID == id {
			return i, nil
		}
	}
	return pki.Issuer{}, fault.New(fault.NotFound, "There is no issuer %s.", id)
}

// Download is a certificate with the chains that a client can choose from.
type Download struct {
	Certificate pki.Certificate
	Chains      [][][]byte // each: DER, leaf first; the first chain is the default
}

// maxDepth bounds the length of a chain.
const maxDepth = 8

// Certificate returns a certificate of the requester. Error: NotFound, also for another account's.
func (s *Service) Certificate(ctx context.Context, r Requester, id string) (Download, error) {
	c, err := s.store.Certificate(ctx, id)
	if err == nil && c.Account != r.Account.ID {
		err = fault.New(fault.NotFound, "There is no such certificate in this account.")
	}
	if err != nil {
		return Download{}, err
	}
	issuers, err := s.store.Issuers(ctx)
	if err != nil {
		return Download{}, err
	}
	chains, err := Chains(c, issuers)
	return Download{Certificate: c, Chains: chains}, err
}

// Chains returns the chains of a certificate: the default without the root, then one for each other certificate of
// the same authority (cross-certificates), then the default with the root, for clients that must be given it.
func Chains(c pki.Certificate, issuers []pki.Issuer) ([][][]byte, error) {
	byID := make(map[string]pki.Issuer, len(issuers))
	for _, i := range issuers {
		byID[i.ID] = i
	}
	first, ok := byID[c.Issuer]
	if !ok {
		return nil, fmt.Errorf("certificate %s: unknown issuer %s", c.ID, c.Issuer)
	}
	path := climb(first, byID)
	chains := [][][]byte{chain(c, path, false)}
	for _, other := range issuers {
		if same, err := sameAuthority(first, other); err != nil {
			return nil, err
		} else if same {
			chains = append(chains, chain(c, climb(other, byID), false))
		}
	}
	return append(chains, chain(c, path, true)), nil
}

// climb returns the issuers from i up to its root.
func climb(i pki.Issuer, byID map[string]pki.Issuer) []pki.Issuer {
	path := []pki.Issuer{i}
	for len(path) < maxDepth && !i.IsRoot() {
		parent, ok := byID[i.Parent]
		if !ok {
			break
		}
		path, i = append(path, parent), parent
	}
	return path
}

func chain(c pki.Certificate, path []pki.Issuer, withRoot bool) [][]byte {
	out := [][]byte{c.DER}
	for _, i := range path {
		if withRoot || !i.IsRoot() {
			out = append(out, i.Certificate)
		}
	}
	return out
}

// sameAuthority reports whether b is another certificate for the name and key of a.
func sameAuthority(a, b pki.Issuer) (bool, error) {
	if a.ID == b.ID || a.Key != b.Key && a.Key != "" && b.Key != "" {
		return false, nil
	}
	x, err := x509.ParseCertificate(a.Certificate)
	if err != nil {
		return false, fmt.Errorf("issuer %s: %w", a.ID, err)
	}
	y, err := x509.ParseCertificate(b.Certificate)
	if err != nil {
		return false, fmt.Errorf("issuer %s: %w", b.ID, err)
	}
	return bytes.Equal(x.RawSubject, y.RawSubject) && bytes.Equal(x.RawSubjectPublicKeyInfo, y.RawSubjectPublicKeyInfo), nil
}
