package sqlite

import (
	"bytes"
	"context"
	"crypto/x509"
	"database/sql"
	"slices"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// checkPage is how many certificates are read at once.
const checkPage = 200

// cancellable runs statements that end with their context.
type cancellable struct{ pool *sql.DB }

// Query implements query.Querier.
func (c cancellable) Query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return c.pool.QueryContext(ctx, text, args...)
}

// checkCertificates reads every certificate and compares its bytes with what is recorded of it.
func (k *checker) checkCertificates(ctx context.Context) error {
	q := cancellable{k.pool}
	issuers, err := k.parseIssuers(ctx, q)
	if err != nil {
		return err
	}
	for last := ""; len(k.findings) < findingsLimit; {
		page, err := query.CertificatesAfter(ctx, q, last, checkPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, c := range page {
			issuer, err := k.parseIssuer(ctx, q, issuers, c.Issuer)
			if err != nil {
				return err
			}
			for _, problem := range compare(c, issuer) {
				k.find("Certificate %s: %s.", c.ID, problem)
			}
			if err := k.checkNames(ctx, q, c); err != nil {
				return err
			}
		}
		last = page[len(page)-1].ID
	}
	return nil
}

// parseIssuers reads the certificates of all issuers.
func (k *checker) parseIssuers(ctx context.Context, q query.Querier) (map[string]*x509.Certificate, error) {
	issuers, err := query.Issuers(ctx, q)
	if err != nil {
		return nil, err
	}
	parsed := map[string]*x509.Certificate{}
	for _, i := range issuers {
		parsed[i.ID] = k.parse(i)
	}
	return parsed, nil
}

// parseIssuer returns the certificate of an issuer, which may have been made while the check runs; nil without one.
func (k *checker) parseIssuer(
	ctx context.Context, q query.Querier, parsed map[string]*x509.Certificate, id string,
) (*x509.Certificate, error) {
	if issuer, known := parsed[id]; known {
		return issuer, nil
	}
	issuer, err := query.Issuer(ctx, q, id)
	switch {
	case err == nil:
		parsed[id] = k.parse(issuer)
	case fault.Is(err, fault.NotFound):
		parsed[id] = nil
	default:
		return nil, err
	}
	return parsed[id], nil
}

func (k *checker) parse(i pki.Issuer) *x509.Certificate {
	certificate, err := x509.ParseCertificate(i.Certificate)
	if err != nil {
		k.find("The certificate of issuer %s cannot be read: %v.", i.ID, err)
		return nil
	}
	return certificate
}

// checkNames finds names by which a search misses the certificate.
func (k *checker) checkNames(ctx context.Context, q query.Querier, c pki.Certificate) error {
	for _, name := range query.SearchNames(c.Names) {
		found, err := query.NameIndexed(ctx, q, name, c.ID)
		if err != nil {
			return err
		}
		if !found {
			k.find("Certificate %s is missing in the index of names.", c.ID)
		}
	}
	return nil
}

// compare returns how the bytes of a certificate differ from its record.
func compare(c pki.Certificate, issuer *x509.Certificate) (problems []string) {
	parsed, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return []string{"its bytes cannot be read: " + err.Error()}
	}
	expect := func(holds bool, problem string) {
		if !holds {
			problems = append(problems, problem)
		}
	}
	expect(issuer != nil && bytes.Equal(parsed.RawIssuer, issuer.RawSubject), "its issuer is not known, or is another than recorded")
	expect(issuer == nil || issuer.CheckSignature(parsed.SignatureAlgorithm, parsed.RawTBSCertificate, parsed.Signature) == nil,
		"its signature is not its issuer's")
	expect(pki.SerialOf(parsed.SerialNumber) == c.Serial, "its serial number is not the recorded one")
	expect(parsed.NotBefore.Equal(c.NotBefore) && parsed.NotAfter.Equal(c.NotAfter), "its validity is not the recorded one")
	expect(pki.HashKey(parsed.RawSubjectPublicKeyInfo) == c.KeyHash, "its key is not the recorded one")
	expect(slices.Equal(namesOf(parsed), valuesOf(c.Names)), "its names are not the recorded ones")
	return problems
}

func namesOf(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, address := range c.IPAddresses {
		names = append(names, address.String())
	}
	slices.Sort(names)
	return names
}

func valuesOf(names []ident.Identifier) []string {
	var values []string
	for _, name := range names {
		values = append(values, name.Value())
	}
	slices.Sort(values)
	return values
}
