package app

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/manage"
)

// A certificate that is due and cannot be renewed is served as long as it lasts, also by a server that starts then.
func TestADueCertificateIsServed(t *testing.T) {
	start := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	now, broken := start, error(nil)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(_ context.Context, names []ident.Identifier, public crypto.PublicKey) ([][]byte, error) {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now, NotAfter: now.Add(90 * time.Hour)}
		for _, name := range names {
			template.DNSNames = append(template.DNSNames, name.Value())
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
		return [][]byte{der}, errors.Join(err, broken)
	}
	file := filepath.Join(t.TempDir(), "server.pem")
	started := func() *serverCertificate {
		return &serverCertificate{
			file: file, names: []ident.Identifier{mustDNS(t, "ca.example.com")}, key: key, issue: issue, revoked: never[*x509.Certificate], blocked: never[pki.KeyHash],
			now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler),
		}
	}
	if made, err := started().ensure(t.Context()); made != 1 || err != nil {
		t.Fatal(made, err)
	}
	broken = errors.New("the issuer's key is gone")
	for _, step := range []struct {
		after          time.Duration
		failed, serves bool
		problem        string
	}{
		{60 * time.Hour, false, true, ""},
		{61 * time.Hour, true, true, ""},
		{74 * time.Hour, true, true, ""},
		{76 * time.Hour, true, true, "the server's own certificate, valid until 2026-11-27T06:00:00Z, could not be replaced: issue the server's own certificate: the issuer's key is gone"},
		{91 * time.Hour, true, false, "the server's own certificate is not valid now; see the log why it was not renewed"},
		{-time.Second, false, false, "the server's own certificate is not valid now; see the log why it was not renewed"},
	} {
		now = start.Add(step.after)
		s := started()
		if _, err := s.ensure(t.Context()); (err != nil) != step.failed || s.serves() != step.serves {
			t.Errorf("after %s: %v, serves: %t", step.after, err, s.serves())
		}
		if got := s.problem(); (got == nil) != (step.problem == "") || got != nil && got.Error() != step.problem {
			t.Errorf("after %s: %v", step.after, got)
		}
	}
	now = start.Add(time.Hour)
	short := started()
	short.names = append(short.names, mustDNS(t, "new.example.com"))
	if _, err := short.ensure(t.Context()); err == nil || short.problem() == nil || !strings.Contains(short.problem().Error(), "lacks the name new.example.com") {
		t.Error("a name is missing:", err, short.problem())
	}
	now, broken = start.Add(91*time.Hour), nil
	s := started()
	if made, err := s.ensure(t.Context()); made != 1 || err != nil || !s.serves() || !s.covers("ca.example.com") {
		t.Error("it does not recover:", made, err)
	}
}

func never[T any](context.Context, T) (bool, error) { return false, nil }

func mustDNS(t *testing.T, name string) ident.Identifier {
	t.Helper()
	id, err := ident.ParseDNS(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A revoked certificate of the server is replaced at the next run of its job, and a blocked key with it.
func TestARevokedServerCertificateIsReplaced(t *testing.T) {
	for reason, newKey := range map[string]bool{"superseded": false, "keyCompromise": true} {
		t.Run(reason, func(t *testing.T) {
			a := opened(t)
			own, err := a.newServerCertificate()
			if err != nil {
				t.Fatal(err)
			}
			ensure := func(want int) *x509.Certificate {
				t.Helper()
				if made, err := own.ensure(t.Context()); made != want || err != nil || own.problem() != nil {
					t.Fatal(made, err, own.problem())
				}
				return own.current.Load().Leaf
			}
			first := ensure(1)
			ensure(0)
			if _, _, err := a.Manage().RevokeCertificate(t.Context(), manage.System, string(pki.SerialOf(first.SerialNumber)), reason); err != nil {
				t.Fatal(err)
			}
			second := ensure(1)
			if changed := !bytes.Equal(first.RawSubjectPublicKeyInfo, second.RawSubjectPublicKeyInfo); changed != newKey {
				t.Errorf("the key was changed: %t", changed)
			}
			ensure(0)
			kept, err := ownKey(a.keys, serverKey)
			if err != nil || !own.key.Public().(*ecdsa.PublicKey).Equal(kept.Public()) {
				t.Error("the next start has another key:", err)
			}
		})
	}
}

// That a revoked certificate cannot be replaced is told at once.
func TestARevokedServerCertificateThatStaysIsTold(t *testing.T) {
	a := opened(t)
	own, err := a.newServerCertificate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := own.ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	own.revoked = func(context.Context, *x509.Certificate) (bool, error) { return true, nil }
	own.issue = func(context.Context, []ident.Identifier, crypto.PublicKey) ([][]byte, error) {
		return nil, errors.New("no")
	}
	if _, err := own.ensure(t.Context()); err == nil || own.problem() == nil {
		t.Error(err, own.problem())
	}
}
