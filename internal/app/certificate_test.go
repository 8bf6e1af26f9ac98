package app

import (
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
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/ident"
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
	name, err := ident.ParseDNS("ca.example.com")
	if err != nil {
		t.Fatal(err)
	}
	started := func() *serverCertificate {
		return &serverCertificate{
			file: file, names: []ident.Identifier{name}, key: key, issue: issue,
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
	}{
		{60 * time.Hour, false, true},
		{61 * time.Hour, true, true},
		{91 * time.Hour, true, false},
	} {
		now = start.Add(step.after)
		s := started()
		if _, err := s.ensure(t.Context()); (err != nil) != step.failed || s.serves() != step.serves {
			t.Errorf("after %s: %v, serves: %t", step.after, err, s.serves())
		}
	}
	broken = nil
	s := started()
	if made, err := s.ensure(t.Context()); made != 1 || err != nil || !s.serves() || !s.covers("ca.example.com") {
		t.Error("it does not recover:", made, err)
	}
}
