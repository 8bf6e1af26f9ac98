package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/test/acmetest"
	"github.com/everleaf-pki/everleaf/test/chaltest"
	"github.com/everleaf-pki/everleaf/test/process"
)

// installation is a running server, with one account, and what was measured of it.
type installation struct {
	size   int // certificates before the first round
	client *acmetest.Client
	key    *ecdsa.PrivateKey // of all certificates
	names  atomic.Int64

	rates []float64 // issuances a second, by round
	tails []float64 // seconds in which 99 of 100 issuances were done, by round
}

// newInstallation starts a server that has issued one certificate, and fills its store with copies of it.
func newInstallation(b *testing.B, binary string, size int) *installation {
	b.Helper()
	site := chaltest.NewStateless(b)
	data := filepath.Join(b.TempDir(), "data")
	command := []string{
		binary, "serve", "--data", data, "--metrics-listen", "off", "--log-level", "error",
		"--http01-port", strconv.Itoa(int(site.Port())), "--public-listen", "127.0.0.1:0", "--listen",
	}
	server := process.Start(b, append(command, "127.0.0.1:0")...)
	trusting, err := acmetest.Trusting(server.Root)
	must(b, err)
	i := &installation{size: size}
	i.client, err = acmetest.Register(b.Context(), trusting, server.Directory)
	must(b, err)
	site.For(i.client.Thumbprint())
	i.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(b, err)
	must(b, i.issue(b.Context()))
	if size == 0 {
		return i
	}
	address := server.Listen()
	must(b, server.Stop())
	began := time.Now()
	fill(b, filepath.Join(data, "everleaf.db"), path.Base(i.client.Account), size)
	b.Logf("%d certificates stored in %v", size, time.Since(began).Round(time.Second))
	process.Start(b, append(command, address)...)
	return i
}

// load keeps all workers busy for a round.
func (i *installation) load(b *testing.B) {
	b.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var failure error
	from := time.Now().Add(warmUp)
	to := from.Add(measured)
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for time.Now().Before(to) {
				began := time.Now()
				err := i.issue(b.Context())
				ended := time.Now()
				mu.Lock()
				if err != nil {
					failure = err
				} else if ended.After(from) && ended.Before(to) {
					took = append(took, ended.Sub(began))
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if failure != nil || len(took) == 0 {
		b.Fatalf("%d certificates at first: %d issuances, and %v", i.size, len(took), failure)
	}
	slices.Sort(took)
	i.rates = append(i.rates, float64(len(took))/measured.Seconds())
	i.tails = append(i.tails, took[len(took)*99/100].Seconds())
}

// issue gets a certificate for a new name.
func (i *installation) issue(ctx context.Context) error {
	name := fmt.Sprintf("n%d.localhost", i.names.Add(1))
	order, err := i.client.NewOrder(ctx, name)
	if err != nil {
		return err
	}
	if err := i.client.Prove(ctx, order, "http-01"); err != nil {
		return err
	}
	_, err = i.client.Finalize(ctx, order, i.key, name)
	return err
}

func must(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
