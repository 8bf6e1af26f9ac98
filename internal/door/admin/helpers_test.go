package admin_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/door/admin"
	"github.com/everleaf-pki/everleaf/internal/manage"
	"github.com/everleaf-pki/everleaf/internal/store/sqlite"
	"github.com/everleaf-pki/everleaf/internal/web"
	"github.com/everleaf-pki/everleaf/test/catest"
)

// start is when the tests begin.
var start = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// house is the door to an installation that is set up.
type house struct {
	*catest.Installation
	door    http.Handler
	client  *adminapi.Client
	service *manage.Service
	log     *logbook
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseOn(t, func(db *sqlite.DB) manage.Store { return db })
}

// newHouseOn puts the store in wrapped form under the use cases, once the installation is set up.
func newHouseOn(t *testing.T, wrap func(*sqlite.DB) manage.Store) *house {
	t.Helper()
	h := &house{Installation: catest.New(t, start), log: &logbook{}}
	h.service = h.Manage(wrap(h.Store))
	h.door = admin.New(h.service, admin.Options{
		Actor: func(*http.Request) string { return "alice" },
		Base:  "https://ca.example.test:8443", HTTP01Port: 5002, Explain: h.Issue(t, h.Engines(), h.Options(time.Second)),
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
