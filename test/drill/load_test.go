package drill

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/test/acmetest"
	"github.com/everleaf-pki/everleaf/test/chaltest"
)

// load obtains certificates with several workers until it is stopped, and remembers every one that was acknowledged.
type load struct {
	client *acmetest.Client
	key    *ecdsa.PrivateKey

	mu           sync.Mutex
	acknowledged []acknowledgement
	names        atomic.Int64
}

// acknowledgement is a certificate that a client holds, and since when.
type acknowledgement struct {
	serial pki.Serial
	at     time.Time
}

const workers = 8

func newLoad(t *testing.T, directory, root string, site *chaltest.Stateless) *load {
	t.Helper()
	trusting, err := acmetest.Trusting(root)
	if err != nil {
		t.Fatal(err)
	}
	client, err := acmetest.Register(t.Context(), trusting, directory)
	if err != nil {
		t.Fatal(err)
	}
	site.For(client.Thumbprint())
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &load{client: client, key: key}
}

// run works until ctx ends. Errors are expected: the server is about to die.
func (l *load) run(ctx context.Context) {
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for ctx.Err() == nil {
				serial, err := l.issue(ctx)
				if err != nil {
					continue
				}
				l.mu.Lock()
				l.acknowledged = append(l.acknowledged, acknowledgement{serial, time.Now()})
				l.mu.Unlock()
			}
		})
	}
	wait.Wait()
}

func (l *load) issue(ctx context.Context) (pki.Serial, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	name := fmt.Sprintf("n%d.localhost", l.names.Add(1))
	order, err := l.client.NewOrder(ctx, name)
	if err != nil {
		return "", err
	}
	if err := l.client.Prove(ctx, order, "http-01"); err != nil {
		return "", err
	}
	chain, err := l.client.Finalize(ctx, order, l.key, name)
	if err != nil {
		return "", err
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return "", err
	}
	return pki.SerialOf(leaf.SerialNumber), nil
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// before returns the serial numbers that were acknowledged before a moment.
func (l *load) before(moment time.Time) (serials []pki.Serial) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.acknowledged {
		if a.at.Before(moment) {
			serials = append(serials, a.serial)
		}
	}
	return serials
}

// first returns when the first certificate was acknowledged.
func (l *load) first() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acknowledged[0].at
}
