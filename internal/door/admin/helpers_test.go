package admin_test

import (
	"bytes"
	"context"
	"crypto"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/ca"
	"github.com/everleaf-pki/everleaf/internal/ca/keyring"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/door/admin"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// start is when the tests begin.
var start = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// house is the door to an installation that is set up.
type house struct {
	door    http.Handler
	client  *adminapi.Client
	service *manage.Service
	db      *sqlite.DB
	engine  *ca.Engine
	log     *logbook
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseOn(t, func(db *sqlite.DB) manage.Store { return db })
}

// newHouseOn puts the store in wrapped form under the use cases, once the installation is set up.
func newHouseOn(t *testing.T, wrap func(*sqlite.DB) manage.Store) *house {
	t.Helper()
	folder := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(folder, "everleaf.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	keys, err := keyring.Open(filepath.Join(folder, "keys"), keyring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := keys.Sealer()
	if err != nil {
		t.Fatal(err)
	}
	engines := manage.Engines{Store: db, Keys: ring{keys}, Maker: maker{}, Sealer: sealer}
	options := manage.Options{Now: func() time.Time { return start }}
	if _, err := manage.New(engines, options).Bootstrap(t.Context(), manage.Setup{PublicURL: "http://pki.example.test"}); err != nil {
		t.Fatal(err)
	}
	engines.Store = wrap(db)
	h := &house{service: manage.New(engines, options), db: db, engine: ca.New(keys), log: &logbook{}}
	h.door = admin.New(h.service, admin.Options{
		Actor: func(*http.Request) string { return "alice" },
		Base:  "https://ca.example.test:8443", HTTP01Port: 5002,
		Web: web.Options{Log: slog.New(slog.NewJSONHandler(h.log, nil))},
	})
	h.client = adminapi.NewClient(adminapi.InProcess(h.door))
	return h
}

// logbook collects what is logged.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type ring struct{ *keyring.Keyring }

func (ring) Parse(text, passphrase []byte) (crypto.Signer, error) {
	return keyring.ParsePrivateKey(text, passphrase)
}

type maker struct{}

func (maker) SignRoot(_ context.Context, r pki.CARequest, key crypto.Signer) ([]byte, error) {
	return ca.NewRoot(r, key)
}

func (maker) SignIntermediate(_ context.Context, r pki.CARequest, parent pki.Issuer, key crypto.Signer) ([]byte, error) {
	certificate, err := parent.Parse()
	if err != nil {
		return nil, err
	}
	return ca.NewIntermediate(r, certificate, key)
}

// answer is a reply of the door as it is on the wire.
type answer struct {
	status int
	header http.Header
	body   string
}

// send makes a request by hand. A body is sent as JSON.
func (h *house) send(t *testing.T, method, path, body string) answer {
	t.Helper()
	return h.sendAs(t, method, path, "application/json", strings.NewReader(body))
}

func (h *house) sendAs(t *testing.T, method, path, kind string, body io.Reader) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://everleaf"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	reply, err := adminapi.InProcess(h.door).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{reply.StatusCode, reply.Header, string(text)}
}
