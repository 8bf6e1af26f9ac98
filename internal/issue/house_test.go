package issue_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca"
	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/jws"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
)

// house is the use cases on real engines, with a validator that does what a test says.
type house struct {
	t         *testing.T
	db        *sqlite.DB
	engine    *ca.Engine
	validator *validator
	manage    *manage.Service
	issue     *issue.Service
	clock     *clock
	connector policy.Connector
}

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// validator answers looks with decide; nil: every look succeeds.
type validator struct {
	mu     sync.Mutex
	decide func(context.Context, policy.Look) acme.Outcome
	looks  []policy.Look
}

func (v *validator) Validate(ctx context.Context, look policy.Look) acme.Outcome {
	v.mu.Lock()
	v.looks = append(v.looks, look)
	decide := v.decide
	v.mu.Unlock()
	if decide == nil {
		return acme.Outcome{Attempts: []acme.Attempt{{Seen: "as told"}}}
	}
	return decide(ctx, look)
}

func (v *validator) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.looks)
}

// keys gives the use cases a keyring in the words of the core.
type keys struct{ *keyring.Keyring }

func (k keys) Parse(text, passphrase []byte) (crypto.Signer, error) {
	return keyring.ParsePrivateKey(text, passphrase)
}

func (k keys) New(pki.KeyType) (crypto.Signer, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

type maker struct{}

func (maker) SignRoot(_ context.Context, r pki.CARequest, key crypto.Signer) ([]byte, error) {
	return ca.NewRoot(r, key)
}

func (maker) SignIntermediate(_ context.Context, r pki.CARequest, parent pki.Issuer, key crypto.Signer) ([]byte, error) {
	certificate, err := x509.ParseCertificate(parent.Certificate)
	if err != nil {
		return nil, err
	}
	return ca.NewIntermediate(r, certificate, key)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	ring, err := keyring.Open(filepath.Join(dir, "keys"), keyring.Options{})
	check(t, err)
	sealer, err := ring.Sealer()
	check(t, err)
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "everleaf.db"), sqlite.Options{})
	check(t, err)
	h := &house{t: t, db: db, engine: ca.New(keys{ring}), validator: &validator{}, clock: &clock{now: time.Now().UTC().Truncate(time.Second)}}
	h.manage = manage.New(manage.Engines{Store: db, Keys: keys{ring}, Maker: maker{}, Sealer: sealer}, manage.Options{Now: h.clock.Now})
	_, err = h.manage.Bootstrap(t.Context(), manage.Setup{PublicURL: "http://pki.test"})
	check(t, err)
	options := issue.DefaultOptions()
	options.Now, options.PublicURL, options.Wait = h.clock.Now, func() string { return "http://pki.test" }, 5*time.Second
	h.issue = issue.New(issue.Engines{Store: db, Signer: h.engine, Validator: h.validator, Secrets: sealer, Log: slog.New(slog.DiscardHandler)}, options)
	h.connector, err = h.issue.Connector(t.Context(), policy.KindACME, "default")
	check(t, err)
	t.Cleanup(func() {
		h.issue.Close()
		check(t, db.Close())
	})
	return h
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("error %v, want the kind %q", err, kind)
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}

func publicKey(t *testing.T, key crypto.Signer) jws.Key {
	t.Helper()
	public, err := jws.KeyFromPublic(key.Public())
	check(t, err)
	return public
}

// requester makes an account with a new key.
func (h *house) requester() issue.Requester {
	h.t.Helper()
	return h.requesterWith(newKey(h.t))
}

func (h *house) requesterWith(key crypto.Signer) issue.Requester {
	h.t.Helper()
	a, _, err := h.issue.NewAccount(h.t.Context(), h.connector, issue.NewAccount{Key: publicKey(h.t, key)})
	check(h.t, err)
	r, err := h.issue.Admit(h.t.Context(), h.connector, a)
	check(h.t, err)
	return r
}

func dns(names ...string) issue.NewOrder {
	var o issue.NewOrder
	for _, n := range names {
		o.Names = append(o.Names, issue.Name{Type: "dns", Value: n})
	}
	return o
}

// ready opens an order and proves all its names.
func (h *house) ready(r issue.Requester, o issue.NewOrder) issue.OrderView {
	h.t.Helper()
	order, err := h.issue.NewOrder(h.t.Context(), r, o)
	check(h.t, err)
	for _, a := range order.Parts {
		_, err := h.issue.Respond(h.t.Context(), r, a.ID, a.Challenges[0].Method)
		check(h.t, err)
	}
	view, err := h.issue.Order(h.t.Context(), r, order.ID)
	check(h.t, err)
	if view.Status != acme.Ready {
		h.t.Fatalf("the order is %s", view.Status)
	}
	return view
}

func request(t *testing.T, key crypto.Signer, names ...string) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	check(t, err)
	return der
}

// issued goes all the way to a certificate.
func (h *house) issued(r issue.Requester, key crypto.Signer, names ...string) issue.Download {
	h.t.Helper()
	order := h.ready(r, dns(names...))
	view, err := h.issue.Finalize(h.t.Context(), r, order.ID, request(h.t, key, names...))
	check(h.t, err)
	if view.Status != acme.Valid {
		h.t.Fatalf("the order is %s: %s", view.Status, fmt.Sprint(view.Failure))
	}
	d, err := h.issue.Certificate(h.t.Context(), r, view.Order.Certificate)
	check(h.t, err)
	return d
}
