package catest

import (
	"context"
	"crypto/x509"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/ca/zlint"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/pki/lint"
)

// lintAll judges what the store holds at the end of a test, whatever way it came there: every CA certificate, every leaf by
// the rules of its profile version, and the newest list of every shard. A store that the test closed or broke is left alone.
func (i *Installation) lintAll(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	rules := zlint.New()
	issuers, err := i.Store.Issuers(ctx)
	if err != nil {
		return
	}
	for _, issuer := range issuers {
		certificate, err := issuer.Parse()
		if err != nil {
			continue // made unreadable by the test
		}
		complain(t, "issuer "+issuer.Name, rules.Certificate(certificate, false))
		for shard := 1; shard <= issuer.Shard.Number; shard++ {
			if list, err := i.Store.CRL(ctx, issuer.ID, shard); err == nil && len(list.DER) > 0 {
				complain(t, "a list of the issuer "+issuer.Name, rules.List(list.DER))
			}
		}
	}
	leaves, err := i.Store.FindCertificates(ctx, pki.Filter{Limit: 1000})
	if err != nil {
		return
	}
	for _, leaf := range leaves {
		certificate, err := x509.ParseCertificate(leaf.DER)
		profile, unknown := i.Store.Profile(ctx, leaf.Profile)
		if err != nil || unknown != nil {
			continue // recorded by the test itself
		}
		complain(t, "the certificate "+leaf.ID, rules.Certificate(certificate, profile.Spec.Public))
	}
}

func complain(t testing.TB, what string, findings []lint.Finding) {
	t.Helper()
	if broken, _ := lint.Split(findings); len(broken) > 0 {
		t.Errorf("zlint finds an error in %s: %s", what, lint.Join(broken))
	}
}
