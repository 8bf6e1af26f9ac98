package issue

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"slices"
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

// Chains returns the chains of a certificate: the default without the root, then one for each other way up, by
// cross-certificates of the issuer or of a CA above it, then the default with the root, for clients that must be given it.
func Chains(c pki.Certificate, issuers []pki.Issuer) ([][][]byte, error) {
	h, err := hierarchyOf(issuers)
	if err != nil {
		return nil, err
	}
	first, ok := h.byID[c.Issuer]
	if !ok {
		return nil, fmt.Errorf("certificate %s: unknown issuer %s", c.ID, c.Issuer)
	}
	paths := h.paths(first, nil)
	var chains [][][]byte
	for _, path := range paths[:min(len(paths), maxChains)] {
		chains = append(chains, chain(c, path, false))
	}
	return append(chains, chain(c, paths[0], true)), nil
}

// maxChains bounds how many ways up a client is offered.
const maxChains = 8

// hierarchy is the CA certificates of an installation, parsed once.
type hierarchy struct {
	issuers []pki.Issuer
	byID    map[string]pki.Issuer
	parsed  map[string]*x509.Certificate
}

func hierarchyOf(issuers []pki.Issuer) (hierarchy, error) {
	h := hierarchy{issuers, make(map[string]pki.Issuer, len(issuers)), make(map[string]*x509.Certificate, len(issuers))}
	for _, i := range issuers {
		certificate, err := i.Parse()
		if err != nil {
			return h, err
		}
		h.byID[i.ID], h.parsed[i.ID] = i, certificate
	}
	return h, nil
}

// paths returns the ways from an issuer up to a root, its own first, each with what is below it. A way ends where the
// parent is not known; one that would come back to a CA, since two vouch for each other, is none.
func (h hierarchy) paths(i pki.Issuer, below []pki.Issuer) [][]pki.Issuer {
	var all [][]pki.Issuer
	same := h.sameAuthority(i)
	for _, one := range same {
		if slices.ContainsFunc(below, func(b pki.Issuer) bool { return b.ID == one.ID }) {
			return nil
		}
	}
	for _, one := range same {
		path := append(slices.Clone(below), one)
		parent, known := h.byID[one.Parent]
		if one.IsRoot() || !known || len(path) == maxDepth {
			all = append(all, path)
			continue
		}
		all = append(all, h.paths(parent, path)...)
	}
	return all
}

// sameAuthority returns the certificates for the name and key of an issuer, its own first.
func (h hierarchy) sameAuthority(i pki.Issuer) []pki.Issuer {
	same := []pki.Issuer{i}
	own := h.parsed[i.ID]
	for _, other := range h.issuers {
		c := h.parsed[other.ID]
		if other.ID != i.ID && bytes.Equal(own.RawSubject, c.RawSubject) && bytes.Equal(own.RawSubjectPublicKeyInfo, c.RawSubjectPublicKeyInfo) {
			same = append(same, other)
		}
	}
	return same
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
