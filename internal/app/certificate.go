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

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/durable"
)

// serverKey is the name of the HTTPS listener's key in the keyring.
const serverKey = "https"

// overdueAfter is how long the renewal of a certificate may fail before that is a reason for alarm, at most.
const overdueAfter = 24 * time.Hour

// serverCertificate is the certificate of the HTTPS listener: issued by the installation's own CA, renewed in time, and
// replaced when it is revoked; its key too when that is blocked.
type serverCertificate struct {
	file    string // chain as PEM
	names   []ident.Identifier
	key     crypto.Signer // used by one run of ensure at a time
	issue   func(ctx context.Context, names []ident.Identifier, key crypto.PublicKey) ([][]byte, error)
	revoked func(ctx context.Context, leaf *x509.Certificate) (bool, error)
	blocked func(ctx context.Context, key pki.KeyHash) (bool, error)
	newKey  func() (crypto.Signer, error) // in place of the present one, which is lost
	now     func() time.Time
	log     *slog.Logger

	current atomic.Pointer[tls.Certificate]
	failure atomic.Pointer[error] // why the last run of ensure failed; nil: it did not
}

// newServerCertificate returns the certificate of an installation's HTTPS listener, before its first ensure.
func (a *App) newServerCertificate() (*serverCertificate, error) {
	key, err := ownKey(a.keys, serverKey)
	if err != nil {
		return nil, err
	}
	return &serverCertificate{
		file: a.folder.serverChain(), names: serverNames(a.config), key: key,
		issue: a.certifyServer, revoked: a.revoked, blocked: a.db.KeyBlocked,
		newKey: func() (crypto.Signer, error) { return replaceServerSigner(a.keys) },
		now:    time.Now, log: a.log,
	}, nil
}

// replaceServerSigner makes a new key for the HTTPS listener and deletes the old one. Where it is stopped in between, the
// next call or the next start makes the key.
func replaceServerSigner(keys *keyring.Keyring) (crypto.Signer, error) {
	if err := keys.Delete(serverKey); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return keys.Generate(serverKey, pki.ECDSAP256)
}

// revoked reports whether a certificate that this installation issued is revoked.
func (a *App) revoked(ctx context.Context, leaf *x509.Certificate) (bool, error) {
	issuers, err := a.db.Issuers(ctx)
	if err != nil {
		return false, err
	}
	for _, i := range issuers {
		switch c, err := a.db.CertificateBySerial(ctx, i.ID, pki.SerialOf(leaf.SerialNumber)); {
		case err == nil && bytes.Equal(c.DER, leaf.Raw):
			return !c.Revoked.IsZero(), nil
		case err != nil && !fault.Is(err, fault.NotFound):
			return false, err
		}
	}
	return false, nil // the record of another installation, or of an older backup: it tells nothing
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

// serves reports whether there is a certificate whose validity holds now.
func (s *serverCertificate) serves() bool {
	c := s.current.Load()
	return c != nil && !s.now().Before(c.Leaf.NotBefore) && !s.now().After(c.Leaf.NotAfter)
}

// problem returns why clients refuse the certificate, or soon will because it is not replaced; nil while all is well. A
// renewal in time may fail for a while.
func (s *serverCertificate) problem() error {
	if !s.serves() {
		return errors.New("the server's own certificate is not valid now; see the log why it was not renewed")
	}
	leaf := s.current.Load().Leaf
	if name, is := s.missing(leaf); is {
		return fmt.Errorf("the server's own certificate lacks the name %s; see the log why it was not replaced", name)
	}
	failure, due := s.failure.Load(), renewal(leaf)
	if failure == nil {
		return nil
	}
	if grace := min(overdueAfter, leaf.NotAfter.Sub(due)/2); s.now().After(due) && s.now().Before(due.Add(grace)) {
		return nil
	}
	return fmt.Errorf("the server's own certificate, valid until %s, could not be replaced: %w", leaf.NotAfter.UTC().Format(time.RFC3339), *failure)
}

// ensure takes the recorded certificate into use, or a new one when it is missing, due, revoked, or for other names. A
// blocked key, for which there is no certificate any more, it replaces first. It returns 1 when it took a new one.
func (s *serverCertificate) ensure(ctx context.Context) (int, error) {
	made, err := s.replace(ctx)
	if err != nil {
		s.failure.Store(&err)
		return made, err
	}
	s.failure.Store(nil)
	return made, nil
}

func (s *serverCertificate) replace(ctx context.Context) (int, error) {
	if err := s.replaceKey(ctx); err != nil {
		return 0, fmt.Errorf("replace the server's own key: %w", err)
	}
	if leaf := s.inUse(); leaf != nil {
		if due, err := s.due(ctx, leaf); err != nil || !due {
			return 0, err
		}
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

// replaceKey makes a new key when the present one is blocked. The certificate in use keeps its own until there is another.
func (s *serverCertificate) replaceKey(ctx context.Context) error {
	public, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil {
		return err
	}
	blocked, err := s.blocked(ctx, pki.HashKey(public))
	if err != nil || !blocked {
		return err
	}
	key, err := s.newKey()
	if err != nil {
		return err
	}
	s.key = key
	s.log.Warn("the server's own key is blocked; it has a new one")
	return nil
}

// inUse returns the certificate in use; the recorded one at the start; nil without one.
func (s *serverCertificate) inUse() *x509.Certificate {
	if c := s.current.Load(); c != nil {
		return c.Leaf
	}
	c, err := s.load()
	if err == nil {
		s.current.Store(c)
		return c.Leaf
	}
	if !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("the server's certificate cannot be used; a new one is made", slog.Any("error", err))
	}
	return nil
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
	if !s.forKey(c.Leaf) {
		return nil, fmt.Errorf("%s is not for the server's key", s.file)
	}
	return c, nil
}

// forKey reports whether a certificate is for the present key.
func (s *serverCertificate) forKey(leaf *x509.Certificate) bool {
	public, err := x509.MarshalPKIXPublicKey(s.key.Public())
	return err == nil && bytes.Equal(public, leaf.RawSubjectPublicKeyInfo)
}

// due reports whether a certificate has to be replaced.
func (s *serverCertificate) due(ctx context.Context, leaf *x509.Certificate) (bool, error) {
	if _, missing := s.missing(leaf); missing || s.now().After(renewal(leaf)) || !s.forKey(leaf) {
		return true, nil
	}
	return s.revoked(ctx, leaf)
}

// renewal returns when a certificate is due: two thirds of its life are over.
func renewal(leaf *x509.Certificate) time.Time {
	return leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) * 2 / 3)
}

// missing returns a name of this server that a certificate lacks.
func (s *serverCertificate) missing(leaf *x509.Certificate) (name string, is bool) {
	i := slices.IndexFunc(s.names, func(name ident.Identifier) bool { return leaf.VerifyHostname(name.Value()) != nil })
	if i < 0 {
		return "", false
	}
	return s.names[i].Value(), true
}

func encodeChain(chain [][]byte) []byte {
	var out bytes.Buffer
	for _, der := range chain {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return out.Bytes()
}
