package app

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/durable"
)

// serverKey is the name of the HTTPS listener's key in the keyring.
const serverKey = "https"

// serverCertificate is the certificate of the HTTPS listener: issued by the installation's own CA and renewed in time.
type serverCertificate struct {
	file  string // chain as PEM
	names []ident.Identifier
	key   crypto.Signer
	issue func(ctx context.Context, names []ident.Identifier, key crypto.PublicKey) ([][]byte, error)
	now   func() time.Time
	log   *slog.Logger

	current atomic.Pointer[tls.Certificate]
}

// serverSigner returns the HTTPS listener's key, and makes it at the first start.
func serverSigner(keys *keyring.Keyring) (crypto.Signer, error) {
	key, err := keys.Load(serverKey)
	if errors.Is(err, fs.ErrNotExist) {
		return keys.Generate(serverKey, pki.ECDSAP256)
	}
	return key, err
}

// get is for tls.Config.
func (s *serverCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := s.current.Load(); c != nil {
		return c, nil
	}
	return nil, errors.New("the server has no certificate yet")
}

// covers reports whether the certificate in use names a host, so that clients may use it in URLs.
func (s *serverCertificate) covers(host string) bool {
	c := s.current.Load()
	return c != nil && c.Leaf.VerifyHostname(host) == nil
}

// serves reports whether there is a certificate that clients accept now.
func (s *serverCertificate) serves() bool {
	c := s.current.Load()
	return c != nil && s.now().Before(c.Leaf.NotAfter)
}

// ensure takes the recorded certificate into use, or a new one when it is missing, due, or for other names. It returns
// 1 when it took a new one.
func (s *serverCertificate) ensure(ctx context.Context) (int, error) {
	if c := s.current.Load(); c != nil && !s.due(c.Leaf) {
		return 0, nil
	}
	if c, err := s.load(); err == nil {
		s.current.Store(c)
		if !s.due(c.Leaf) {
			return 0, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("the server's certificate cannot be used; a new one is made", slog.Any("error", err))
	}
	chain, err := s.issue(ctx, s.names, s.key.Public())
	if err != nil {
		return 0, fmt.Errorf("issue the server's own certificate: %w", err)
	}
	if err := durable.WriteFile(s.file, encodeChain(chain), 0o644); err != nil {
		return 0, err
	}
	c, err := s.load()
	if err != nil {
		return 0, err
	}
	s.current.Store(c)
	s.log.Info("the server has a new certificate", slog.Time("not_after", c.Leaf.NotAfter), slog.Any("names", s.names))
	return 1, nil
}

// load reads the recorded chain and joins it with the key.
func (s *serverCertificate) load() (*tls.Certificate, error) {
	data, err := os.ReadFile(s.file)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{PrivateKey: s.key}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		c.Certificate = append(c.Certificate, block.Bytes)
	}
	if len(c.Certificate) == 0 {
		return nil, fmt.Errorf("%s holds no certificate", s.file)
	}
	c.Leaf, err = x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.file, err)
	}
	public, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil || !bytes.Equal(public, c.Leaf.RawSubjectPublicKeyInfo) {
		return nil, fmt.Errorf("%s is not for the server's key", s.file)
	}
	return c, nil
}

// due reports whether a certificate has to be replaced: two thirds of its life are over, or a name is missing.
func (s *serverCertificate) due(leaf *x509.Certificate) bool {
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	if s.now().After(leaf.NotBefore.Add(life * 2 / 3)) {
		return true
	}
	return slices.ContainsFunc(s.names, func(name ident.Identifier) bool { return leaf.VerifyHostname(name.Value()) != nil })
}

func encodeChain(chain [][]byte) []byte {
	var out bytes.Buffer
	for _, der := range chain {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return out.Bytes()
}
