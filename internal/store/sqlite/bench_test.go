package sqlite_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/internal/store/storetest"
)

// BenchmarkIssuance stores whole issuances of one name: order, outcome of the challenge, intent, certificate. It
// reports synced commits for each, and how much the file grew by it. Run it with -benchtime=20000x for stable sizes.
func BenchmarkIssuance(b *testing.B) {
	for _, writers := range []int{1, 32} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { benchmarkIssuance(b, writers) })
	}
}

func benchmarkIssuance(b *testing.B, writers int) {
	var commits, writes atomic.Int64
	path := filepath.Join(b.TempDir(), "everleaf.db")
	db, err := sqlite.Open(b.Context(), path, sqlite.Options{Observe: func(members int, _ time.Duration) {
		commits.Add(1)
		writes.Add(int64(members))
	}})
	if err != nil {
		b.Fatal(err)
	}
	w := storetest.NewWorld(b, db)
	account := w.NewAccount()
	pattern, der := w.Intent(acme.Order{Identifiers: w.Names("host-123456.example.com")})
	before := size(b, path)
	commits.Store(0)
	writes.Store(0)

	b.ResetTimer()
	var next atomic.Int64
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for next.Add(1) <= int64(b.N) {
				issue(w, account, pattern, der)
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(writes.Load())/b.Elapsed().Seconds(), "writes/s")
	b.ReportMetric(float64(commits.Load())/float64(b.N), "commits/op")
	if err := db.Close(); err != nil { // writes the log back into the file
		b.Fatal(err)
	}
	b.ReportMetric(float64(size(b, path)-before)/float64(b.N), "disk-bytes/op")
}

// issue stores one issuance; the bytes of the certificate are always the same, its name, serial number and key are not.
func issue(w *storetest.World, account acme.Account, pattern pki.Intent, der []byte) {
	o, created := w.Order(account.ID, fmt.Sprintf("host-%s.example.com", w.ID()[6:]))
	must(w, w.Store.CreateOrder(w.Context(), o, created, tell(w, account, event.OrderCreated, o.ID)))
	c := w.Success(created[0])
	c.KeyAuthorization = created[0].Challenges[0].Token + "." + account.Key.Thumbprint()
	c.Outcome.Attempts[0].Lookups = []acme.Lookup{
		{Name: o.Identifiers[0].Value(), Type: "A", Server: "192.0.2.53:53", Result: "NOERROR", Answers: []string{"192.0.2.1"}},
		{Name: o.Identifiers[0].Value(), Type: "AAAA", Server: "192.0.2.53:53", Result: "NOERROR"},
	}
	_, err := w.Store.Conclude(w.Context(), c, tell(w, account, event.AuthorizationValid, c.Authorization))
	must(w, err)
	i := pattern
	var random [pki.SerialBytes]byte
	_, _ = rand.Read(random[:])
	_, _ = rand.Read(i.KeyHash[:])
	i.ID, i.Order, i.Account, i.Connector, i.Names, i.Serial = w.ID(), o.ID, account.ID, o.Connector, o.Identifiers, pki.NewSerial(random)
	i.Profile, i.ProfileName = o.Profile, o.ProfileName
	must(w, w.Store.BeginIssuance(w.Context(), i))
	must(w, w.Store.CompleteIssuance(w.Context(), i.ID, der, storetest.Noon, tell(w, account, event.CertificateIssued, i.ID)))
}

func tell(w *storetest.World, account acme.Account, action event.Action, object string) event.Event {
	e := w.Event(action, object)
	e.Actor, e.Detail = "account:"+account.ID, "host-123456.example.com"
	return e
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func size(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Size()
}
