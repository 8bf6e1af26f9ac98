package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"log/slog"
	"slices"
	"testing"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/jobs"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// opened returns an installation that is set up and that nobody serves.
func opened(t *testing.T) *App {
	t.Helper()
	a, err := Open(t.Context(), settings(t, t.TempDir()), slog.New(slog.DiscardHandler), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := a.Bootstrap(t.Context(), manage.Setup{PublicURL: "http://pki.test"}); err != nil {
		t.Fatal(err)
	}
	base := "http://pki.test"
	a.base.Store(&base)
	return a
}

// do runs a job once, by its name.
func (a *App) do(t *testing.T, name string) int {
	t.Helper()
	all := a.backgroundJobs(&serverCertificate{})
	i := slices.IndexFunc(all, func(j jobs.Job) bool { return j.Name == name })
	if i < 0 {
		t.Fatalf("there is no job %s", name)
	}
	done, err := all[i].Run(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return done
}

func TestEveryCertificateOfACompromisedKeyGetsOntoTheList(t *testing.T) {
	a := opened(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var leaf *x509.Certificate
	for _, host := range []string{"a.example.com", "b.example.com"} {
		name, err := ident.ParseDNS(host)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := a.certifyServer(t.Context(), []ident.Identifier{name}, key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if leaf, err = x509.ParseCertificate(chain[0]); err != nil {
			t.Fatal(err)
		}
	}
	if done := a.do(t, "compromised-keys"); done != 0 {
		t.Errorf("%d were revoked before", done)
	}
	if _, _, err := a.Manage().RevokeCertificate(t.Context(), manage.System, string(pki.SerialOf(leaf.SerialNumber)), "keyCompromise"); err != nil {
		t.Fatal(err)
	}
	if done := a.do(t, "compromised-keys"); done != 1 {
		t.Errorf("%d were revoked, want the one other", done)
	}
	a.do(t, "revocation-lists")
	lists, err := a.issue.RevocationLists(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for _, list := range lists {
		newest, err := a.issue.RevocationList(t.Context(), list.Issuer, list.Shard.Number)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := x509.ParseRevocationList(newest.DER)
		if err != nil {
			t.Fatal(err)
		}
		listed += len(parsed.RevokedCertificateEntries)
	}
	if listed != 2 {
		t.Errorf("%d certificates are listed, want both", listed)
	}
}
