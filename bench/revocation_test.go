package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/app"
	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/ident"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/test/acmetest"
	"github.com/everleaf-pki/everleaf/test/chaltest"
	"github.com/everleaf-pki/everleaf/test/process"
)

// What a revocation may take until everybody can see it.
const (
	ocspLimit  = time.Second
	crlLimit   = 10 * time.Second
	listsLimit = time.Minute // of a revocation in every shard, so that every list is made anew
)

// BenchmarkRevocation revokes a million certificates and looks at what clients get over HTTP: the size of every list, and how
// soon one more revocation is seen. It fails where a list is longer than pki.MaxCRL, OCSP lags by more than a second, or a
// list by more than ten.
func BenchmarkRevocation(b *testing.B) {
	revoked := revocation{certificates: 1_000_000, room: pki.ShardRoom}.run(b)
	b.ReportMetric(0, "ns/op") // of the whole drill: nothing to compare
	b.Log(revoked)
}

// TestRevocation is the same with fewer and shorter lists.
// Proves BR-17, BR-18, BR-19, INC-31, INC-32, INC-40, INC-41.
func TestRevocation(t *testing.T) {
	t.Log(revocation{certificates: 10_000, room: 500}.run(t))
}

// revocation is a drill: so many certificates are revoked but one of each shard.
type revocation struct {
	certificates int
	room         int // of a shard
}

// run returns what was measured, as text.
func (r revocation) run(t testing.TB) string {
	t.Helper()
	var report strings.Builder
	line := func(what string, value any) { fmt.Fprintf(&report, "%-52s %v\n", what, value) }
	h := newAuthority(t)
	h.server.stop(t)

	s := newShards(t, h, r.room)
	began := time.Now()
	s.fill(t, r.certificates)
	line("certificates stored", fmt.Sprintf("%d in %s", r.certificates, since(began)))
	began = time.Now()
	s.revoke(t)
	line("revoked in the store", fmt.Sprintf("%d in %s", s.revoked, since(began)))
	must(t, s.db.Close())

	began = time.Now()
	h.server.start(t)
	line("start of the server, with every list due", since(began))
	lists := h.lists(t, s.urls(), s.revoked)
	line("until every list was made anew", since(began))
	octets, largest := 0, 0
	for _, one := range lists {
		octets, largest = octets+one.octets, max(largest, one.octets)
	}
	line("lists", fmt.Sprintf("%d, together %.1f MB, the largest %.3f MB", len(lists), mega(octets), mega(largest)))
	if largest > pki.MaxCRL {
		t.Errorf("a list has %d octets", largest)
	}
	began = time.Now()
	for _, c := range s.spared[1:] {
		h.revoke(t, c)
	}
	h.waitListed(t, listsLimit, s.spared[1:]...)
	line("from the first revocation to the last of all lists", since(began))
	told := h.revoke(t, s.spared[0])
	line("from a revocation to OCSP", h.waitTold(t, s.spared[0], told))
	line("from a revocation to its list", h.waitListed(t, crlLimit, s.spared[0]).Sub(told).Round(time.Millisecond))
	return report.String()
}

func since(began time.Time) time.Duration { return time.Since(began).Round(10 * time.Millisecond) }

func mega(octets int) float64 { return float64(octets) / 1e6 }

// certifier is a running server with a certificate that was issued by it.
type certifier struct {
	server  *restarted
	data    string
	account string
	issuer  *x509.Certificate
}

// restarted is a server that is stopped and started on its data.
type restarted struct {
	command []string
	*process.Server
}

func (s *restarted) start(t testing.TB) {
	t.Helper()
	s.Server = process.Start(t, s.command...)
}

func (s *restarted) stop(t testing.TB) {
	t.Helper()
	must(t, s.Server.Stop())
}

func newAuthority(t testing.TB) *certifier {
	t.Helper()
	site := chaltest.NewStateless(t)
	h := &certifier{data: filepath.Join(t.TempDir(), "data")}
	h.server = &restarted{command: []string{
		process.Build(t), "serve", "--data", h.data, "--metrics-listen", "off", "--log-level", "error", "--http01-port", fmt.Sprint(site.Port()),
		"--public-listen", freeAddress(t), "--listen", freeAddress(t),
	}}
	h.server.start(t)
	_, err := h.admin().SaveProfile(t.Context(), "", "default", adminapi.SpecChange{OCSP: ptr(true)})
	must(t, err)
	trusting, err := acmetest.Trusting(h.server.Root)
	must(t, err)
	client, err := acmetest.Register(t.Context(), trusting, h.server.Directory)
	must(t, err)
	site.For(client.Thumbprint())
	order, err := client.NewOrder(t.Context(), "first.localhost")
	must(t, err)
	must(t, client.Prove(t.Context(), order, "http-01"))
	_, err = client.Finalize(t.Context(), order, newKey(t), "first.localhost")
	must(t, err)
	h.account = path.Base(client.Account)
	return h
}

