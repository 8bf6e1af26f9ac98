package acme_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/ca"
	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/core/acme"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	door "github.com/everleaf-pki/everleaf/internal/door/acme"
	"github.com/everleaf-pki/everleaf/internal/door/acme/nonce"
	"github.com/everleaf-pki/everleaf/internal/issue"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// house is the door on the real use cases, store and CA, with a validator that does what a test says.
type house struct {
	door      http.Handler
	nonces    *nonce.Source
	db        *sqlite.DB
	manage    *manage.Service
	service   *issue.Service
	validator *validator
	clock     *clock
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
	seen   []policy.Look
}

func (v *validator) Validate(ctx context.Context, look policy.Look) acme.Outcome {
	v.mu.Lock()
	v.seen = append(v.seen, look)
	decide := v.decide
	v.mu.Unlock()
	if decide == nil {
		return acme.Outcome{}
	}
	return decide(ctx, look)
}

// set says what looks find from now on.
func (v *validator) set(decide func(context.Context, policy.Look) acme.Outcome) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.decide = decide
}

func (v *validator) looks() []policy.Look {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]policy.Look{}, v.seen...)
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

// quick is a wait in which every look of a test ends.
const quick = 5 * time.Second

// newHouse opens an installation in a folder of the test, with the connector "default". wait is how long a challenge
// reply waits for its outcome.
func newHouse(t testing.TB, wait time.Duration) *house {
	t.Helper()
	dir := t.TempDir()
	ring, err := keyring.Open(filepath.Join(dir, "keys"), keyring.Options{})
	check(t, err)
	sealer, err := ring.Sealer()
	check(t, err)
	db, err := sqlite.Open(context.Background(), filepath.Join(dir, "everleaf.db"), sqlite.Options{})
	check(t, err)
	h := &house{
		db: db, validator: &validator{}, nonces: nonce.New(nonce.NewIdentity(0)),
		clock: &clock{now: time.Now().UTC().Truncate(time.Second)},
	}
	h.manage = manage.New(manage.Engines{Store: db, Keys: keys{ring}, Maker: maker{}, Sealer: sealer}, manage.Options{Now: h.clock.Now})
	_, err = h.manage.Bootstrap(context.Background(), manage.Setup{PublicURL: "http://pki.test"})
	check(t, err)
	log := slog.New(slog.DiscardHandler)
	options := issue.DefaultOptions()
	options.Now, options.PublicURL, options.Wait = h.clock.Now, func() string { return "http://pki.test" }, wait
	h.service = issue.New(issue.Engines{
		Store: db, Signer: ca.New(keys{ring}), Validator: h.validator, Secrets: sealer, Log: log,
	}, options)
	h.door, err = door.New(h.service, door.Options{
		Web: web.Options{Log: log}, Nonces: h.nonces, OwnName: func(host string) bool { return host == "ca.test" || host == "::1" },
	})
	check(t, err)
	t.Cleanup(func() {
		h.service.Close()
		check(t, db.Close())
	})
	return h
}

// rules changes the rules of a connector.
func (h *house) rules(t testing.TB, connector string, change func(*policy.Rules)) {
	t.Helper()
	_, err := h.manage.SetRules(context.Background(), "test", connector, func(r *policy.Rules) error {
		change(r)
		return nil
	})
	check(t, err)
}

// connect adds a connector with rules changed by change; nil changes nothing.
func (h *house) connect(t testing.TB, name string, change func(*policy.Rules)) {
	t.Helper()
	_, err := h.manage.CreateConnector(context.Background(), "test", manage.NewConnector{Name: name}, nil)
	check(t, err)
	if change != nil {
		h.rules(t, name, change)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}
