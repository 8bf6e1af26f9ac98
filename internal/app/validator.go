package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/config"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/door/validator"
	"github.com/everleaf-pki/everleaf/internal/probe"
	"github.com/everleaf-pki/everleaf/internal/probe/remote"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// ValidatorInfo is what a person needs to make a validator known to its CA.
type ValidatorInfo struct {
	URL string
	Key pki.KeyHash
}

// RunValidator looks at challenges for CAs that stand elsewhere, those with one of the trusted keys, until ctx ends. Its
// data folder holds its key, which it makes at the first start, and nothing else.
func RunValidator(ctx context.Context, c config.Config, trusted []pki.KeyHash, log *slog.Logger, env func(string) string, ready func(ValidatorInfo)) error {
	f, keys, err := openValidatorFolder(c, env)
	if err != nil {
		return err
	}
	defer func() { _ = f.close() }()
	signer, err := ownKey(keys, validationKey)
	if err != nil {
		return err
	}
	identity, err := remote.Identity(signer, time.Now())
	if err != nil {
		return err
	}
	key, err := remote.KeyOf(signer.Public())
	if err != nil {
		return err
	}
	prober, err := newProber(c)
	if err != nil {
		return err
	}
	listener, err := bind(ctx, "listen", c.Listen)
	if err != nil {
		return err
	}
	limited := web.LimitConnections(listener, c.MaxPerAddress, nil)
	server := web.NewServer(validator.New(prober, web.Options{Log: log}), web.DefaultLimits(), log)
	ready(ValidatorInfo{URL: "https://" + net.JoinHostPort(hostFor(c.Listen), portOf(listener)), Key: key})
	return serveUntil(ctx, server, tls.NewListener(limited, remote.ServerTLS(identity, trusted)), c.Drain)
}

// openValidatorFolder opens the data folder of a validator, and refuses that of a CA.
func openValidatorFolder(c config.Config, env func(string) string) (*folder, *keyring.Keyring, error) {
	passphrase, err := keyring.ReadPassphrase(c.Data, c.PassphraseFile, env)
	if err != nil {
		return nil, nil, err
	}
	f, err := openFolder(c.Data)
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(f.database()); !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errors.Join(fmt.Errorf("the data folder %s is that of a CA; give a validator one of its own with --data", f.path), f.close())
	}
	keys, err := keyring.Open(f.keys(), keyring.Options{Passphrase: passphrase})
	if err != nil {
		return nil, nil, errors.Join(err, f.close())
	}
	return f, keys, nil
}

// newProber returns what looks from this machine.
func newProber(c config.Config) (*probe.Prober, error) {
	resolver, err := probe.NewResolver(probe.ResolverOptions{Upstreams: c.Resolvers, Signed: c.SignedZone})
	if err != nil {
		return nil, err
	}
	return probe.New(probe.Options{Resolver: resolver, HTTPPort: c.HTTP01Port, TLSPort: c.TLSALPN01Port}), nil
}

// serveUntil serves until ctx ends, and then answers what is open within the limit.
func serveUntil(ctx context.Context, server *http.Server, l net.Listener, limit time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("the listener on %s ended: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err := server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("looks that were open after %s were cut off", limit), server.Close())
	}
	if stopped := <-ended; !errors.Is(stopped, http.ErrServerClosed) {
		err = errors.Join(err, stopped)
	}
	return err
}