func (h *certifier) admin() *adminapi.Client {
	return adminapi.NewClient(adminapi.OverSocket(app.SocketPath(h.data)))
}

// revoke revokes one certificate as an operator does, and returns when that was answered.
func (h *certifier) revoke(t testing.TB, c pki.Certificate) time.Time {
	t.Helper()
	_, err := h.admin().RevokeCertificate(t.Context(), c.ID, adminapi.Revocation{Reason: "superseded"})
	must(t, err)
	return time.Now()
}

// shards fills the store of a server that is stopped with copies of its newest certificate.
type shards struct {
	db      *sqlite.DB
	issuer  pki.Issuer
	like    pki.Certificate
	base    string
	room    int
	mu      sync.Mutex
	opened  map[int]string // URLs
	stored  []pki.Certificate
	spared  []pki.Certificate // one of each shard
	revoked int
}

func newShards(t testing.TB, h *certifier, room int) *shards {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(h.data, "everleaf.db"), sqlite.Options{})
	must(t, err)
	found, err := db.FindCertificates(t.Context(), pki.Filter{Account: h.account, Limit: 1})
	must(t, err)
	s := &shards{db: db, like: found[0], room: room, opened: map[int]string{}}
	s.issuer, err = db.Issuer(t.Context(), s.like.Issuer)
	must(t, err)
	h.issuer, err = s.issuer.Parse()
	must(t, err)
	s.base = h.server.PublicURL
	s.open(t.Context(), s.issuer.Shard.Number)
	return s
}

// open opens the shard that follows a full one, once.
func (s *shards) open(ctx context.Context, full int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.issuer.Shard.Number != full {
		return
	}
	next := s.issuer.NextShard(s.base)
	if err := s.db.OpenShard(ctx, s.issuer.ID, next, s.room); err == nil {
		s.issuer.Shard, s.opened[next.Number] = next, next.URL
	}
}

func (s *shards) shard() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issuer.Shard.Number
}

func (s *shards) urls() (urls []string) {
	for _, url := range s.opened {
		urls = append(urls, url)
	}
	return urls
}

// atOnce is how many writes wait for the store together: it commits what waits with one sync.
const atOnce = 128

// fill stores certificates, in the two commits in which a server would.
func (s *shards) fill(t testing.TB, certificates int) {
	t.Helper()
	s.stored = make([]pki.Certificate, certificates)
	each(t, certificates, func(ctx context.Context, n int) error {
		c, err := s.copy(n)
		for err == nil {
			c.Shard = s.shard()
			err = s.db.BeginIssuance(ctx, pki.Intent{Certificate: c, TBS: []byte{0x30, 0}, Begun: c.Issued})
			if !fault.Is(err, fault.Conflict) {
				break
			}
			s.open(ctx, c.Shard)
			err = nil
		}
		if err == nil {
			err = s.db.CompleteIssuance(ctx, c.ID, s.like.DER, c.Issued, s.event(event.CertificateIssued, c))
		}
		s.stored[n] = c
		return err
	})
	if t.Failed() {
		t.FailNow()
	}
}

func (s *shards) copy(n int) (pki.Certificate, error) {
	name, err := ident.ParseDNS(fmt.Sprintf("copy%d.localhost", n))
	c := s.like
	c.ID, c.Order, c.Names, c.DER = newID(), "", []ident.Identifier{name}, nil
	c.Issued = time.Now().UTC().Truncate(time.Second)
	var random [pki.SerialBytes]byte
	_, _ = rand.Read(random[:])
	_, _ = rand.Read(c.KeyHash[:])
	c.Serial = pki.NewSerial(random)
	return c, err
}

func (s *shards) event(action event.Action, c pki.Certificate) event.Event {
	return event.Event{ID: newID(), At: c.Issued, Organisation: c.Organisation, Actor: "system", Action: action, Object: c.ID, Detail: string(c.Serial)}
}

// revoke revokes all but the first of each shard.
func (s *shards) revoke(t testing.TB) {
	t.Helper()
	seen := map[int]bool{}
	var all []pki.Certificate
	for _, c := range s.stored {
		if !seen[c.Shard] {
			seen[c.Shard] = true
			s.spared = append(s.spared, c)
			continue
		}
		all = append(all, c)
	}
	s.revoked = len(all)
	each(t, len(all), func(ctx context.Context, n int) error {
		c := all[n]
		_, err := s.db.Revoke(ctx, c.ID, time.Now(), pki.Superseded, false, s.event(event.CertificateRevoked, c))
		return err
	})
	if t.Failed() {
		t.FailNow()
	}
}

// each calls do for 0 to n-1, many at once.
func each(t testing.TB, n int, do func(ctx context.Context, n int) error) {
	t.Helper()
	var next atomic.Int64
	var wait sync.WaitGroup
	for range atOnce {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && !t.Failed(); i = next.Add(1) - 1 {
				if err := do(t.Context(), int(i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

// freeAddress returns an address that a server can take each time it starts.
func freeAddress(t testing.TB) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func ptr[T any](v T) *T { return &v }
